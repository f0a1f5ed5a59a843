"""A job's own log as it is asked for: lines of a level or a stage, since a time, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from data.jobs import JobStore
from leadmill.answers.logs import LogLevel, LogLine, LogPage
from pipelines.views.view import iso

#: Most lines of one answer, and of one read.
MAX_PAGE = 1_000
#: Of a line, mildest first.
LEVELS = get_args(LogLevel)
_TEXTS = ("stage", "unit", "request_id", "trace_id", "logger", "exception")
_COUNTS = ("epoch", "attempt")


@dataclass(frozen=True)
class Wanted:
    """Which lines: those that are as bad at least, of a stage, from a time on."""

    level: LogLevel = "warning"
    stage: str | None = None
    since: datetime | None = None

    def fits(self, line: LogLine) -> bool:
        """Whether a line is one of them."""
        return (
            LEVELS.index(line["level"]) >= LEVELS.index(self.level)
            and self.stage in (None, line["stage"])
            and (self.since is None or datetime.fromisoformat(line["at"]) >= self.since)
        )


def page(store: JobStore, job_id: str, wanted: Wanted, limit: int, after: str = "0") -> LogPage:
    """So many lines behind a place in the log, oldest first.

    Raises:
        UnavailableError: Redis does not answer.
    """
    found: list[LogLine] = []
    while entries := store.lines(job_id, after, MAX_PAGE):
        for entry in entries:
            line = line_of(*entry)
            if wanted.fits(line):
                if len(found) == limit:
                    return {"items": found, "dropped": store.lines_dropped(job_id), "next_cursor": found[-1]["id"]}
                found.append(line)
        after = entries[-1][0]
    return {"items": found, "dropped": store.lines_dropped(job_id), "next_cursor": None}


def line_of(entry_id: str, level: str, said: Mapping[str, Any]) -> LogLine:
    """A line, from what the stream keeps; whatever stands there, the answer has its form."""
    at = said.get("at")
    ms = at * 1000 if isinstance(at, float) and 0 <= at < 1e11 else int(entry_id.partition("-")[0])
    texts = {name: value for name in _TEXTS if isinstance(value := said.get(name), str)}
    counts = {name: value for name in _COUNTS if type(value := said.get(name)) is int}
    known = {"at", "event", "partition", *texts, *counts}
    return {
        "id": entry_id,
        "at": iso(ms or 1.0) or "",
        "level": level if level in LEVELS else "warning",  # type: ignore[typeddict-item]
        "event": str(said.get("event") or "a line that cannot be read"),
        "stage": texts.get("stage"),
        "unit": texts.get("unit"),
        "epoch": counts.get("epoch"),
        "attempt": counts.get("attempt"),
        "request_id": texts.get("request_id"),
        "trace_id": texts.get("trace_id"),
        "logger": texts.get("logger"),
        "exception": texts.get("exception"),
        "more": {name: value for name, value in said.items() if name not in known},
    }
