"""A key of another type: each move leaves nothing behind, and its repeat does it all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from data.jobs import LIMITS, Answer, DamagedRecord, Grant, JobRecord, JobStore, UnitState, UnitStatus
from data.jobs.restored import RestoredJob
from leadmill.errors import DamagedRecordError
from tests.data.jobs.acting import (
    CLOSE,
    FAILING,
    JOB,
    OTHER,
    PLANTED,
    STAGES,
    begin,
    closed,
    completed,
    contents,
    fresh,
    launched,
    new,
    pass_time,
    running,
)
from tests.valkey import Valkey

Move = Callable[[], Any]
Plan = Callable[[JobStore], Move]


def _submit(**options: Any) -> Plan:
    return lambda store: lambda: store.submit(new(**options))


def _begin(unit: str) -> Plan:
    def plan(store: JobStore) -> Move:
        store.submit(new()) if unit == "launch" else launched(store)
        return lambda: begin(store, unit)

    return plan


def _of_run(move: Callable[[JobStore, Grant], Any]) -> Plan:
    def plan(store: JobStore) -> Move:
        grant = running(store)
        return lambda: move(store, grant)

    return plan


def _commit_launch(store: JobStore) -> Move:
    store.submit(new())
    grant = begin(store, "launch")
    fields = {"pn": 3, "w": 2, "nc": 3, "close": CLOSE}
    return lambda: store.commit(grant, fields=fields, doc={"merged": "{}"})


def _commit_last(store: JobStore) -> Move:
    launched(store, 1)
    for index in range(2):
        store.commit(begin(store, "p0", index))
    grant = begin(store, "p0", 2)
    return lambda: store.commit(grant, rows_in=1)


def _commit_score(store: JobStore) -> Move:
    grant = closed(store, "score")
    return lambda: store.commit(grant)


def _commit_publish(store: JobStore) -> Move:
    grant = closed(store, "publish")
    return lambda: store.commit(grant, status="completed", fields={"coverage": 1}, doc={"result": "{}"})


def _commit_struck(store: JobStore) -> Move:
    launched(store, 1, deadline_s=4)
    grant = begin(store, "p0")
    pass_time(store, 5)
    store.claim({})
    return lambda: store.commit(grant)


def _poisoned(store: JobStore) -> Move:
    launched(store, 1)
    for _ in range(2):
        store.died(JOB, "p0", begin(store, "p0").owner, "killed")
    owner = begin(store, "p0").owner
    return lambda: store.died(JOB, "p0", owner, "killed")


def _after(setup: Callable[[JobStore], Any], move: Callable[[JobStore], Any]) -> Plan:
    def plan(store: JobStore) -> Move:
        setup(store)
        return lambda: move(store)

    return plan


def _restore(store: JobStore) -> Move:
    stages = ",".join(STAGES)
    fields = {"kind": "pipeline", "status": "failed", "created": 1, "stages": stages, "tags": '["t"]', "took": 9}
    lost = RestoredJob(fields, {"error": "x"}, {"p0": UnitState.made(UnitStatus.DONE, 1, stage_index=2)})
    return lambda: store.restore(JOB, lost)


MOVES: dict[str, Plan] = {
    "submit": _submit(),
    "submit with a key": _submit(idempotency_key="k", body_hash="b"),
    "submit for later": _submit(run_at=1_900_000_000.0),
    "submit again": _after(lambda store: store.submit(new()), lambda store: store.submit(new())),
    "begin launch": _begin("launch"),
    "begin": _begin("p0"),
    "renew": _of_run(lambda store, grant: store.renew(grant, progress=300, message="m", pages=2)),
    "commit launch": _commit_launch,
    "commit": _of_run(lambda store, grant: store.commit(grant, rows_in=1, pages=2)),
    "commit the last": _commit_last,
    "commit score": _commit_score,
    "commit publish": _commit_publish,
    "commit after the deadline": _commit_struck,
    "fail": _of_run(lambda store, grant: store.fail(grant, max=3, **FAILING)),
    "fail for good": _of_run(lambda store, grant: store.fail(grant, max=1, **FAILING)),
    "release": _of_run(lambda store, grant: store.release(JOB, "p0", grant.owner)),
    "died": _of_run(lambda store, grant: store.died(JOB, "p0", grant.owner, "killed")),
    "died for good": _poisoned,
    "leave": _after(lambda store: store.claim({}, node="n", about="{}"), lambda store: store.leave("n")),
    "cancel": _after(running, lambda store: store.cancel(JOB)),
    "resume": _after(completed, lambda store: store.resume(JOB, key="r")),
    "restore": _restore,
    "forget": _after(completed, lambda store: store.forget(JOB)),
}
#: Every key that Leadmill writes for a job or for all.
KEYS = [
    f"job:{JOB}", f"doc:{JOB}", f"units:{JOB}", f"todo:{JOB}", f"ev:{JOB}", "due", "seq", "mark", "workers", "worker",
    "ended", "hist:pipeline", "idem:k", "idem:r", "dead", "generation", "critical", "claimed", "aside",
    "idx:k:pipeline", "idx:t:t", "window", "ring:scraping:1",
    *(f"{name}:{queue}" for name in ("window", "turns") for queue in ("scraping", "processing")),
    *(f"idx:s:{status}" for status in ("pending", "running", "retry", "completed", "failed", "cancelled")),
]  # fmt: skip


@contextlib.contextmanager
def planted(store: JobStore, name: str) -> Iterator[None]:
    """The key holds a set, or a text where it should be one; what it held comes back afterwards."""
    client, key = store.redis, store.key(name)
    aside = f"kept:{key}"
    there = client.exists(key)
    if there:
        client.rename(key, aside)
    if name.startswith("window:"):
        client.set(key, PLANTED)
    else:
        client.sadd(key, PLANTED)
    try:
        yield
    finally:
        client.delete(key)
        if there:
            client.rename(aside, key)


@pytest.mark.parametrize("name", MOVES)
def test_a_key_of_another_type_leaves_nothing_and_the_repeat_does_it_all(valkey: Valkey, name: str) -> None:
    control = fresh(valkey.url)
    MOVES[name](control)()
    expected = contents(control)
    refused = set()
    for key in KEYS:
        store = fresh(valkey.url)
        move = MOVES[name](store)
        before = contents(store)
        with planted(store, key):
            try:
                move()
            except DamagedRecordError as error:
                refused.add(key)
                assert error.key == store.key(key)
                assert key in str(error)
                after = contents(store)
                assert after == {other: held for other, held in before.items() if other != key}, key
        if key in refused:
            answer = move()
            assert not (isinstance(answer, Answer) and answer.refused), key
        else:
            assert expected.get(key) == before.get(key), f"{key} was written and not looked at"
        assert contents(store) == expected, key
        store.redis.delete(*store.redis.keys(store.prefix + "*"))
        store.redis.close()
    assert refused


def test_a_claim_looks_at_what_all_jobs_share_before_it_writes(valkey: Valkey) -> None:
    of_one = {f"{own}:{JOB}" for own in ("job", "doc", "units", "todo", "ev")} | {"hist:pipeline", "ring:scraping:1"}
    for key in (key for key in KEYS if key not in of_one):
        store = fresh(valkey.url)
        running(store)
        store.claim({}, node="n", about="{}")
        pass_time(store, 60)
        before, refused = contents(store), False
        with planted(store, key):
            try:
                store.claim({}, node="n", about="{}")
            except DamagedRecordError as error:
                refused = True
                assert error.key == store.key(key)
                assert contents(store) == {other: held for other, held in before.items() if other != key}
        assert refused or key.startswith("i"), f"{key} was not looked at"
        store.claim({}, node="n", about="{}")
        assert store.units(JOB)["p1"]["x"], key


def test_a_damaged_job_does_not_keep_the_others_waiting(valkey: Valkey) -> None:
    for name in ("job", "doc", "units", "todo", "ev"):
        store = fresh(valkey.url)
        launched(store)
        begin(store, "p0")
        store.submit(new(OTHER))
        store.claim({})
        key = f"{name}:{JOB}"
        for _ in range(5):
            pass_time(store, 2.5)
            store.claim({"launch:3": True})
        with planted(store, key):
            before = contents(store)
            pass_time(store, 2.5)
            sent = []
            for _ in range(8):
                pass_time(store, 10)
                sent += store.claim({}, runs=[(JOB, "p0", "a:1")]).send
            assert {out.job_id for out in sent} == {OTHER}, name
            after = contents(store)
            for own in (f"{own}:{JOB}" for own in ("job", "doc", "units", "todo", "ev")):
                assert after.get(own) == before.get(own), own
            told = [event for event in store.criticals() if event["kind"] == "damaged_record"]
            assert [(event["job"], event["key"]) for event in told] == [(JOB, store.key(key))]
        pass_time(store, LIMITS["ASIDE_MS"] / 1000)
        assert JOB in {out.job_id for out in store.claim({}).send}, "sound again, and still set aside"


def test_a_damaged_job_is_an_error_for_itself_and_no_list(valkey: Valkey) -> None:
    store = fresh(valkey.url)
    for job in (JOB, OTHER):
        store.submit(new(job))
    for name in ("job", "doc"):
        with planted(store, f"{name}:{JOB}"):
            with pytest.raises(DamagedRecordError, match=f"{name}:{JOB}"):
                store.read(JOB)
            damaged, sound = store.records([JOB, OTHER])
            assert damaged == DamagedRecord(JOB, store.key(f"{name}:{JOB}")), "neither gone nor ended"
            assert isinstance(sound, JobRecord) and (sound.job_id, sound.status) == (OTHER, "pending")
    reads: dict[str, Move] = {
        f"units:{JOB}": lambda: store.units(JOB),
        f"ev:{JOB}": lambda: store.events(JOB),
        f"doc:{JOB}": lambda: store.asked(JOB),
        "idx:s:pending": lambda: store.ids("s:pending"),
        "critical": store.criticals,
        "workers": store.workers,
        "generation": lambda: store.generation("g"),
    }
    for key, look in reads.items():
        with planted(store, key), pytest.raises(DamagedRecordError, match=key):
            look()


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("ended", "pipeline:completed", "x"),
        ("hist:pipeline", "0", "x"),
        (f"job:{JOB}", "created", "x"),
        (f"job:{JOB}", "created", None),
        (f"job:{JOB}", "bucket", None),
        (f"job:{JOB}", "took", "x"),
    ],
)
def test_a_number_that_is_none_leaves_no_half_move(store: JobStore, key: str, field: str, value: str | None) -> None:
    """Of a field that a record or a counter lacks, or that is no number, no write is refused amid the others."""
    completed(store)
    if value is None:
        store.redis.hdel(store.key(key), field)
    else:
        store.redis.hset(store.key(key), field, value)
    assert store.resume(JOB).refused is None
    store.cancel(JOB)
    found = (
        store.redis.zrange(store.key("idx:s:cancelled"), 0, -1),
        store.redis.zrange(store.key("idx:s:completed"), 0, -1),
    )
    assert found == ([JOB], [])
    store.forget(JOB)
    assert store.redis.hget(store.key("ended"), "pipeline:forgotten") == "1"
