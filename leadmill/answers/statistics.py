"""Statistics of all jobs, queues and workers."""

from __future__ import annotations

from typing import NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class Totals(TypedDict):
    """Jobs that there are or were. Null: its counter cannot be read."""

    jobs: int | None
    by_status: dict[str, int | None]
    by_kind: dict[str, int | None]


class Durations(TypedDict):
    """Of the ended jobs of a kind; all but the mean from buckets 10 % wide."""

    count: int
    mean_s: float | None
    p50_s: float | None
    p95_s: float | None
    """Quantiles are null of fewer than 20 jobs: they would say no more than the range does."""
    fastest_s: float | None
    slowest_s: float | None


class Rates(TypedDict):
    """Shares of the jobs that ended by themselves; null: none has."""

    success: float | None
    failure: float | None


class QueueState(TypedDict):
    """A queue; null: it cannot be read."""

    waiting: int | None
    oldest_s: float | None
    """Age of the oldest message."""
    workers: int | None
    processes: int | None


class WorkerState(TypedDict):
    """A worker that listens."""

    name: str
    queues: list[str]
    processes: int
    host: str
    pid: int
    version: str | None
    """Null: 0.2.0 or earlier, which does not say it."""
    started_at: str | None
    seen_at: str | None
    thrown_away: dict[str, int]
    """Messages and commands of others that it threw away since its start, by reason."""


class UnitsBegun(TypedDict):
    """Units of a stage that were begun."""

    begun: int
    per_minute: float | None
    """Null before there are two samples."""


class Finding(TypedDict):
    """What a health check found wrong."""

    name: NotRequired[str]
    status: NotRequired[str]
    message: NotRequired[str]
    advice: NotRequired[str | None]
    """A command that mends it."""


class LastHealth(TypedDict):
    """The last health check: its worst state, and the checks that are not ok."""

    status: str | None
    checked_at: str | None
    job_id: str
    findings: list[Finding]


class CriticalEvent(TypedDict):
    """What an operator must see; each kind has fields of its own beside these."""

    at: str | None
    kind: NotRequired[str]


class WrongNow(TypedDict):
    """What is wrong with the stack now, as a notice of this kind tells it."""

    kind: str
    since: str | None
    """When it was told."""
    text: str
    remedy: str
    """A command that mends it or tells more."""


class Figures(TypedDict):
    """Figures over all jobs of the caller's project, from counters alone.

    Queues, workers and stages are of all projects: told to callers of the default one.
    """

    at: str | None
    totals: Totals
    durations: dict[str, Durations]
    """By kind."""
    rates: Rates
    queues: dict[str, QueueState]
    workers: list[WorkerState] | None
    stages: dict[str, UnitsBegun]
    unreadable: list[str]
    """Keys of Redis that something else has written; what they count is null or absent."""


class Statistics(Figures):
    """Figures over all jobs, what is wrong now, the newest critical events, and the last health check."""

    wrong_now: list[WrongNow]
    """Told to callers of the default project."""
    critical_events: list[CriticalEvent] | None
    health: LastHealth | None
    """Null: none has run."""
