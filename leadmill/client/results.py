"""What the client gives back: light, frozen records of the API's JSON; a job keeps the whole in `raw`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: A job in one of these states changes no more, except by resume.
ENDED = frozenset({"completed", "failed", "cancelled"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `percentage` 0 to 100."""

    current_step: int = 0
    total_steps: int = 0
    percentage: float = 0.0
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Json) -> Progress:
        return cls(
            int(raw.get("current_step") or 0),
            int(raw.get("total_steps") or 0),
            float(raw.get("percentage") or 0.0),
            str(raw.get("message") or ""),
            raw.get("details") or {},
        )


@dataclass(frozen=True, slots=True)
class StageProgress:
    """One stage of a job: its partitions and the rows that went in and came out."""

    name: str
    status: str
    total: int
    done: int
    failed: int
    rows_in: int
    rows_out: int
    errors: int

    @classmethod
    def of(cls, raw: Json) -> StageProgress:
        partitions = raw.get("partitions") or {}
        return cls(
            str(raw["name"]),
            str(raw.get("status") or ""),
            int(partitions.get("total") or 0),
            int(partitions.get("done") or 0),
            int(partitions.get("failed") or 0),
            int(raw.get("rows_in") or 0),
            int(raw.get("rows_out") or 0),
            int(raw.get("errors") or 0),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a job stands among the `jobs` that share so many `processes`: `place` from 1, in about `seconds`."""

    jobs: int
    processes: int
    place: int
    seconds: float

    @classmethod
    def of(cls, raw: Json) -> Turn:
        return cls(int(raw["jobs"]), int(raw["processes"]), int(raw["place"]), float(raw["seconds"]))


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the API describes it. Times are aware datetimes (UTC), durations seconds, coverage 0 to 1."""

    id: str
    kind: str
    status: str
    priority: str
    tags: tuple[str, ...]
    parent: str | None
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_s: float | None
    progress: Progress
    coverage: float | None
    waiting_for: str | None
    turn: Turn | None
    stages: tuple[StageProgress, ...]
    error: Mapping[str, Any] | None
    attempt: int
    result: Mapping[str, Any]
    raw: Json = field(repr=False)

    @property
    def ended(self) -> bool:
        """Completed, failed or cancelled."""
        return self.status in ENDED

    @classmethod
    def of(cls, raw: Json) -> Job:
        return cls(
            id=str(raw["job_id"]),
            kind=str(raw.get("kind") or ""),
            status=str(raw.get("status") or ""),
            priority=str(raw.get("priority") or "normal"),
            tags=tuple(str(tag) for tag in raw.get("tags") or ()),
            parent=raw.get("parent"),
            created_at=_time(raw.get("created_at")),
            started_at=_time(raw.get("started_at")),
            finished_at=_time(raw.get("finished_at")),
            duration_s=raw.get("duration_s"),
            progress=Progress.of(raw.get("progress") or {}),
            coverage=raw.get("coverage"),
            waiting_for=raw.get("waiting_for"),
            turn=Turn.of(raw["turn"]) if raw.get("turn") else None,
            stages=tuple(StageProgress.of(stage) for stage in raw.get("stages") or ()),
            error=raw.get("error"),
            attempt=int(raw.get("attempt") or 1),
            result=raw.get("result") or {},
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a job's event stream; `id` is what to give as `after` to go on behind it."""

    id: str
    type: str
    data: Json


def _time(value: Any) -> datetime | None:
    if not value:
        return None
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError(f"a time without zone: {value!r}")
    return moment
