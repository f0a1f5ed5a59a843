"""Events of a job."""

from __future__ import annotations

from typing import Literal, NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class StatusEvent(TypedDict):
    """`status`: the job has another status."""

    status: str


class StageEvent(TypedDict):
    """`stage`: a stage has begun."""

    stage: str
    state: str


class UnitEvent(TypedDict):
    """`unit`: something happened to a unit; what is told beside depends on `state`."""

    unit: str
    state: Literal["waiting", "failed", "died", "lapsed"]
    stage: NotRequired[str]
    category: NotRequired[str]
    error: NotRequired[str]
    retry_at: NotRequired[int]
    """Milliseconds since 1970."""
    attempt: NotRequired[int]
    deaths: NotRequired[int]
    lapses: NotRequired[int]
    page: NotRequired[str]


class ProgressEvent(TypedDict):
    """`progress`: how far the job is."""

    pct: int
    """Tenths of a percent: 466 is 46.6 %."""
    message: NotRequired[str]
    pages: int
    done: int
    """Partitions."""
    total: int
