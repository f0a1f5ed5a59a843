"""When something must be looked at (the due set), and in which order pending jobs start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import count_of
from data.jobs.model import IN_LINE, TERMINAL
from data.jobs.stored_names import RECORD_FIELDS
from leadmill.errors import DamagedRecordError

#: Stands for a unit in the entry of a job's deadline.
DEADLINE = "~"


@dataclass(frozen=True)
class DueEntry:
    """A unit, a job's deadline, or a job that waits for its turn; and when somebody must look at it."""

    job_id: str
    unit: str
    #: Milliseconds since the epoch, by the server's clock.
    at_ms: float

    @property
    def is_deadline(self) -> bool:
        return self.unit == DEADLINE


def due_entries(store: StoreConnection, limit: int) -> list[DueEntry]:
    """The first entries, soonest first.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: the key is of another type.
    """
    with store.guarded(keys.DUE):
        found = store.redis.zrange(store.key(keys.DUE), 0, limit - 1, withscores=True)
    return [DueEntry(*keys.job_and_unit(member), at) for member, at in cast("list[tuple[str, float]]", found)]


class DueState(NamedTuple):
    """The due set as a whole."""

    #: Units handed out, running or waiting; deadlines to come; jobs that wait for their turn.
    entries: int
    #: Since when the first of them should have been looked at, seconds; 0: none is late.
    late_s: float
    #: Jobs whose record is damaged, looked at again later.
    set_aside: int


def due_state(store: StoreConnection) -> DueState:
    """How many wait to be looked at, and for how long in vain.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: a key is of another type.
    """
    with store.guarded(keys.DUE, keys.ASIDE), store.redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.zcard(store.key(keys.DUE))
        pipe.zrange(store.key(keys.DUE), 0, 0, withscores=True)
        pipe.zcard(store.key(keys.ASIDE))
        (seconds, micros), entries, first, aside = pipe.execute()
    late_s = seconds + micros / 1e6 - first[0][1] / 1000 if first else 0.0
    return DueState(entries, max(0.0, late_s), aside)


def due_times(store: StoreConnection, units: Sequence[tuple[str, str]]) -> list[float | None]:
    """Of each (job, unit) when it is due, ms since the epoch; None for one that is not."""
    if not units:
        return []
    with store.guarded(keys.DUE), store.redis.pipeline(transaction=False) as pipe:
        for job_id, unit in units:
            pipe.zscore(store.key(keys.DUE), keys.member(job_id, unit))
        return list(pipe.execute())


def is_looked_after(store: StoreConnection, job_id: str) -> bool:
    """Whether a live job has an entry. One that has ended, or moved while this looked, counts as looked after."""
    key = store.key(keys.record(job_id))
    with store.guarded(), store.redis.pipeline() as pipe:
        pipe.hget(key, "status")
        pipe.hkeys(store.key(keys.units(job_id)))
        status, units = pipe.execute()
        if status is None or status in TERMINAL:
            return True
        if any(at is not None for at in due_times(store, [(job_id, unit) for unit in (*units, IN_LINE)])):
            return True
        return store.redis.hget(key, "status") != status


def starting_order(store: StoreConnection, most: int) -> list[tuple[int, int]]:
    """(priority, time of creation in ms) of the oldest pending jobs, sorted as they start.

    Those that wait for their time are left out, as are damaged ones.

    Raises:
        UnavailableError: Redis does not answer.
    """
    with store.guarded(keys.of_status("pending")):
        pending = cast("list[str]", store.redis.zrange(store.key(keys.of_status("pending")), 0, most - 1))
    with store.redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for job_id in pending:
            pipe.hmget(store.key(keys.record(job_id)), RECORD_FIELDS["priority"], "created", "run_at")
        (seconds, _), *rows = store.answers(pipe)
    now = seconds * 1000
    sound = (row for row in rows if not isinstance(row, DamagedRecordError))
    return sorted(
        (count_of(priority), int(created))
        for priority, created, run_at in sound
        if created and created.isdecimal() and (not run_at or count_of(run_at) <= now)
    )
