"""Units a minute of each stage, from two looks at the counters: the cost does not grow with the number of jobs.

Whoever asks for statistics keeps a look, at most one every `EVERY_S`; the API process looks by itself, so that the
figures are fresh when somebody asks.
"""

from __future__ import annotations

import time
from contextlib import suppress

from data.jobs import JobStore
from data.jobs.begun import Look, begun_and_looks, keep_look
from leadmill.errors import StoreRefusedError
from pipelines.stages import BY_UNIT

#: Seconds between two looks, and looks kept: five minutes in all.
EVERY_S = 15.0
_KEPT = 20
#: The window that a figure is over, seconds: the newest look that is so old; on a young stack the oldest there is.
_WINDOW_S = 60.0
_SHORTEST_S = 5.0


def look(store: JobStore, now: float | None = None) -> dict[str, dict[str, float | None]]:
    """Of each stage that ever ran: units begun in all, and units begun a minute (None before there are two looks).

    Begun is the highest hand-out number that began, so it may be ahead by the units that are handed out just now.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: a key is of another type.
    """
    begun, looks = begun_and_looks(store, _KEPT)
    # A stage of another version may be counted there, too.
    counts = {stage.name: count for name, count in begun.items() if (stage := BY_UNIT.get(name)) is not None}
    seen = Look(time.time() if now is None else now, counts)
    # A look from the future was taken by a clock that has gone back since.
    looks = [look for look in looks if look.at <= seen.at]
    if not looks or seen.at - looks[0].at >= EVERY_S:
        # A store that takes no writes can still be read: the figures are told, only this look is not kept.
        with suppress(StoreRefusedError):
            keep_look(store, seen, _KEPT)
    before = next((look for look in looks if seen.at - look.at >= _WINDOW_S), looks[-1] if looks else seen)
    minutes = (seen.at - before.at) / 60
    known = minutes * 60 >= _SHORTEST_S
    return {
        stage: {
            "begun": count,
            "per_minute": round(max(0, count - before.begun.get(stage, 0)) / minutes, 2) if known else None,
        }
        for stage, count in counts.items()
    }
