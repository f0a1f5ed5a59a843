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


class Removal(TypedDict):
    """That a project is being removed."""

    since: str
    job_id: str | None
    """The job that does it; null: none yet, so ask for it again."""


class Project(TypedDict):
    """A project with its quotas."""

    name: str
    quotas: list[Quota]
    removal: Removal | None
    """Null: it is not being removed."""


class ProjectPage(TypedDict):
    """Projects, the default one first."""

    items: list[Project]
    next_cursor: str | None
