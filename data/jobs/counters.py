"""Counters over all jobs: how many stand where, how ended ones ended and what they took. The cost does not grow with
the number of jobs, except where every ended one is asked for (`all_ids`, `ended_jobs`: a recount).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

from redis.exceptions import WatchError

from data import keys
from data.jobs.bulk_reads import bulk_reads, pairs
from data.jobs.connection import StoreConnection
from data.jobs.entries import count_of
from data.jobs.model import TERMINAL, Status


class EndedCounts(NamedTuple):
    """What is counted of ended jobs, those that cleanup took away among them. Fields that are zero are absent."""

    #: `<kind>:<status>` → jobs, `<kind>:ms` → milliseconds, `<kind>:forgotten` → jobs that only the history has.
    ended: Counter[str]
    #: kind → bucket (`bucket_bounds`) → jobs.
    durations: dict[str, Counter[int]]

    def by_name(self) -> Counter[str]:
        """`ended <field>` and `hist:<kind> <bucket>` → number."""
        every = Counter({f"{keys.ENDED} {name}": number for name, number in self.ended.items()})
        for kind, buckets in self.durations.items():
            every.update({f"{keys.durations(kind)} {bucket}": number for bucket, number in buckets.items()})
        return every


class EndedJob(NamedTuple):
    """What the counters know of one ended job."""

    kind: str
    status: str
    took_ms: int
    bucket: int


@dataclass(frozen=True)
class Counters:
    """What is told of all jobs. None, and no entry, where a key is of another type: then it is in `unreadable`."""

    #: Jobs whose record is there.
    by_status: dict[str, int | None]
    by_kind: dict[str, int | None]
    ended: Counter[str] | None
    durations: dict[str, Counter[int]]
    #: Units that failed for good and were neither resumed nor replayed.
    dead_units: int | None
    #: Redis' keys that something else has written.
    unreadable: tuple[str, ...]


def counters(store: StoreConnection, kinds: Sequence[str]) -> Counters:
    """All of them, by one round trip.

    Raises:
        UnavailableError: Redis does not answer.
    """
    return counters_of(store, [store.project], kinds)[store.project]


def counters_of(store: StoreConnection, projects: Sequence[str], kinds: Sequence[str]) -> dict[str, Counters]:
    """The same of each of these projects, still by one round trip.

    Raises:
        UnavailableError: Redis does not answer.
    """
    sets = [*(keys.of_status(status) for status in Status), *(keys.of_kind(kind) for kind in kinds), keys.DEAD]
    hashes = [keys.ENDED, *(keys.durations(kind) for kind in kinds)]
    reads = [
        *(("ZCARD", own.key(name)) for own in map(store.of, projects) for name in sets),
        *(("HGETALL", own.key(name)) for own in map(store.of, projects) for name in hashes),
    ]
    answers = bulk_reads(store, reads)
    sizes = iter(answers[: len(projects) * len(sets)])
    contents = iter(answers[len(projects) * len(sets) :])
    return {
        project: _counters(
            store.of(project),
            {name: next(sizes) for name in sets},
            {name: None if (found := next(contents)) is None else pairs(found) for name in hashes},
            kinds,
        )
        for project in projects
    }


def _counters(
    own: StoreConnection,
    sizes: Mapping[str, int | None],
    hashes: Mapping[str, Mapping[str, str] | None],
    kinds: Sequence[str],
) -> Counters:
    ended = hashes[keys.ENDED]
    histograms = {kind: hashes[keys.durations(kind)] for kind in kinds}
    return Counters(
        {status.value: sizes[keys.of_status(status)] for status in Status},
        {kind: sizes[keys.of_kind(kind)] for kind in kinds},
        None if ended is None else _counter(ended),
        {kind: _histogram(fields) for kind, fields in histograms.items() if fields is not None},
        sizes[keys.DEAD],
        tuple(own.key(name) for name, answer in {**sizes, **hashes}.items() if answer is None),
    )


class Accepted(NamedTuple):
    """Jobs of some kinds that were accepted since a time: how many, and when the first (seconds since the epoch)."""

    jobs: int
    first_s: float | None
    #: Redis' keys that something else has written; their jobs are not counted.
    unreadable: tuple[str, ...]


def accepted_since(
    store: StoreConnection, since: Mapping[str, float | None], kinds: Sequence[str]
) -> dict[str, Accepted]:
    """Those of each project since its time (None: ever), by one round trip.

    Raises:
        UnavailableError: Redis does not answer.
    """
    indices = [(project, store.of(project).key(keys.of_kind(kind))) for project in since for kind in kinds]
    reads: list[tuple[str | int, ...]] = []
    for project, key in indices:
        after = "-inf" if since[project] is None else f"({1000 * (since[project] or 0):.0f}"
        reads.append(("ZCOUNT", key, after, "+inf"))
        reads.append(("ZRANGEBYSCORE", key, after, "+inf", "WITHSCORES", "LIMIT", 0, 1))
    answers = bulk_reads(store, reads)
    found = dict.fromkeys(since, Accepted(0, None, ()))
    for (project, key), number, first in zip(indices, answers[::2], answers[1::2], strict=True):
        jobs, first_s, unreadable = found[project]
        if number is None:
            found[project] = Accepted(jobs, first_s, (*unreadable, key))
        elif number:
            at = min(float(first[1]) / 1000, first_s or math.inf)
            found[project] = Accepted(jobs + number, at, unreadable)
    return found


def all_ids(store: StoreConnection, status: str) -> list[str]:
    """Every job in the index of one status."""
    with store.guarded(keys.of_status(status)):
        return cast("list[str]", store.redis.zrange(store.key(keys.of_status(status)), 0, -1))


def ended_jobs(store: StoreConnection, job_ids: Sequence[str]) -> dict[str, EndedJob]:
    """What the counters know of those of these jobs that have ended, by one round trip; damaged ones are left out."""
    with store.redis.pipeline(transaction=False) as pipe:
        for job_id in job_ids:
            pipe.hmget(store.key(keys.record(job_id)), "kind", "status", "took", "bucket")
        rows = store.answers(pipe)
    sound = ((job_id, row) for job_id, row in zip(job_ids, rows, strict=True) if not isinstance(row, Exception))
    return {
        job_id: EndedJob(kind, status, int(float(took or 0)), int(bucket or 0))
        for job_id, (kind, status, took, bucket) in sound
        if kind and status in TERMINAL
    }


class CounterWatch:
    """The counters of ended jobs in a `with`: whatever changes one, or the set of ended jobs, refuses `overwrite`."""

    def __init__(self, store: StoreConnection, kinds: Iterable[str]) -> None:
        self._store, self._kinds = store, tuple(kinds)
        self._pipe = store.redis.pipeline()

    def __enter__(self) -> Self:
        names = [keys.ENDED, *map(keys.durations, self._kinds), *map(keys.of_status, sorted(TERMINAL))]
        with self._store.guarded():
            self._pipe.watch(*map(self._store.key, names))  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.reset()

    def read(self) -> EndedCounts:
        """As they are.

        Raises:
            DamagedRecordError: one of them is of another type.
        """
        with self._store.guarded(), self._store.redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._store.key(keys.ENDED))
            for kind in self._kinds:
                pipe.hgetall(self._store.key(keys.durations(kind)))
            ended, *histograms = pipe.execute()
        durations = {kind: _histogram(row) for kind, row in zip(self._kinds, histograms, strict=True) if row}
        return EndedCounts(without_zeros(_counter(ended)), durations)

    def overwrite(self, should: EndedCounts) -> bool:
        """Put fresh hashes in the place of the old ones, all at once; False when a counter moved since the look."""
        wanted: dict[str, Mapping[Any, int]] = {keys.ENDED: should.ended}
        wanted |= {keys.durations(kind): should.durations.get(kind, {}) for kind in {*self._kinds, *should.durations}}
        pipe, key = self._pipe, self._store.key
        pipe.multi()
        for name, fields in wanted.items():
            if fields:
                pipe.delete(key(f"{name}:fresh"))
                pipe.hset(key(f"{name}:fresh"), mapping=dict[Any, Any](fields))
                pipe.rename(key(f"{name}:fresh"), key(name))
            else:
                pipe.delete(key(name))
        with self._store.guarded():
            try:
                pipe.execute()
            except WatchError:
                return False
        return True


def without_zeros(counter: Counter[Any]) -> Counter[Any]:
    """The same counts, without those that are nothing."""
    return Counter({name: value for name, value in counter.items() if value})


def _counter(fields: Mapping[str, str]) -> Counter[str]:
    return Counter({name: count_of(value) for name, value in fields.items()})


def _histogram(fields: Mapping[str, str]) -> Counter[int]:
    return Counter(
        {int(bucket): n for bucket, count in fields.items() if bucket.isdecimal() and (n := count_of(count)) > 0}
    )
