"""Units begun since the store was made, and looks at that number kept for a while: what a rate is taken from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import count_of


@dataclass(frozen=True)
class Look:
    """Units begun by then, of each stage, as whoever looked named it."""

    #: Seconds since the epoch, by the clock of whoever looked.
    at: float
    begun: Mapping[str, int]


def begun_and_looks(store: StoreConnection, most: int) -> tuple[dict[str, int], list[Look]]:
    """Units begun by the name that a stage's units carry, and the newest looks, newest first.

    Begun is the highest hand-out number that began, so it may be ahead by the units that are handed out just now.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: a key is of another type.
    """
    with store.guarded(), store.redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(store.key(keys.BEGUN))
        pipe.lrange(store.key(keys.LOOKS), 0, most - 1)
        marks, kept = pipe.execute()
    begun: dict[str, int] = {}
    for name, value in marks.items():
        unit_name = name.partition(":")[0]  # `<name>:<level>`
        begun[unit_name] = begun.get(unit_name, 0) + count_of(value)
    return begun, [look for text in kept if (look := _look_of(text)) is not None]


def keep_look(store: StoreConnection, look: Look, most: int) -> None:
    """Put a look before the others; only so many stay.

    Raises:
        StoreRefusedError: Redis takes no writes.
    """
    key = store.key(keys.LOOKS)
    with store.guarded(), store.redis.pipeline(transaction=False) as pipe:
        pipe.lpush(key, json.dumps([look.at, look.begun]))
        pipe.ltrim(key, 0, most - 1)
        pipe.execute()


def _look_of(text: str) -> Look | None:
    """A look that was kept, or None for what is none."""
    try:
        at, counts = json.loads(text)
        return Look(float(at), {str(stage): int(count) for stage, count in counts.items()})
    except (ValueError, TypeError, AttributeError):
        return None
