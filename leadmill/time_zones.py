"""Time zones by their IANA names: of the system's database, or of the `tzdata` package where it has none."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from leadmill.suggest import unknown


@lru_cache(maxsize=1_024)
def time_zone(name: str) -> tzinfo:
    """The zone of a name like `Europe/Berlin`; `UTC` is Python's own.

    Raises:
        ValueError: there is none; the message says which was meant.
    """
    if name == "UTC":
        return UTC
    if name not in _names():  # ZoneInfo would also read other files of the database's folder
        raise ValueError(unknown("time zone", name, _names()))
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
