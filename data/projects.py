"""All projects of an installation, one after the other: for what is done for all of them, such as restoring.

Nothing that answers one project's caller belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from data.damage import Damage, damages
from data.ending import endings
from data.jobs import JobStore
from data.lake import Lake
from data.parts import MANIFEST
from data.schemas import STAGE_SCHEMAS


def each_project(
    store: JobStore, lake: Lake, in_lake: Callable[[], list[str]] | None = None
) -> Iterator[tuple[JobStore, Lake]]:
    """Store and lake of every project that Redis or the lake knows, the default one first, the others by name.

    Those that are being removed are left out. `in_lake` tells the projects of the lake, for who asks again and again.

    Raises:
        UnavailableError: Redis does not answer.
    """
    others = {*store.projects(), *(in_lake or lake.projects)()} - {store.project}
    if others:
        others -= {*endings(lake.data)}
    for name in (store.project, *sorted(others)):
        seen = store.of(name)
        yield seen, lake if name == lake.project else lake.of(name, seen.critical)


def damages_everywhere(lake: Lake) -> list[Damage]:
    """Damaged files that lie in the lake of any project."""
    return [one for project in lake.projects() for one in damages(lake.of(project))]


class Snapshots(NamedTuple):
    """A project's compacted rows."""

    #: When they were last renewed, seconds since the epoch; None: never.
    renewed_at: float | None
    bytes: int


def snapshots(lake: Lake, projects: Iterable[str]) -> dict[str, Snapshots]:
    """Those of each of these projects."""
    return {project: _snapshots(lake.of(project)) for project in projects}


def _snapshots(lake: Lake) -> Snapshots:
    lists = [lake.storage.stat(lake.companies / stage / MANIFEST) for stage in STAGE_SCHEMAS]
    files = [lake.storage.stat(file) for stage in STAGE_SCHEMAS for file in lake.snapshot_files(stage)]
    return Snapshots(
        max((found.modified_ns / 1e9 for found in lists if found is not None), default=None),
        sum(found.size for found in files if found is not None),
    )
