"""Projects and their quotas."""

from __future__ import annotations

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class Quota(TypedDict):
    """How much a project may have of one thing."""

    name: str
    """`live_jobs`, `companies_per_job`, `companies_per_day`, `pages_per_day`, `upload_bytes`, …"""
    limit: int | None
    """Null: there is none."""
    own: bool
    """Whether the project has one of its own; else it is that of the settings."""
    used: int | None
    """Null where nothing is counted: without a limit, or for one job or file."""
    left: int | None
    resets_at: str | None
    """When one of a day begins anew."""


class Project(TypedDict):
    """A project with its quotas."""

    name: str
    quotas: list[Quota]


class ProjectPage(TypedDict):
    """Projects, the default one first."""

    items: list[Project]
    next_cursor: str | None
