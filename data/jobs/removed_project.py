"""Takes a project out of Redis: all keys behind its own prefix, and what the shared ones hold of it.

In steps of some hundred entries, each of which may be done twice: a project with 100,000 jobs holds up no other call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.upkeep import literal
from leadmill.access import DEFAULT_PROJECT

_STEP = 500


def drop_project(store: StoreConnection, check: Callable[[], None]) -> int:
    """Remove what Redis has of the store's project, but for its name among the projects; how many keys went.

    `check` is called between steps, and may raise.

    Raises:
        UnavailableError: Redis does not answer.
    """
    if store.project == DEFAULT_PROJECT:
        raise ValueError("the default project is never removed")
    with store.guarded():
        _drop_shared(store, check)
        found = 0
        for names in _steps(_keys(store), check):
            found += store.redis.unlink(*names)
    return found


def forget_project(store: StoreConnection) -> None:
    """Take the store's project from the list of those there are: the last step."""
    with store.guarded(keys.PROJECTS):
        store.redis.zrem(store.key(keys.PROJECTS), store.project)


def _keys(store: StoreConnection) -> Iterator[str]:
    yield from store.redis.scan_iter(match=f"{literal(store.key(''))}*", count=_STEP)
    of_channels = f"{store.prefix}notices_"
    for key in store.redis.scan_iter(match=f"{literal(of_channels)}*:*", count=_STEP):
        if key.removeprefix(of_channels).partition(":")[2].startswith(f"{store.project}:"):
            yield key


def _drop_shared(store: StoreConnection, check: Callable[[], None]) -> None:
    redis, key = store.redis, store.key
    own = (job for job, whose in redis.hscan_iter(key(keys.PROJECT_OF), count=_STEP) if whose == store.project)
    for jobs in _steps(own, check):
        with redis.pipeline() as pipe:
            pipe.zrem(key(keys.ASIDE), *jobs)
            pipe.hdel(key(keys.PROJECT_OF), *jobs)
            pipe.execute()
    for name in (keys.DELIVERIES, keys.NOTICES_HELD, keys.NOTICES_FAILING):
        fields = (field for field, _ in redis.hscan_iter(key(name), count=_STEP))
        for found in _steps(_of_channels(store.project, fields), check):
            redis.hdel(key(name), *found)
    for name in (keys.NOTICES_WAITING, keys.NOTICES_DUE):
        members = (member for member, _ in redis.zscan_iter(key(name), count=_STEP))
        for found in _steps(_of_channels(store.project, members), check):
            redis.zrem(key(name), *found)


def _of_channels(project: str, names: Iterable[str]) -> Iterator[str]:
    """Channels of a project (`<project>:<name>`), and deliveries to them (`<notice>|<channel>`)."""
    for name in names:
        channel = name.partition("|")[2] if name.startswith("ntc_") else name
        if channel.startswith(f"{project}:"):
            yield name


def _steps(found: Iterable[Any], check: Callable[[], None]) -> Iterator[list[Any]]:
    rest = iter(found)
    while step := list(islice(rest, _STEP)):
        check()
        yield step
