"""Times as people type them, and as they are shown."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from cli.failure import CommandError

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> float | None:
    """`90s`, `30m`, `2h`, `1d`, `2w` or bare seconds; None: it is no such text."""
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].lower() in _SECONDS else (text, "s")
    try:
        return float(number) * _SECONDS[unit]
    except ValueError:
        return None


def shown(at: datetime | str | None, *, seconds: bool = False, there: bool = False) -> str:
    """A time as tables have it: `2027-01-31 08:00`, or with its seconds; empty where there is none. In UTC, or as its
    own clock has it (`there`).
    """
    if at is None or at == "":
        return ""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    found = found if there else found.astimezone(UTC)
    return found.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def moment(text: str, option: str, example: str | None = None) -> str:
    """An ISO 8601 date or time with its zone; without one it is this machine's.

    Raises:
        CommandError: it is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError) as error:
        example = example or datetime.now().astimezone().replace(microsecond=0).isoformat()
        raise CommandError(f"{option}: not a time: {text}", hint=f"{option} {example}") from error


def from_now(text: str, option: str) -> float | str:
    """Seconds from now, else a time (see `seconds`, `moment`).

    Raises:
        CommandError: neither.
    """
    found = seconds(text)
    if found is None:
        return moment(text, option, "2h")
    if not math.isfinite(found):  # JSON cannot say it
        raise CommandError(f"{option}: not a number of seconds: {text}", hint=f"{option} 2h")
    return found


def ago(text: str, option: str) -> str:
    """A time as ISO 8601: so long ago (`1d`, `12h`, `2w`), or since a date or time.

    Raises:
        CommandError: neither.
    """
    found = seconds(text) if text[-1:].lower() in _SECONDS else None
    if found is None:
        return moment(text, option, "1d")
    try:
        return (datetime.now().astimezone() - timedelta(seconds=found)).isoformat(timespec="seconds")
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{option}: not a time: {text}", hint=f"{option} 1d") from error
