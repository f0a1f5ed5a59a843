"""Health and readiness."""

from __future__ import annotations

from typing import Literal, NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class CompanyTable(TypedDict):
    """This process's table of a project's companies. While it is not `ready` lists scan the lake, and take longer."""

    state: Literal["building", "ready", "failed"]
    companies: int
    age_seconds: float | None
    """Since it was last seen to be as the lake is."""


class Health(TypedDict):
    """The state of this process and of what it writes to. `fail` with 503: the job store is another lake's.

    Where there are API keys, who brings none that administers the installation is told `status` alone.
    """

    status: Literal["ok", "warn", "fail"]
    redis: NotRequired[str]
    redis_memory_bytes: NotRequired[int]
    disk: NotRequired[str]
    disk_free_bytes: NotRequired[int]
    companies: NotRequired[dict[str, CompanyTable]]
    """By project: what its lists of companies come from."""
    warnings: NotRequired[list[str]]
    """The reason first, each with the command that mends it."""
    detail: NotRequired[str]


class Readiness(TypedDict):
    """Work would be done: every queue has a listener, disk and Redis take writes."""

    status: Literal["ready"]
    workers: NotRequired[int]
