"""A worker claims a unit: what it is granted, and when there is nothing to run."""

from __future__ import annotations

from data.jobs import LIMITS, JobStore
from tests.data.jobs.acting import JOB, OTHER, begin, launched, new, state


def test_it_starts_the_job_and_gives_a_lease(store: JobStore) -> None:
    assert store._clock is not None
    store.submit(new())
    grant = begin(store, "launch")
    assert (grant.epoch, grant.attempt, grant.tries, grant.spec, grant.kind) == (1, 1, 0, {"a": 1}, "pipeline")
    record = store.record(JOB)
    assert record and (record.status, record.started_ms) == ("running", store._clock())
    assert store.redis.zscore(store.key("due"), f"{JOB}|launch") == store._clock() + LIMITS["LEASE_MS"]


def test_its_repeat_is_answered_as_the_first_time_and_another_owner_is_refused(store: JobStore) -> None:
    launched(store)
    assert begin(store, "p0") == begin(store, "p0")
    assert store.begin(JOB, "p0", 0, 0, "b:2") == "stale"


def test_what_is_not_there_to_run_is_refused(store: JobStore) -> None:
    launched(store)
    assert store.begin(OTHER, "p0", 0, 0, "a:1") == "gone"
    assert store.begin(JOB, "p9", 0, 0, "a:1") == "stale", "never handed out"
    assert store.begin(JOB, "p0", 2, 0, "a:1") == "stale", "of another epoch"
    assert store.begin(JOB, "p0", 0, 1, "a:1") == "stale", "of another stage"
    store.cancel(JOB)
    assert store.begin(JOB, "p0", 0, 0, "a:1") == "ended"


def test_a_later_stage_is_told_what_was_committed_before(store: JobStore) -> None:
    launched(store)
    store.commit(begin(store, "p0"), files="2,1")
    grant = begin(store, "p0", 1)
    assert (grant.epochs, grant.files) == ((1,), ("2,1",))
    assert state(store)["o"] == "a:1"
