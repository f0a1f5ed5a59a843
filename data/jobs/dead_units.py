"""Units that failed for good, of all jobs, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from data import keys
from data.jobs import newest_first
from data.jobs.connection import StoreConnection


@dataclass(frozen=True)
class DeadUnit:
    """A unit that failed for good. Whether it still is, or even exists, only its job tells."""

    job_id: str
    unit: str
    #: Milliseconds since the epoch.
    at_ms: float

    @property
    def member(self) -> str:
        """Its name in the set, by which entries of one time are sorted."""
        return keys.member(self.job_id, self.unit)


def dead_units(store: StoreConnection, after: DeadUnit | None, limit: int) -> list[DeadUnit]:
    """Entries behind one, newest first, then by name; fewer than `limit` are the whole rest.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: the key is of another type.
    """
    with store.guarded(keys.DEAD):
        place = None if after is None else (after.at_ms, after.member)
        rows = newest_first.behind(store.redis, [store.key(keys.DEAD)], place, limit)[0]
    return [dead_unit(member, at) for member, at in rows]


def dead_unit(member: str, at_ms: float) -> DeadUnit:
    """The entry of a name in the set."""
    return DeadUnit(*keys.job_and_unit(member), at_ms)


def drop_dead_units(store: StoreConnection, gone: Iterable[DeadUnit]) -> None:
    """Remove entries whose job is gone."""
    if members := [entry.member for entry in gone]:
        with store.guarded(keys.DEAD):
            store.redis.zrem(store.key(keys.DEAD), *members)
