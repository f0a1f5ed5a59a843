"""A job's own log."""

from __future__ import annotations

from typing import Any, Literal

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict

#: Of a line, mildest first.
LogLevel = Literal["warning", "error", "critical"]


class LogLine(TypedDict):
    """One line of a job's own log: a warning or an error of the processes that worked for it."""

    id: str
    """Its place in the log."""
    at: str
    level: LogLevel
    event: str
    """What happened, in words that stay the same each time; what differs stands in `more`."""
    stage: str | None
    unit: str | None
    """`launch`, `p17` (a partition), `score`, `render:csv`, `publish` …"""
    epoch: int | None
    """Number of the unit's hand-out."""
    attempt: int | None
    """1, and one more with each resume of the job."""
    request_id: str | None
    """Of the request that submitted the job, where its caller had named it."""
    trace_id: str | None
    logger: str | None
    """The module, or the library, that says it."""
    exception: str | None
    """The end of its traceback."""
    more: dict[str, Any]
    """What else it says, by name."""


class LogPage(TypedDict):
    """Lines of a job's own log, oldest first."""

    items: list[LogLine]
    dropped: int
    """Older lines that the log holds no more: it holds about 500, the newest."""
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""
