"""Quotas that projects have of their own: `<data>/quotas.json`, mode 0600.

    {"projects": {"acme": {"live_jobs": 10, "pages_per_day": null}}}      null: no limit, whatever the settings say

Whoever submits looks at most once a second whether the file has changed, so a change counts everywhere within a second.
A file that cannot be read lets nobody submit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from data.shared_file import SharedFile, SharedTable
from leadmill.access import PROJECT
from leadmill.errors import InputError, QuotasUnreadableError
from leadmill.quotas import MAX_QUOTA, Quotas
from leadmill.settings import Settings

#: Its name in the data folder.
FILE = "quotas.json"

#: Of each project that has some: those that are not as the settings say.
Own = Mapping[str, Mapping[str, int | None]]


class ProjectQuotas:
    """Those of the projects of one data folder. Safe to share between threads."""

    def __init__(self, data: Path) -> None:
        file = SharedFile(data, FILE, "the quotas")
        self._table: SharedTable[Own] = SharedTable(file, {}, _checked, partial(_unreadable, file.path))

    def own(self) -> Own:
        """As they are now, or were a second ago.

        Raises:
            QuotasUnreadableError: that cannot be told.
        """
        return self._table.held()

    def of(self, project: str, defaults: Quotas) -> Quotas:
        """What a project may have.

        Raises:
            QuotasUnreadableError: that cannot be told.
        """
        own = self.own().get(project)
        return defaults.changed(own) if own else defaults

    def put(self, project: str, own: Mapping[str, int | None]) -> None:
        """Give a project these instead of its own; none: all as the settings say.

        Raises:
            InputError: not a project's name, or a quota that there is not or that cannot be one.
            QuotasUnreadableError: what lies there cannot be read.
            StorageError, UnavailableError: it cannot be written.
        """
        if not PROJECT.fullmatch(project):
            raise InputError("1 to 40 of a-z, 0-9 and -, not - first", field="name")
        for name, limit in own.items():
            if not _is_quota(name, limit):
                raise InputError(f"a whole number from 0 to {MAX_QUOTA:,}, or null", field=name)

        def changed(everyone: Own) -> dict[str, Any]:
            kept = {**everyone, project: dict(own)}
            return {"projects": {name: quotas for name, quotas in sorted(kept.items()) if quotas}}

        self._table.change(changed)


def _unreadable(path: Path, why: str) -> QuotasUnreadableError:
    return QuotasUnreadableError(f"the projects' quotas cannot be read, so nothing is taken: {path}: {why}")


@cache
def project_quotas(data: Path) -> ProjectQuotas:
    """Those of a data folder, held once a process."""
    return ProjectQuotas(data)


def default_quotas(settings: Settings) -> Quotas:
    """Those of a project that has none of its own."""
    return Quotas(**{name: getattr(settings, f"quota_{name}") for name in Quotas.names()})


def _checked(found: Any) -> Own:
    projects = found.get("projects") if isinstance(found, dict) else None
    if not isinstance(projects, dict):
        raise ValueError("no object `projects`")  # noqa: TRY004 - of the file, not of an argument
    for project, own in projects.items():
        if not PROJECT.fullmatch(project) or not isinstance(own, dict):
            raise ValueError(f"{project[:60]!r} is no project with its quotas")
        wrong = next((name for name, limit in own.items() if not _is_quota(name, limit)), None)
        if wrong is not None:
            raise ValueError(f"{project}: {wrong[:60]}")
    return projects


def _is_quota(name: str, limit: Any) -> bool:
    whole = isinstance(limit, int) and not isinstance(limit, bool) and 0 <= limit <= MAX_QUOTA
    return name in Quotas.names() and (limit is None or whole)
