"""Which kinds of notice somebody listens to, as Redis knows it: of others nobody writes a notice."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from data import keys
from data.jobs import JobStore


def put_wanted(store: JobStore, kinds: AbstractSet[str]) -> None:
    """Let it be these; nothing is written where it is so already.

    Raises:
        UnavailableError: Redis does not answer, or takes no write.
        DamagedRecordError: the key is of another type.
    """
    key = store.key(keys.NOTICES_WANTED)
    with store.guarded(keys.NOTICES_WANTED):
        found = set(store.redis.hkeys(key))
        if gone := found - kinds:
            store.redis.hdel(key, *gone)
        if new := kinds - found:
            store.redis.hset(key, mapping=dict.fromkeys(new, 1))
