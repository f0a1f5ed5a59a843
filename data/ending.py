"""Projects that are being removed: a mark for each, `<data>/projects/<name>.ending`, until nothing of it is left.

While it stands nothing begins in the project: no job, no schedule, no key, and no restoring. A project that was removed
leaves an empty file of its name in the place of its folder: whoever still runs something of it, or wakes up with it,
cannot write the folder anew. The next job or schedule of that name takes the file away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data.mounts import storage_at
from leadmill.access import DEFAULT_PROJECT, PROJECT, checked
from leadmill.errors import ConflictError, StorageError

_MARK = ".ending"


@dataclass(frozen=True)
class Ending:
    """That a project is being removed."""

    since: datetime
    #: The job that does it; None: none was submitted yet.
    job_id: str | None


def ending(data: Path, project: str) -> Ending | None:
    """The mark of a project, None where it has none. One that cannot be read is one all the same."""
    if project == DEFAULT_PROJECT:
        return None
    content = storage_at(data).read(_mark(data, project))
    if content is None:
        return None
    try:
        found = json.loads(content.data)
        return Ending(datetime.fromisoformat(found["since"]), found["job"])
    except (ValueError, KeyError, TypeError):
        return Ending(datetime.fromtimestamp(0, UTC), None)


def endings(data: Path) -> list[str]:
    """Every project that has a mark, by name."""
    names = (name.removesuffix(_MARK) for name in storage_at(data).names(data / "projects") if name.endswith(_MARK))
    return sorted(name for name in names if PROJECT.fullmatch(name))


def put_mark(data: Path, project: str, mark: Ending) -> None:
    """Mark a project, or say by which job it is removed.

    Raises:
        StorageError: the disk takes nothing.
    """
    content = json.dumps({"since": mark.since.isoformat(), "job": mark.job_id})
    try:
        storage_at(data).put(_mark(data, project), content.encode())
    except OSError as error:
        raise StorageError.of(error) or error from error


def drop_mark(data: Path, project: str) -> None:
    """Nothing is left of a project: one of its name may begin."""
    storage_at(data).remove(_mark(data, project))


def check_open(data: Path, project: str) -> None:
    """Raise ConflictError for a project in which nothing may begin."""
    if project != DEFAULT_PROJECT and storage_at(data).stat(_mark(data, project)) is not None:
        raise ConflictError(f"the project {project} is being removed; nothing begins in it before that is done")


def open_folder(data: Path, project: str) -> None:
    """Let a project's folder be written: what an earlier project of its name left in its place goes.

    Raises:
        ConflictError: it is being removed.
    """
    if project != DEFAULT_PROJECT:
        check_open(data, project)
        storage_at(data).reopen(data / "projects" / checked(project))


def _mark(data: Path, project: str) -> Path:
    return data / "projects" / f"{checked(project)}{_MARK}"
