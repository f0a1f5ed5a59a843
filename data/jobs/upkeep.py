"""What housekeeping takes out of Redis: units of sealed jobs, workers long gone, index entries that name nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import cast

from redis.exceptions import WatchError

from data import keys
from data.jobs.reading import JobReader
from data.jobs.record import JobRecord

_BATCH = 500


def drop_units(store: JobReader, job_id: str, may_go: Callable[[JobRecord | None], bool]) -> bool:
    """Drop a job's units, events and list of planned partitions once `may_go` says so of its record; whether they went.

    Whatever changes the record from before `may_go` on keeps them.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: the record cannot be read.
    """
    with store.redis.pipeline() as pipe:
        with store.guarded():
            pipe.watch(store.key(keys.record(job_id)))  # type: ignore[no-untyped-call]
        if not may_go(store.record(job_id)):
            return False
        pipe.multi()
        pipe.delete(*(store.key(name(job_id)) for name in (keys.units, keys.events, keys.planned_again)))
        with store.guarded():
            try:
                pipe.execute()
            except WatchError:
                return False
    return True


def drop_dead_workers(store: JobReader, forgotten_s: float) -> int:
    """Remove entries of workers that were not seen for so long, or never; how many. One that comes back signs on anew.

    Raises:
        UnavailableError: Redis does not answer.
    """
    seen, about = store.key(keys.WORKERS), store.key(keys.WORKER)
    with store.guarded(keys.WORKERS, keys.WORKER):
        last = store.now_ms() - forgotten_s * 1000
        dead = set(cast("list[str]", store.redis.zrangebyscore(seen, "-inf", last)))
        told = cast("list[str]", store.redis.hkeys(about))
        dead |= {node for node in told if store.redis.zscore(seen, node) is None}
    forget_workers(store, dead)
    return len(dead)


def forget_workers(store: JobReader, nodes: Collection[str]) -> None:
    """Remove the entries of these, as if they had signed off. One that lives signs on anew within a second.

    Raises:
        UnavailableError: Redis does not answer.
    """
    if not nodes:
        return
    with store.guarded(keys.WORKERS, keys.WORKER), store.redis.pipeline() as pipe:
        pipe.zrem(store.key(keys.WORKERS), *nodes)
        pipe.hdel(store.key(keys.WORKER), *nodes)
        pipe.execute()


def drop_stray_entries(store: JobReader) -> int:
    """Remove index entries of jobs that have no record; how many.

    Submit and forget change record and indices in one move, so an entry without record stays without.

    Raises:
        UnavailableError: Redis does not answer.
    """
    dropped = 0
    with store.guarded():
        for key in store.redis.scan_iter(match=literal(store.key(keys.INDEX)) + "*", count=1_000):
            members: list[str] = []
            for member, _ in store.redis.zscan_iter(key, count=_BATCH):
                members.append(member)
                if len(members) >= _BATCH:
                    dropped += _drop_from(store, key, members)
                    members = []
            dropped += _drop_from(store, key, members)
    return dropped


def _drop_from(store: JobReader, key: str, members: list[str]) -> int:
    recorded = store.recorded(members)
    stray = [member for member in members if member not in recorded]
    return int(store.redis.zrem(key, *stray)) if stray else 0


def literal(text: str) -> str:
    """A key's text as a pattern that matches it alone."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in text)
