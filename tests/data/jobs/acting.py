"""What the tests of the record share: a clock that stands still, and jobs brought to where a move begins."""

from __future__ import annotations

import itertools
import json
from typing import Any

from data import keys
from data.jobs import Answer, Grant, JobStore, NewJob

STAGES = ("scrape", "process", "enrich", "score", "report")
JOB = "job_00000000000000000000"
OTHER = "job_00000000000000000001"
CLOSE = "score;render:html,render:csv;publish"
#: What a key that a test has damaged holds.
PLANTED = "planted"
FAILING = {"category": "network", "error": "away", "base": 1000, "cap": 1000, "jitter": 0.5}
_serial = itertools.count()


class Clock:
    now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


def fresh(url: str) -> JobStore:
    """A store behind a prefix of its own, with a clock of its own."""
    store = JobStore.connect(url, f"d{next(_serial)}:")
    store._clock = Clock()
    return store


def pass_time(store: JobStore, seconds: float) -> None:
    assert isinstance(store._clock, Clock)
    store._clock.now += int(seconds * 1000)


def new(job: str = JOB, **options: Any) -> NewJob:
    options = {"tags": ("t",), "deadline_s": 3600, **options}
    return NewJob(job, "pipeline", STAGES, STAGES[:3], {"a": 1}, {"b": 2}, **options)


def begin(store: JobStore, unit: str, index: int = 0, job: str = JOB, *, epoch: int = 0, owner: str = "a:1") -> Grant:
    """Claim a unit's stage; `epoch` 0: the present one."""
    grant = store.begin(job, unit, epoch, index, owner)
    assert isinstance(grant, Grant), grant
    return grant


def launched(store: JobStore, partitions: int = 3, job: str = JOB, **options: Any) -> str:
    """A job whose launch has planned its partitions; two of them are handed out."""
    store.submit(new(job, **options))
    fields = {"pn": partitions, "nc": partitions, "close": CLOSE}
    store.commit(begin(store, "launch", job=job), fields=fields)
    return job


def widen(store: JobStore, places: int) -> None:
    """Let so many partitions be at each queue; a claim after a while counts anew."""
    store.redis.hset(store.key(keys.WINDOW), mapping={"scraping": places, "processing": places, "at": now(store)})


def now(store: JobStore) -> int:
    assert store._clock is not None
    return store._clock()


def partition_done(store: JobStore, unit: str, job: str = JOB) -> list[str]:
    """A partition to its end; the units that this hands out."""
    return [out for index in range(3) for out in handed(store.commit(begin(store, unit, index, job=job)))]


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


def handed(answer: Answer) -> list[str]:
    """The units that an answer hands out."""
    return [out.unit for out in answer.send]


def state(store: JobStore, unit: str = "p0", job: str = JOB) -> dict[str, Any]:
    """A unit as it is stored."""
    return store.units(job)[unit]


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
        if PLANTED in ({client.get(key)} if kind == "string" else client.smembers(key) if kind == "set" else ()):
            continue
        if kind == "string":
            found[name] = plain(client.get(key))
        elif kind == "hash":
            found[name] = {field: plain(text) for field, text in client.hgetall(key).items()}
        elif kind == "zset":
            found[name] = client.zrange(key, 0, -1, withscores=True)
        elif kind == "list":
            found[name] = client.lrange(key, 0, -1)
        elif kind == "set":
            found[name] = client.smembers(key)
        elif kind == "stream":
            found[name] = [{field: plain(text) for field, text in fields.items()} for _, fields in client.xrange(key)]
    return found
