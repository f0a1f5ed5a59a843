"""Units a minute of each stage, from two looks at the counters: the cost does not grow with the number of jobs.

`flow` is a short list of looks {at, begun}, newest first. Whoever asks for statistics adds one, at most one every
`EVERY_S`; the API process looks by itself, so that the figures are fresh when somebody asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress

from data.jobs import JobStore
from data.jobs.entries import count_of
from leadmill.errors import StoreRefusedError
from pipelines.stages import BY_UNIT

#: Seconds between two looks, and looks kept: five minutes in all.
EVERY_S = 15.0
_KEPT = 20
#: The window that a figure is over, seconds: the newest look that is so old; on a young stack the oldest there is.
_WINDOW_S = 60.0
_SHORTEST_S = 5.0


def begun(mark: Mapping[str, str]) -> dict[str, int]:
    """Units begun by stage, from the record's counters (`<stage>:<level>` -> number)."""
    found: dict[str, int] = {}
    for name, value in mark.items():
        stage = BY_UNIT.get(name.partition(":")[0])
        if stage is not None:  # a stage of another version may be counted here
            found[stage.name] = found.get(stage.name, 0) + count_of(value)
    return found


def _look_of(text: str) -> tuple[float, dict[str, int]] | None:
    """A look that was kept, or None for what is none."""
    try:
        at, counts = json.loads(text)
        return float(at), {str(stage): int(count) for stage, count in counts.items()}
    except (ValueError, TypeError, AttributeError):
        return None


def look(store: JobStore, now: float | None = None) -> dict[str, dict[str, float | None]]:
    """Of each stage that ever ran: units begun in all, and units begun a minute (None before there are two looks).

    Begun is the highest hand-out number that began, so it may be ahead by the units that are handed out just now.

    Raises:
        UnavailableError: Redis does not answer.
    """
    at = time.time() if now is None else now
    key = store.key("flow")
    with store.guarded(), store.redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(store.key("mark"))
        pipe.lrange(key, 0, _KEPT - 1)
        mark, kept = pipe.execute()
    counts = begun(mark)
    looks = [seen for text in kept if (seen := _look_of(text)) is not None]
    # A look from the future was taken by a clock that has gone back since.
    looks = [(then, were) for then, were in looks if then <= at]
    if not looks or at - looks[0][0] >= EVERY_S:
        # A store that takes no writes can still be read: the figures are told, only this look is not kept.
        with suppress(StoreRefusedError), store.guarded(), store.redis.pipeline(transaction=False) as pipe:
            pipe.lpush(key, json.dumps([at, counts]))
            pipe.ltrim(key, 0, _KEPT - 1)
            pipe.execute()
    then, before = next(((t, were) for t, were in looks if at - t >= _WINDOW_S), looks[-1] if looks else (at, {}))
    minutes = (at - then) / 60
    known = minutes * 60 >= _SHORTEST_S
    return {
        stage: {
            "begun": count,
            "per_minute": round(max(0, count - before.get(stage, 0)) / minutes, 2) if known else None,
        }
        for stage, count in counts.items()
    }
