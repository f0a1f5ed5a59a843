"""All projects of an installation, one after the other: for what is done for all of them, such as restoring.

Nothing that answers one project's caller belongs here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from data.damage import Damage, damages
from data.jobs import JobStore
from data.lake import Lake
from data.parts import MANIFEST
from data.schemas import STAGE_SCHEMAS


def each_project(store: JobStore, lake: Lake) -> Iterator[tuple[JobStore, Lake]]:
    """Store and lake of every project that Redis or the lake knows, the default one first, the others by name.

    Raises:
        UnavailableError: Redis does not answer.
    """
    names = {*store.projects(), *lake.projects()} - {store.project}
    for name in (store.project, *sorted(names)):
        seen = store.of(name)
        yield seen, lake if name == lake.project else lake.of(name, seen.critical)


def damages_everywhere(lake: Lake) -> list[Damage]:
    """Damaged files that lie in the lake of any project."""
    return [one for project in lake.projects() for one in damages(lake.of(project))]


def compacted_at(lake: Lake, projects: Iterable[str]) -> dict[str, float | None]:
    """When the snapshots of each project were last renewed, seconds since the epoch; None: never."""
    return {project: max(_renewed(lake.of(project)), default=None) for project in projects}


def _renewed(lake: Lake) -> Iterator[float]:
    for stage in STAGE_SCHEMAS:
        found = lake.storage.stat(lake.companies / stage / MANIFEST)
        if found is not None:
            yield found.modified_ns / 1e9
