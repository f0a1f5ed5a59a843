"""What the snapshots stand for: which jobs are in them, and which part files they do not hold yet.

`companies/<stage>/manifest.json` says which jobs are in a stage's snapshot, each with a digest of the parts that were
read (`data/snapshot.py` writes it). A job whose digest still holds is covered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from data.across import Across
from data.commits import LakeOfJobs
from data.damage import DamagedPartError, set_aside
from data.parts import MANIFEST
from data.schemas import STAGE_SCHEMAS
from data.storage import Content
from leadmill.log import get_logger

log = get_logger(__name__)


def covered(lake: LakeOfJobs, stage: str) -> dict[str, str]:
    """Jobs in a stage's snapshot, each with the digest of the parts that were read."""
    return covered_list(lake, stage)[0]


def covered_list(lake: LakeOfJobs, stage: str) -> tuple[dict[str, str], Content | None]:
    """The same, with the file that says so, for whoever replaces it.

    A damaged list is set aside: every part is read again, and the next compaction writes it anew.
    """
    folder = lake.root / "companies" / stage
    path = folder / MANIFEST
    try:
        if (content := lake.storage.read(path)) is None:
            return {}, None
        found: dict[str, Any] = json.loads(content.data)
        jobs, file = dict(found["jobs"]), folder / str(found["snapshot"])
    except (IsADirectoryError, ValueError, KeyError, TypeError) as error:
        _set_aside(lake, path, error)
        return {}, None
    except OSError as error:
        log.warning("the list of a snapshot's jobs cannot be read", stage=stage, error=str(error))
        return {}, None
    # Set aside as damaged: what of its parts still lies in the jobs counts.
    return (jobs if lake.storage.stat(file) is not None else {}), content


def _set_aside(lake: LakeOfJobs, path: Path, error: Exception) -> None:
    try:
        set_aside(lake, path, error)
    except DamagedPartError as failed:  # readers go on while the disk cannot be written
        log.warning("a damaged list of a snapshot's jobs stays", error=str(failed))


def covers(lake: LakeOfJobs, job_id: str) -> bool:
    """Whether every good row of a job that is the newest of its company is in the snapshots."""
    seen = Across(lake, [job_id])
    for stage in STAGE_SCHEMAS:
        # Of a job that nobody knows all that lies there may count.
        files = seen.parts(job_id, stage) if seen.knows(job_id) else seen.listed(job_id, stage)
        if files and covered(lake, stage).get(job_id) != digest(lake, files):
            return False
    return True


def uncovered_files(lake: LakeOfJobs, stage: str, seen: Across | None = None) -> list[Path]:
    """Part files of a stage, over all jobs, that the snapshot does not stand for; list them before the snapshot.

    `seen`: all jobs, where the caller has asked for them.
    """
    known = covered(lake, stage)
    found: list[Path] = []
    for job_id, files in (seen or Across(lake, None)).each(stage):
        if job_id not in known or digest(lake, files) != known[job_id]:
            found += files
    return found


def snapshot_files(lake: LakeOfJobs, stage: str) -> list[Path]:
    """The compacted newest rows of a stage, if there are any."""
    folder = lake.root / "companies" / stage
    return [folder / name for name in snapshot_names(lake, stage)[-1:]]


def snapshot_names(lake: LakeOfJobs, stage: str) -> list[str]:
    """Every snapshot of a stage that lies there, oldest first; the last one counts."""
    names = lake.storage.names(lake.root / "companies" / stage)
    return sorted(name for name in names if name.startswith("snapshot-") and name.endswith(".parquet"))


def digest(lake: LakeOfJobs, files: Iterable[Path]) -> str:
    """Names and marks of part files in 16 hex digits; a file that is known to have gone counts as absent."""
    total = hashlib.blake2s(digest_size=8)
    listed = list(files)
    for file, mark in zip(listed, lake.storage.marks(listed), strict=True):
        if mark is not None:
            total.update(f"{file.name}:{mark};".encode())
    return total.hexdigest()
