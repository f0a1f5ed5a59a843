"""A user ends a job."""

from __future__ import annotations

import pytest

from data.jobs import JobStore
from leadmill.errors import ConflictError, NotFoundError
from tests.data.jobs.acting import FAILING, JOB, begin, completed, launched, state


def test_what_is_on_its_way_is_planned_again_and_nobody_looks_at_it(store: JobStore) -> None:
    launched(store, 4)
    running = begin(store, "p0")
    store.fail(begin(store, "p1"), max=3, **FAILING)
    store.cancel(JOB)
    assert [state(store, unit)["s"] for unit in ("launch", "p0", "p1")] == ["d", "p", "p"]
    assert store.redis.zcard(store.key("due")) == 0
    assert store.renew(running) == "ended"
    record = store.record(JOB)
    assert record and (record.status, record.partitions_done) == ("cancelled", 0)
    assert [data["status"] for _, kind, data in store.events(JOB) if kind == "status"][-1] == "cancelled"


def test_what_may_not_be_cancelled_says_what_is_legal(store: JobStore) -> None:
    with pytest.raises(NotFoundError):
        store.cancel(JOB)
    launched(store)
    store.cancel(JOB)
    with pytest.raises(ConflictError, match="it is cancelled; legal now: resume"):
        store.cancel(JOB)


def test_a_completed_job_stays_so(store: JobStore) -> None:
    completed(store)
    with pytest.raises(ConflictError, match="it is completed"):
        store.cancel(JOB)
