"""What a move writes into the outbox: in the same move, where somebody listens, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data import keys
from data.jobs import JobStore, script
from data.notices.telling import tell
from leadmill.notices import Notice
from tests.data.jobs.acting import FAILING, JOB, OTHER, begin, launched, new, partition_done, pass_time


def listen(store: JobStore, *kinds: str) -> None:
    store.redis.hset(store.key(keys.NOTICES_WANTED), mapping=dict.fromkeys(kinds, "1"))


def waiting(store: JobStore) -> list[Notice]:
    rows: Any = store.redis.xrange(store.key(keys.NOTICES))
    return [Notice.read(f"ntc_{entry}", text) for entry, fields in rows for text in fields.values()]


def close(store: JobStore, **publish: Any) -> None:
    for unit in ("score", "render:html", "render:csv"):
        store.commit(begin(store, unit))
    store.commit(begin(store, "publish"), **publish)


def ended(store: JobStore, *, coverage: float, status: str = "completed", **options: Any) -> None:
    launched(store, partitions=2, **options)
    for unit in ("p0", "p1"):
        partition_done(store, unit)
    close(store, status=status, fields={"coverage": coverage}, doc={"error": "too few"} if status == "failed" else None)


def dead(store: JobStore, unit: str, **what: Any) -> None:
    store.fail(begin(store, unit), max=1, **FAILING, **what)


def test_nobody_listens_so_nothing_is_written(store: JobStore) -> None:
    launched(store)
    dead(store, "p0")
    store.cancel(JOB)
    store.critical("health", {"failed": ["x"]})
    tell(store, "workers.gone")
    assert not store.redis.exists(store.key(keys.NOTICES)) and len(store.criticals()) == 1


def test_the_end_of_a_job_is_written_with_the_end(store: JobStore) -> None:
    listen(store, "job.completed")
    ended(store, coverage=0.5)
    (told,) = waiting(store)
    assert (told.kind, told.job_id, told.project, told.tags, told.asked) == (
        "job.completed",
        JOB,
        "default",
        ("t",),
        {},
    )
    about = {"status": "completed", "kind": "pipeline", "attempt": 1, "companies": 2, "coverage": 0.5, "took_ms": 0}
    assert told.about == about


def test_a_failure_says_why(store: JobStore) -> None:
    listen(store, "job.failed", "unit.dead")
    store.submit(new())
    dead(store, "launch")
    begin(store, "publish")
    store.commit(begin(store, "publish"), status="failed", doc={"error": "away"})
    (told,) = waiting(store)
    assert (told.kind, told.about["category"], told.about["error"]) == ("job.failed", "network", "away")
    assert told.sentence == f"Job {JOB} has failed: away"


@pytest.mark.parametrize("heard", ["job.low_coverage", "job.failed"])
def test_too_few_rows_are_a_failure_too(store: JobStore, heard: str) -> None:
    listen(store, heard)
    ended(store, coverage=0.5, status="failed", min_coverage=0.8)
    assert [(told.kind, told.about["coverage"]) for told in waiting(store)] == [("job.low_coverage", 0.5)]


def test_who_heard_of_a_failure_hears_of_its_end(store: JobStore) -> None:
    listen(store, "job.failed")
    store.submit(new())
    dead(store, "launch")
    store.commit(begin(store, "publish"), status="failed")
    store.resume(JOB)
    store.commit(begin(store, "launch"), fields={"pn": 0, "w": 2})
    store.commit(begin(store, "publish"), status="completed", fields={"coverage": 1})
    assert [told.kind for told in waiting(store)] == ["job.failed", "job.completed"]


def test_a_job_may_ask_for_itself(store: JobStore) -> None:
    for job, options in ((JOB, {"notify": "sales"}), (OTHER, {"callback_url": "https://x.example/"})):
        store.submit(new(job))
        store.redis.hset(store.key(keys.record(job)), mapping=options)
        store.cancel(job)
        assert waiting(store)[-1].asked == options
    assert [told.kind for told in waiting(store)] == ["job.cancelled"] * 2


def test_dead_units_of_one_move_are_one_notice(store: JobStore) -> None:
    listen(store, "unit.dead")
    launched(store, partitions=3)
    pass_time(store, 3601)
    store.claim({})
    (told,) = waiting(store)
    assert (told.about["units"], told.about["category"], told.about["stage"]) == (2, "deadline", "scrape")


def test_each_critical_event_is_a_notice(store: JobStore) -> None:
    listen(store, "record.damaged", "clock.went_back", "health.failed", "schedule.missed")
    store.submit(new())
    store.claim({})
    store.redis.delete(store.key(keys.document(JOB)))
    store.redis.set(store.key(keys.document(JOB)), "x")
    pass_time(store, 4)
    store.claim({})
    pass_time(store, -10)
    store.claim({})
    store.critical("health", {"failed": ["disk"], "token": "lm_00000000_" + "s" * 43})
    store.critical("missed_ticks", {"name": "nightly", "missed": 3})
    store.critical("unheard_of", {"x": 1})
    told = waiting(store)
    assert [one.kind for one in told] == ["record.damaged", "clock.went_back", "health.failed", "schedule.missed"]
    assert told[0].about["job"] == JOB and "sssss" not in str(told[2])
    assert [event["kind"] for event in store.criticals()][:3] == ["unheard_of", "missed_ticks", "health"]


def test_it_carries_its_project_and_a_long_error_in_whole_letters(store: JobStore) -> None:
    listen(store, "schedule.refused")
    tell(store.of("acme"), "schedule.refused", name="n", error="ü" * 1000)
    (told,) = waiting(store)
    assert told.project == "acme" and set(told.about["error"]) == {"ü"} and len(told.about["error"]) > 250


def test_what_resolves_is_written_where_the_fault_is_listened_to(store: JobStore) -> None:
    listen(store, "workers.gone")
    tell(store, "workers.back")
    tell(store, "beat.back")
    assert [told.kind for told in waiting(store)] == ["workers.back"]


@pytest.mark.parametrize("key", [keys.NOTICES_WANTED, keys.NOTICES, keys.NOTICES_LOST])
def test_a_damaged_outbox_costs_a_notice_and_no_move(store: JobStore, key: str) -> None:
    listen(store, "job.cancelled")
    store.redis.delete(store.key(key))
    (store.redis.lpush if key != keys.NOTICES_LOST else store.redis.sadd)(store.key(key), "x")
    store.submit(new())
    store.cancel(JOB)
    record = store.record(JOB)
    assert record is not None and record.status == "cancelled"


def test_an_outbox_that_nobody_empties_is_bounded(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(script.CONSTANTS, "NOTICES_KEPT", "100")
    monkeypatch.setitem(script.CONSTANTS, "NOTICES_DROPPED", "10")
    script.of.cache_clear()
    listen(store, "workers.gone", "job.completed")
    stream = store.key(keys.NOTICES)
    with store.redis.pipeline() as pipe:
        for n in range(100):
            kind = "job.completed" if n % 20 == 0 else "job.failed"
            pipe.xadd(
                stream, {"info" if kind == "job.completed" else "more": json.dumps({"kind": kind, "about": {"n": n}})}
            )
        pipe.execute()
    tell(store, "workers.gone")
    kinds = [told.kind for told in waiting(store)]
    script.of.cache_clear()
    assert len(kinds) == 91 and kinds[-1] == "workers.gone"
    assert kinds.count("job.completed") == 0, "those of no weight go first"
    assert store.redis.get(store.key(keys.NOTICES_LOST)) == "10"
