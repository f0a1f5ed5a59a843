"""Schedules."""

from __future__ import annotations

from typing import Any, NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class LastTick(TypedDict):
    """The last planned time that was dealt with."""

    planned: str
    job_id: str | None


class Schedule(TypedDict):
    """A pipeline that is submitted again and again."""

    name: str
    cron: str
    timezone: str
    """In which the cron expression is meant, like `Europe/Berlin`."""
    explanation: str
    """The cron expression in words."""
    paused: bool
    next_runs: list[str]
    """None while it is paused."""
    next_runs_local: list[str]
    """The same in the schedule's time zone."""
    last_tick: LastTick | None
    created_at: str | None
    fault: str | None
    """What is wrong with an entry that cannot be read; it is never due, and can be deleted."""
    pipeline: NotRequired[dict[str, Any]]
    """What is submitted, in the words of `POST /pipelines`."""


class SchedulePage(TypedDict):
    """Schedules by name."""

    items: list[Schedule]
    next_cursor: str | None
