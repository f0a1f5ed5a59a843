"""A job that an emptied server has lost comes back from the lake."""

from __future__ import annotations

from typing import Any

from data import keys
from data.jobs import JobStore
from data.jobs.restored import RestoredJob
from leadmill.notices import Notice
from tests.data.jobs.acting import JOB, OTHER, begin, completed, contents, handed, launched, state


def test_it_is_as_it_was_and_can_be_resumed(store: JobStore) -> None:
    completed(store, 0.5)
    before = store.read(JOB)
    units, states = store.units(JOB), store.unit_states(JOB)
    assert before
    doc = {"result": before["result"], "input": "{}", "spec": "{}"}
    fields = {
        name: value for name, value in before.items() if name not in ("id", "result", "error", "merged", "finding")
    }
    store.redis.flushall()
    assert store.restore(JOB, RestoredJob(fields, doc, states))
    assert store.read(JOB) == before and store.units(JOB) == units
    assert store.ids("s:completed") == store.ids("k:pipeline") == store.ids("t:t") == [(JOB, int(before["created"]))]
    assert store.redis.hget(store.key("ended"), "pipeline:completed") == "1"
    assert handed(store.resume(JOB)) == ["launch"]


def test_that_it_failed_by_the_loss_is_told_to_whoever_asked_and_whoever_listens(store: JobStore) -> None:
    fields = {"kind": "pipeline", "created": 1, "callback_url": "https://crm.example/", "tags": '["t"]'}
    for job, status, ended in ((JOB, "failed", False), (OTHER, "failed", True), (f"{OTHER[:-1]}2", "cancelled", False)):
        lost = RestoredJob({**fields, "status": status}, {"error": "the job store was emptied"}, {}, ended)
        assert store.restore(job, lost)
    rows: Any = store.redis.xrange(store.key(keys.NOTICES))
    (told,) = [Notice.read(entry, text) for entry, row in rows for text in row.values()]
    assert (told.kind, told.job_id, told.tags) == ("job.failed", JOB, ("t",))
    assert told.asked == {"callback_url": "https://crm.example/"}
    assert told.about["error"] == "the job store was emptied"
    store.redis.flushall()
    assert store.restore(JOB, RestoredJob({"kind": "pipeline", "status": "failed", "created": 1}, {"error": "x"}, {}))
    assert store.redis.xlen(store.key(keys.NOTICES)) == 1, "who listens was lost with the rest"


def test_one_that_is_there_stays_as_it_is(store: JobStore) -> None:
    launched(store)
    begin(store, "p0")
    before = contents(store)
    assert not store.restore(JOB, RestoredJob({"kind": "pipeline", "status": "failed", "created": 1}, {}, {}))
    assert contents(store) == before
    assert state(store)["s"] == "r"
