"""A run keeps its lease, tells how far it is, and hears when it has to stop."""

from __future__ import annotations

from data.jobs import LIMITS, JobStore
from leadmill.traffic import Traffic
from tests.data.jobs.acting import JOB, begin, launched, pass_time


def test_it_prolongs_the_lease(store: JobStore) -> None:
    assert store._clock is not None
    launched(store)
    grant = begin(store, "p0")
    pass_time(store, 4)
    assert store.renew(grant) is None
    assert store.redis.zscore(store.key("due"), f"{JOB}|p0") == store._clock() + LIMITS["LEASE_MS"]


def test_progress_is_counted_once_and_told_as_an_event(store: JobStore) -> None:
    launched(store, 2)
    grant = begin(store, "p0")
    pass_time(store, 1)
    for told in (500, 500, 300):
        assert store.renew(grant, progress=told, message="at page 3", pages=2) is None
    record = store.record(JOB)
    assert record and (record.message, record.pages) == ("at page 3", 6)
    assert record.progress == 150, "half of one of two partitions, which are three of five stages"
    kind, about = store.events(JOB)[-1][1:]
    assert (kind, about["pct"], about["message"]) == ("progress", 150, "at page 3")


def test_traffic_is_added_up_and_what_waits_is_as_the_last_told_it(store: JobStore) -> None:
    launched(store, 2)
    first, second = begin(store, "p0"), begin(store, "p1")
    begun = Traffic(2_000, (3, 0, 1, 0, 1), (2, 0, 0))
    assert store.renew(first, progress=100, traffic=begun.since(Traffic())) is None
    later = Traffic(5_000, (9, 1, 1, 0, 0), (0, 1, 0))
    assert store.renew(first, progress=200, traffic=later.since(begun)) is None
    store.commit(second, rows_in=1, rows_out=1, traffic=Traffic(10**12, (1, 0, 0, 0, 0)).since(Traffic()))
    record = store.record(JOB)
    assert record and record.traffic == Traffic(10**12 + 5_000, (10, 1, 1, 0, 0), (0, 0, 0))


def test_who_lost_the_unit_hears_why(store: JobStore) -> None:
    launched(store)
    grant = begin(store, "p0")
    store.release(JOB, "p0", grant.owner)
    assert store.renew(grant) == "stale"
    store.cancel(JOB)
    assert store.renew(grant) == "ended"
    store.forget(JOB)
    assert store.renew(grant) == "gone"
