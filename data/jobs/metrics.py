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
from typing import NamedTuple

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import count_of
from leadmill.errors import DamagedRecordError


def observed(metric: str, bounds: Sequence[float], seconds: float, *labels: str) -> dict[str, int]:
    """Fields by which a histogram grows that sees a time."""
    name = ":".join((metric, *labels))
    return {f"{name}:{bisect_left(bounds, seconds) + 1}": 1, f"{name}:ms": round(1000 * seconds)}


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
    with store.redis.pipeline(transaction=False) as pipe:
        for key in hashes.values():
            pipe.hgetall(key)
        answers = dict(zip(projects, store.answers(pipe), strict=True))
    damaged = {project for project, answer in answers.items() if isinstance(answer, DamagedRecordError)}
    return Counted(
        {project: _numbers(answer) for project, answer in answers.items() if project not in damaged},
        tuple(hashes[project] for project in projects if project in damaged),
    )


def _numbers(fields: Mapping[str, str]) -> dict[str, int]:
    return {field: number for field, text in fields.items() if (number := count_of(text)) > 0}
