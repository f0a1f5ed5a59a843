"""Health and readiness."""

from __future__ import annotations

from typing import Literal, NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class Health(TypedDict):
    """The state of this process and of what it writes to. `fail` with 503: the job store is another lake's."""

    status: Literal["ok", "warn", "fail"]
    redis: str
    redis_memory_bytes: NotRequired[int]
    disk: str
    disk_free_bytes: int
    warnings: list[str]
    """The reason first, each with the command that mends it."""
    detail: NotRequired[str]


class Readiness(TypedDict):
    """Work would be done: every queue has a listener, disk and Redis take writes."""

    status: Literal["ready"]
    workers: int
