"""A key of another type, and a server that refuses: each move leaves nothing behind, or what its repeat completes."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from data.jobs import LIMITS, Answer, Grant, JobStore, NewJob
from leadmill.errors import (
    DamagedRecordError,
    LeadmillError,
    StoreAccessError,
    StoreBusyError,
    StoreFullError,
    StoreNotSavingError,
    StoreReadOnlyError,
    StoreRefusedError,
)
from tests.valkey import Valkey

STAGES = ("scrape", "process", "enrich", "score", "report")
JOB = "job_00000000000000000000"
CLOSE = "score;render:html,render:csv;publish"
FAILING = {"category": "network", "error": "away", "base": 1000, "cap": 1000, "jitter": 0.5}
_serial = itertools.count()

Move = Callable[[], Any]
Plan = Callable[[JobStore], Move]


class Clock:
    now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


def fresh(url: str) -> JobStore:
    store = JobStore.connect(url, f"d{next(_serial)}:")
    store._clock = Clock()
    return store


def pass_time(store: JobStore, seconds: float) -> None:
    assert isinstance(store._clock, Clock)
    store._clock.now += int(seconds * 1000)


def new(job: str = JOB, **options: Any) -> NewJob:
    options = {"tags": ("t",), "deadline_s": 3600, **options}
    return NewJob(job, "pipeline", STAGES, STAGES[:3], {"a": 1}, {"b": 2}, **options)


def begin(store: JobStore, unit: str, index: int = 0, job: str = JOB) -> Grant:
    grant = store.begin(job, unit, 0, index, "a:1")
    assert isinstance(grant, Grant), grant
    return grant


def launched(store: JobStore, partitions: int = 3, **options: Any) -> None:
    store.submit(new(**options))
    store.commit(begin(store, "launch"), fields={"pn": partitions, "w": 2, "nc": partitions, "close": CLOSE})


def partition_done(store: JobStore, unit: str) -> None:
    for index in range(3):
        store.commit(begin(store, unit, index))


def closed(store: JobStore, until: str) -> Grant:
    """Up to the begin of a unit of the close."""
    launched(store, 1)
    partition_done(store, "p0")
    for unit in ("score", "render:html", "render:csv", "publish"):
        grant = begin(store, unit)
        if unit == until:
            return grant
        store.commit(grant)
    raise AssertionError(until)


def completed(store: JobStore, coverage: float = 0.5) -> None:
    store.commit(closed(store, "publish"), status="completed", fields={"coverage": coverage}, doc={"result": "{}"})


def running(store: JobStore, unit: str = "p0") -> Grant:
    launched(store)
    return begin(store, unit)


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
    return lambda: store.restore(JOB, fields, {"error": "x"}, {"p0": {"s": "d", "e": 1, "k": 2}})


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
    "idx:k:pipeline", "idx:t:t",
    *(f"idx:s:{status}" for status in ("pending", "running", "retry", "completed", "failed", "cancelled")),
]  # fmt: skip


def plain(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def contents(store: JobStore) -> dict[str, Any]:
    """Everything behind the prefix but what was planted, without what tells the time of the real clock."""
    found: dict[str, Any] = {}
    client = store.redis
    for key in client.scan_iter(match=store.prefix + "*", count=1000):
        name, kind = key.removeprefix(store.prefix), client.type(key)
        if kind == "string":
            found[name] = plain(client.get(key))
        elif kind == "hash":
            found[name] = {field: plain(text) for field, text in client.hgetall(key).items()}
        elif kind == "zset":
            found[name] = client.zrange(key, 0, -1, withscores=True)
        elif kind == "list":
            found[name] = client.lrange(key, 0, -1)
        elif kind == "stream":
            found[name] = [{field: plain(text) for field, text in fields.items()} for _, fields in client.xrange(key)]
    return found


@contextlib.contextmanager
def planted(store: JobStore, name: str) -> Iterator[None]:
    """The key holds a set, which no key of Leadmill's is; what it held comes back afterwards."""
    client, key = store.redis, store.key(name)
    aside = f"kept:{key}"
    there = client.exists(key)
    if there:
        client.rename(key, aside)
    client.sadd(key, "planted")
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
    for key in (key for key in KEYS if not key.endswith(JOB) and key != "hist:pipeline"):
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
    other = "job_00000000000000000001"
    for name in ("job", "doc", "units", "todo", "ev"):
        store = fresh(valkey.url)
        launched(store)
        begin(store, "p0")
        store.submit(new(other))
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
            assert {out.job_id for out in sent} == {other}, name
            after = contents(store)
            for own in (f"{own}:{JOB}" for own in ("job", "doc", "units", "todo", "ev")):
                assert after.get(own) == before.get(own), own
            told = [event for event in store.criticals() if event["kind"] == "damaged_record"]
            assert [(event["job"], event["key"]) for event in told] == [(JOB, store.key(key))]
        pass_time(store, LIMITS["ASIDE_MS"] / 1000)
        assert JOB in {out.job_id for out in store.claim({}).send}, "sound again, and still set aside"


def test_a_damaged_job_is_an_error_for_itself_and_no_list(valkey: Valkey) -> None:
    store = fresh(valkey.url)
    other = "job_00000000000000000001"
    for job in (JOB, other):
        store.submit(new(job))
    for name in ("job", "doc"):
        with planted(store, f"{name}:{JOB}"):
            with pytest.raises(DamagedRecordError, match=f"{name}:{JOB}"):
                store.read(JOB)
            found = [record and (record["id"], record["status"]) for record in store.read_many([JOB, other])]
            assert found == [(JOB, "damaged"), (other, "pending")], "neither gone nor ended"
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


# ---- a server that refuses ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("refusing"), aof=False) as started:
        yield started


@contextlib.contextmanager
def full(client: Any, folder: Path) -> Iterator[None]:
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


@contextlib.contextmanager
def replica(client: Any, folder: Path) -> Iterator[None]:
    client.replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        client.replicaof("NO", "ONE")


@contextlib.contextmanager
def not_saving(client: Any, folder: Path) -> Iterator[None]:
    """Its snapshot cannot be written: a folder has its name."""
    target = folder / client.config_get("dbfilename")["dbfilename"]
    target.mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
        time.sleep(0.01)
    try:
        yield
    finally:
        client.config_set("save", "")
        target.rmdir()
        client.bgsave()
        while client.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)


REFUSALS = {
    "full": (full, StoreFullError),
    "replica": (replica, StoreReadOnlyError),
    "not saving": (not_saving, StoreNotSavingError),
}


@pytest.mark.parametrize("how", REFUSALS)
def test_a_server_that_refuses_leaves_nothing_and_the_repeat_does_it_all(server: Valkey, how: str) -> None:
    refusing, meant = REFUSALS[how]
    admin = redis.Redis.from_url(server.url, decode_responses=True)
    moves: list[tuple[str, JobStore, Move, dict[str, Any], dict[str, Any]]] = []
    for name, plan in MOVES.items():
        store, control = fresh(server.url), fresh(server.url)
        move = plan(store)
        plan(control)()
        moves.append((name, store, move, contents(store), contents(control)))
    with refusing(admin, server.folder):
        for name, store, move, before, expected in moves:
            try:
                move()
            except meant:
                assert contents(store) == before, name
            else:  # full memory does not refuse what begins by making room
                assert how == "full" or name == "submit again", name
                assert contents(store) == expected, name
        with pytest.raises(meant) as caught:
            fresh(server.url).submit(new())
    assert caught.value.advice in str(caught.value)
    assert isinstance(caught.value, StoreRefusedError) and caught.value.job_id is None, "it is not recorded"
    for name, store, move, before, expected in moves:
        if contents(store) == before:
            move()
        assert contents(store) == expected, name
        store.redis.close()
    admin.close()


def test_access_denied_and_a_busy_server_are_told_as_that(server: Valkey) -> None:
    admin = redis.Redis.from_url(server.url, decode_responses=True)
    no_scripts = ["-evalsha", "-eval"]
    admin.acl_setuser("low", enabled=True, passwords=["+p"], keys=["*"], categories=["+@all"], commands=no_scripts)
    user = server.url.replace("redis://", "redis://{}@")
    for who in ("low:p", "low:wrong"):
        with pytest.raises(StoreAccessError):
            JobStore.connect(user.format(who), "x:").submit(new())
    admin.acl_deluser("low")
    store = fresh(server.url)
    store.submit(new())
    admin.config_set("busy-reply-threshold", 20)
    ended = threading.Event()

    def spin() -> None:
        with contextlib.suppress(redis.RedisError):
            redis.Redis.from_url(server.url).eval("while true do end", 0)
        ended.set()

    threading.Thread(target=spin, daemon=True).start()
    time.sleep(0.2)
    try:
        with pytest.raises(StoreBusyError):
            store.read(JOB)
        with pytest.raises(StoreBusyError):
            store.cancel(JOB)
    finally:
        admin.script_kill()
    assert ended.wait(5)
    store.cancel(JOB)
    admin.close()


def test_a_half_made_record_is_completed_by_the_repeat(valkey: Valkey) -> None:
    """As 0.1.0 left it when a key in the middle was of another type."""
    store = fresh(valkey.url)
    store.submit(new(idempotency_key="k", body_hash="b"))
    for key in (f"units:{JOB}", f"doc:{JOB}"):
        store.redis.delete(store.key(key))
    store.redis.delete(store.key("due"))
    with_other_id = store.submit(new("job_00000000000000000001", idempotency_key="k", body_hash="b"))
    assert with_other_id.body["lost"] and with_other_id.body["job"] == JOB
    assert with_other_id.send == [] and store.read("job_00000000000000000001") is None
    again = store.submit(new(idempotency_key="k", body_hash="b"))
    assert [out.unit for out in again.send] == ["launch"]
    assert begin(store, "launch").spec == {"a": 1}
    assert store.submit(new(idempotency_key="k", body_hash="b")).body["replayed"]


def test_errors_have_codes_of_their_own() -> None:
    classes: list[type[LeadmillError]] = [
        StoreFullError, StoreReadOnlyError, StoreNotSavingError, StoreAccessError, StoreBusyError, DamagedRecordError,
    ]  # fmt: skip
    assert len({error.code for error in classes}) == len(classes)
