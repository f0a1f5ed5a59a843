"""Units a minute of each stage, from two samples of the counters: the cost does not grow with the number of jobs.

Each call for statistics keeps a sample, at most one every `EVERY_S`; the API process takes samples by itself, so that
the figures are fresh when somebody asks.
"""

from __future__ import annotations

import time
from contextlib import suppress

from data.jobs import JobStore
from data.jobs.begun import Look, begun_and_looks, keep_look
from leadmill.answers import UnitsBegun
from leadmill.errors import StoreRefusedError
from pipelines.stages import BY_UNIT

#: Seconds between two samples, and how many are kept: five minutes in all.
EVERY_S = 15.0
_KEPT = 20
#: The window that a figure is over, seconds: since the newest sample that is so old; on a young stack since the oldest.
_WINDOW_S = 60.0
_SHORTEST_S = 5.0


def look(store: JobStore, now: float | None = None) -> dict[str, UnitsBegun]:
    """Of each stage that ever ran: units begun in all, and units begun a minute (None before there are two samples).

    Begun is the highest hand-out number that began, so it may be ahead by the units that are handed out just now.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: a key is of another type.
    """
    begun, looks = begun_and_looks(store, _KEPT)
    # A stage of another version may be counted there, too.
    counts = {stage.name: count for name, count in begun.items() if (stage := BY_UNIT.get(name)) is not None}
    seen = Look(time.time() if now is None else now, counts)
    # A sample of a later time was taken before the clock was set back.
    looks = [look for look in looks if look.at <= seen.at]
    if not looks or seen.at - looks[0].at >= EVERY_S:
        # A store that takes no writes can still be read: the figures are shown, only this sample is not kept.
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
