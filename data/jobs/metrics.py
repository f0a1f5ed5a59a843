"""What was ever counted of a project's work: the hash `metrics`, which each move of a record adds to in its one write.

    <metric>:<label>:…            a counter: `rows:scrape:out`
    <metric>:<label>:…:<bucket>   how many times a histogram has in a bucket, from 1: `unit_wait_seconds:scrape:3`
    <metric>:<label>:…:ms         and their sum

A metric has its name of `leadmill.metrics` without `leadmill_` and `_total`, its labels their order there, without the
project. Nothing here ever falls, whatever becomes of the jobs: an emptied server begins anew. It is no part of the
records: damaged, it costs what it counts and keeps no move from being made.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from data import keys
from data.jobs.bulk_reads import bulk_reads, pairs
from data.jobs.connection import StoreConnection
from data.jobs.entries import count_of
from leadmill.access import DEFAULT_PROJECT, PROJECT


def observed(metric: str, bounds: Sequence[float], seconds: float, *labels: str) -> dict[str, int]:
    """Fields by which a histogram grows that sees a time."""
    name = ":".join((metric, *labels))
    return {f"{name}:{bisect_left(bounds, seconds) + 1}": 1, f"{name}:ms": round(1000 * seconds)}


def projects_by_age(store: StoreConnection) -> list[str]:
    """Every project that ever had a job, the default one first, then in the order of their first job.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: the key is of another type.
    """
    with store.guarded(keys.PROJECTS):
        others = cast("list[str]", store.redis.zrange(store.key(keys.PROJECTS), 0, -1))
    return [DEFAULT_PROJECT, *(name for name in others if PROJECT.fullmatch(name))]


class Counted(NamedTuple):
    """What projects have counted."""

    #: By project and field; a project whose hash is none is absent.
    of: dict[str, dict[str, int]]
    #: Redis' keys that something else has written.
    unreadable: tuple[str, ...]


def counted(store: StoreConnection, projects: Sequence[str]) -> Counted:
    """What each of these projects has counted, by one round trip.

    Raises:
        UnavailableError: Redis does not answer.
    """
    hashes = {project: store.of(project).key(keys.METRICS) for project in projects}
    answers = dict(zip(projects, bulk_reads(store, [("HGETALL", key) for key in hashes.values()]), strict=True))
    return Counted(
        {project: _numbers(pairs(answer)) for project, answer in answers.items() if answer is not None},
        tuple(hashes[project] for project, answer in answers.items() if answer is None),
    )


def counted_of_api(store: StoreConnection) -> dict[str, int]:
    """What all API processes have counted together (`count_for_api`).

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: the key is of another type.
    """
    with store.guarded(keys.API_METRICS):
        return _numbers(cast("dict[str, str]", store.redis.hgetall(store.key(keys.API_METRICS))))


def count_for_api(store: StoreConnection, fields: Mapping[str, int]) -> None:
    """Add what one API process has counted. A number there that is none begins anew.

    Raises:
        UnavailableError, StoreRefusedError: nothing was counted.
        DamagedRecordError: the key is of another type.
    """
    key = store.key(keys.API_METRICS)
    with store.guarded(keys.API_METRICS):
        known = store.redis.hmget(key, list(fields))
        with store.redis.pipeline() as pipe:
            for (field, by), before in zip(fields.items(), known, strict=True):
                if before is None or count_of(before) > 0:
                    pipe.hincrby(key, field, by)
                else:
                    pipe.hset(key, field, by)
            pipe.execute()


def _numbers(fields: Mapping[str, str]) -> dict[str, int]:
    return {field: number for field, text in fields.items() if (number := count_of(text)) > 0}
