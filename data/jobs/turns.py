"""Whose turn it is: where jobs stand in the rings of their first stages' queues (data/jobs/lua/ring.lua)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import count_of
from data.jobs.model import LIMITS
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import DamagedRecordError


@dataclass(frozen=True)
class InLine:
    """A job with planned partitions, and where it waits for its turn."""

    job_id: str
    #: Of its first stage.
    queue: str
    #: Of the ring in which it stands: its own, or a better one when it has waited long.
    priority: int


@dataclass(frozen=True)
class Turn:
    """Where such a job stands."""

    #: Jobs of its project that take turns with it, and it.
    jobs: int
    #: Which of the next hand-outs at the queue is its own, from 1.
    place: int
    #: Whether other projects take turns with its own.
    is_shared: bool
    #: Whether jobs of a better priority, of any project, come before all of these.
    is_behind_better: bool
    #: Partitions that may be handed out or run at the queue at a time.
    places: int
    #: For how long a partition has lately been one of them, weighted mean, seconds; None: not known.
    held_s: float | None

    @property
    def seconds(self) -> float | None:
        """About how long it is until its turn."""
        return None if self.held_s is None else self.place * self.held_s / self.places


def turns_of(store: StoreConnection, jobs: Iterable[InLine]) -> dict[str, Turn]:
    """Job id → its turn, by one round trip; jobs that stand in no ring, or in a damaged one, are absent.

    Jobs of one ring have had as much as each other, or nearly, and so have projects: the order in which they stand is
    the order of their turns. A project's own place among the others counts for each of its jobs.

    Raises:
        UnavailableError: Redis does not answer.
    """
    jobs = list(jobs)
    if not jobs:
        return {}
    with store.redis.pipeline(transaction=False) as pipe:
        for one in jobs:
            ring = store.key(keys.ring(one.queue, one.priority))
            pipe.zrank(ring, one.job_id)
            pipe.zcard(ring)
            pipe.zrange(store.key(keys.turns(one.queue)), 0, -1)
            pipe.hget(store.key(keys.WINDOW), one.queue)
            pipe.hget(store.key(keys.HELD), one.queue)
        answers = store.answers(pipe)
    rows = (answers[i : i + 5] for i in range(0, len(answers), 5))
    found = zip(jobs, (_turn(store.project, one, row) for one, row in zip(jobs, rows, strict=True)), strict=True)
    return {one.job_id: turn for one, turn in found if turn is not None}


def _turn(project: str, one: InLine, row: list[Any]) -> Turn | None:
    if any(isinstance(answer, DamagedRecordError) for answer in row):
        return None
    rank, size, turns, places, held = row
    if rank is None:
        return None
    owners = [owner for priority, _, owner in (turn.partition(":") for turn in turns) if priority == str(one.priority)]
    mine = project or DEFAULT_PROJECT
    before = owners.index(mine) if mine in owners else 0
    return Turn(
        jobs=size,
        place=rank * max(1, len(owners)) + before + 1,
        is_shared=len(owners) > 1,
        is_behind_better=any(turn.partition(":")[0] < str(one.priority) for turn in turns),
        places=max(int(LIMITS["LEAST_WINDOW"]), count_of(places)),
        held_s=max(0, count_of(held)) / 1000 or None,
    )
