"""What is not done of an ended job is planned again."""

from __future__ import annotations

import pytest

from data.jobs import JobStore
from leadmill.errors import ConflictError, NotFoundError
from tests.data.jobs.acting import CLOSE, FAILING, JOB, begin, completed, handed, launched, partition_done, state


def cancelled(store: JobStore) -> None:
    """Of three partitions one is done, one has committed its first stage, one has failed for good."""
    launched(store)
    partition_done(store, "p0")
    store.commit(begin(store, "p1"), files="1")
    store.fail(begin(store, "p2"), max=1, **FAILING)
    store.cancel(JOB)


def test_launch_runs_first_and_then_what_is_left_goes_on_where_it_was(store: JobStore) -> None:
    cancelled(store)
    answer = store.resume(JOB)
    assert (handed(answer), answer.body["attempt"]) == (["launch"], 2)
    record = store.record(JOB)
    assert record and (record.status, record.attempt, record.partitions_done) == ("pending", 2, 1)
    assert (record.finished_ms, record.coverage, record.error_category) == (None, None, None)
    fields = {"pn": 3, "w": 3, "nc": 3, "close": CLOSE}
    answer = store.commit(begin(store, "launch"), fields=fields)
    assert {(out.unit, out.index) for out in answer.send} == {("p1", 1), ("p2", 0)}
    assert state(store, "p1")["e"] == 2, "an old run of it may still be at work"


def test_a_completed_job_is_resumed_where_something_is_missing(store: JobStore) -> None:
    completed(store, 0.5)
    assert handed(store.resume(JOB)) == ["launch"]


def test_one_with_nothing_missing_only_for_damaged_files(store: JobStore) -> None:
    completed(store, 1)
    with pytest.raises(ConflictError, match="nothing missing"):
        store.resume(JOB)
    store.resume(JOB, damaged=["p0"])
    unit = state(store)
    assert (unit["s"], unit["k"], unit["e"]) == ("p", 0, 2) and "c" not in unit and "f" not in unit
    record = store.record(JOB)
    assert record and record.stage("scrape").done == 0
    assert store.redis.ttl(store.key(f"units:{JOB}")) == -1, "its units would be gone in an hour"


def test_units_that_are_gone_come_from_the_manifest(store: JobStore) -> None:
    cancelled(store)
    kept = store.unit_states(JOB)
    store.redis.delete(store.key(f"units:{JOB}"))
    store.resume(JOB, units=kept)
    assert state(store)["s"] == "d"
    assert (state(store, "p1")["s"], state(store, "p1")["k"], state(store, "p1")["f"]) == ("p", 1, ["1"])


def test_a_repeat_with_its_key_changes_nothing_and_the_key_stands_for_it_alone(store: JobStore) -> None:
    cancelled(store)
    assert not store.resume(JOB, key="k").body.get("replayed")
    assert store.resume(JOB, key="k").body["replayed"]
    record = store.record(JOB)
    assert record and record.attempt == 2
    other = launched(store, job="job_00000000000000000002")
    store.cancel(other)
    with pytest.raises(ConflictError, match="another request"):
        store.resume(other, key="k")


def test_what_may_not_be_resumed_says_what_is_legal(store: JobStore) -> None:
    with pytest.raises(NotFoundError):
        store.resume(JOB)
    launched(store)
    with pytest.raises(ConflictError, match="it is running; legal now: cancel"):
        store.resume(JOB)
