"""Commits of ended jobs as their manifests tell them. What a job that runs has committed, its record alone knows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from data.commits import Commits, LakeOfJobs, Told, committed_parts
from data.damage import DamagedPartError
from data.jobs import UnitState
from data.jobs.entries import is_stored_unit
from data.jobs.model import TERMINAL, Status
from data.parts import MANIFEST, OF_STAGE
from data.reading import json_object
from data.schemas import STAGE_SCHEMAS
from leadmill.log import get_logger
from leadmill.units import partition_stages

log = get_logger(__name__)

#: Manifests that are read at once.
_AT_ONCE = 16
#: Commits that a process keeps of ended jobs, over all of them: some 30 MB.
_KEPT = 100_000


class Ended(NamedTuple):
    """What an ended job's manifest says."""

    attempt: int
    told: Told


class KeptCommits:
    """Commits of ended jobs that were asked for last. Those of an attempt that has ended never change."""

    def __init__(self) -> None:
        self._of: OrderedDict[tuple[str, str], Ended] = OrderedDict()
        self._count, self._lock = 0, threading.Lock()

    def get(self, lake: LakeOfJobs, job_id: str, attempt: int) -> Ended | None:
        """Those of an attempt of a job."""
        with self._lock:
            found = self._of.get((lake.project, job_id))
            if found is None or found.attempt != attempt:
                return None
            self._of.move_to_end((lake.project, job_id))
            return found

    def keep(self, lake: LakeOfJobs, job_id: str, ended: Ended) -> None:
        """Have them at hand."""
        with self._lock:
            self._drop((lake.project, job_id))
            self._of[lake.project, job_id] = ended
            self._count += len(ended.told.commits or ())
            while self._count > _KEPT and len(self._of) > 1:
                self._drop(next(iter(self._of)))

    def _drop(self, key: tuple[str, str]) -> None:
        if (gone := self._of.pop(key, None)) is not None:
            self._count -= len(gone.told.commits or ())


def ended_jobs(lake: LakeOfJobs, job_ids: Sequence[str]) -> dict[str, Ended]:
    """Of these jobs those whose manifests say that they have ended.

    Raises:
        OSError: one cannot be read.
    """
    if not job_ids:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(job_ids))) as threads:
        found = threads.map(lambda job_id: _ended(lake, job_id), job_ids)
        return {job_id: ended for job_id, ended in zip(job_ids, found, strict=True) if ended is not None}


def _ended(lake: LakeOfJobs, job_id: str) -> Ended | None:
    path = lake.root / "jobs" / job_id / MANIFEST
    if (content := lake.storage.read(path)) is None:
        return None
    try:
        manifest = json_object(path, content.data)
    except DamagedPartError as error:
        log.warning("a damaged manifest tells of no parts", job=job_id, error=str(error))
        return None
    if manifest.get("status") not in TERMINAL:
        return None
    attempt = _number(manifest.get("attempt"))
    return Ended(attempt, Told(commits_in(manifest), attempt == 1 or manifest["status"] == Status.COMPLETED))


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def commits_in(manifest: Mapping[str, Any]) -> Commits | None:
    """What the units of a manifest have committed; None where they cannot be read."""
    stages, units = manifest.get("stages"), manifest.get("units")
    if not isinstance(stages, list) or not isinstance(units, dict) or not all(isinstance(one, str) for one in stages):
        return None
    if not all(is_stored_unit(state, len(stages)) for state in units.values()):
        return None
    try:
        found = {name: UnitState(state) for name, state in units.items()}
        return committed_parts(found, partition_stages(tuple(stages)))
    except (ValueError, TypeError, LookupError):  # counts of files that are none
        return None


def by_manifests(lake: LakeOfJobs, job_ids: Sequence[str] | None) -> dict[str, Told]:
    """What `data.commits.CommitsOf` asks for, where there is no record to ask: of jobs that have ended.

    Which of them still have parts a listing tells, since a manifest outlives them.
    """
    jobs, storage, folders = lake.root / "jobs", lake.storage, {*STAGE_SCHEMAS, *OF_STAGE}
    if job_ids is None:
        words = (file.relative_to(jobs).parts for file, _ in storage.files(jobs))
        have = sorted({word[0] for word in words if len(word) > 2 and word[1] in folders})
    else:
        have = [job_id for job_id in job_ids if not folders.isdisjoint(storage.names(jobs / job_id))]
    return {job_id: ended.told for job_id, ended in ended_jobs(lake, have).items()}
