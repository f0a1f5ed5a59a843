"""What a project has used of its quotas."""

from __future__ import annotations

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import count_of
from data.jobs.model import TERMINAL, Status

_DAY_MS = 86_400_000


def used(store: StoreConnection) -> dict[str, int]:
    """Of the store's project: `live_jobs`, and what was counted today (UTC): `companies`, `pages`, `upload_bytes`.

    Raises:
        UnavailableError: Redis does not answer.
    """
    today = keys.used(store.now_ms() // _DAY_MS)
    live = [keys.of_status(status) for status in Status if status not in TERMINAL]
    with store.guarded(today, *live), store.redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(store.key(today))
        for name in live:
            pipe.zcard(store.key(name))
        counted, *numbers = pipe.execute()
    return {**{name: count_of(number) for name, number in counted.items()}, "live_jobs": sum(numbers)}
