"""A unit that no message can be made of ends at once; nobody would ever run it."""

from __future__ import annotations

from data.jobs import JobStore
from tests.data.jobs.acting import JOB, begin, handed, new, state


def test_it_fails_for_good_and_the_job_goes_on(store: JobStore) -> None:
    (out,) = store.submit(new()).send
    assert handed(store.refuse(out, "no such stage")) == ["publish"]
    assert state(store, "launch")["m"] == ["data", "no such stage"]
    assert store.refuse(out, "no such stage").refused == "stale"
    store.commit(begin(store, "publish"), status="completed")
    record = store.record(JOB)
    assert record and record.status == "failed"
    assert store.refuse(out, "no such stage").refused == "ended"
