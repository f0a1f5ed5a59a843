"""What the snapshots stand for: which jobs are in them, and which part files they do not hold yet.

`companies/<stage>/manifest.json` says which jobs are in a stage's snapshot, each with a digest of the parts that were
read (`data/snapshot.py` writes it). A job whose digest still holds is covered.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from data.across import Across
from data.commits import LakeOfJobs
from data.damage import DamagedPartError, set_aside
from data.parts import MANIFEST
from data.schemas import STAGE_SCHEMAS
from data.storage import Content
from leadmill.log import get_logger

log = get_logger(__name__)

_SNAPSHOT = re.compile(r"snapshot-([0-9]+)\.parquet")


class Snapshot(NamedTuple):
    """What stands for parts of a stage in one moment, as the list says."""

    #: Jobs whose rows are in it, each with the digest of the parts that were read.
    jobs: Mapping[str, str]
    #: The one that the list names. Where none is named, or it has gone, all that lie there, oldest first: together they
    #: hold every row that was ever compacted, and readers take the newest of each company.
    files: Sequence[Path]
    #: The list, for whoever replaces it.
    content: Content | None
    is_named: bool


def covered(lake: LakeOfJobs, stage: str) -> Mapping[str, str]:
    """Jobs in a stage's snapshot, each with the digest of the parts that were read."""
    return snapshot_of(lake, stage).jobs


def snapshot_of(lake: LakeOfJobs, stage: str) -> Snapshot:
    """What the list of a stage's jobs says; look for their parts before, since what is covered may be removed.

    A damaged list is set aside: every part is read again, and the next compaction writes it anew.
    """
    return _snapshot_among(lake, stage, snapshot_names(lake, stage))


def snapshot_files(lake: LakeOfJobs, stage: str) -> Sequence[Path]:
    """The compacted newest rows of a stage, if there are any: most often one file."""
    names = snapshot_names(lake, stage)
    return _snapshot_among(lake, stage, names).files if names else ()


def _snapshot_among(lake: LakeOfJobs, stage: str, names: Sequence[str]) -> Snapshot:
    folder = lake.root / "companies" / stage
    path = folder / MANIFEST
    content = None
    try:
        if (content := lake.storage.read(path)) is not None:
            found: dict[str, Any] = json.loads(content.data)
            jobs, file = dict(found["jobs"]), folder / str(found["snapshot"])
            if file.name in names or lake.storage.stat(file) is not None:  # made since, or gone
                return Snapshot(jobs, [file], content, is_named=True)
            # Set aside as damaged: what of its parts still lies in the jobs counts.
    except (IsADirectoryError, ValueError, KeyError, TypeError) as error:
        _set_aside(lake, path, error)
        content = None
    except OSError as error:
        log.warning("the list of a snapshot's jobs cannot be read", stage=stage, error=str(error))
    return Snapshot({}, [folder / name for name in names], content, is_named=False)


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


def stage_files(lake: LakeOfJobs, stage: str, seen: Across | None = None) -> list[Path]:
    """Part files of a stage, over all jobs, that the snapshot does not stand for, and the snapshot's.

    `seen`: all jobs, where the caller has asked for them.
    """
    listed = list((seen or Across(lake, None)).each(stage))
    snapshot = snapshot_of(lake, stage)  # after them: one made meanwhile holds more, not less
    found: list[Path] = []
    for job_id, files in listed:
        if job_id not in snapshot.jobs or digest(lake, files) != snapshot.jobs[job_id]:
            found += files
    return [*found, *snapshot.files]


def snapshot_names(lake: LakeOfJobs, stage: str) -> list[str]:
    """Every snapshot of a stage that lies there, oldest first, whether or not the list names it."""
    names = lake.storage.names(lake.root / "companies" / stage)
    return sorted((name for name in names if snapshot_number(name)), key=snapshot_number)


def snapshot_number(name: str) -> int:
    """The number in a snapshot's name, 0 for another file's."""
    found = _SNAPSHOT.fullmatch(name)
    return int(found[1]) if found else 0


def digest(lake: LakeOfJobs, files: Iterable[Path]) -> str:
    """Names and marks of part files in 16 hex digits; a file that is known to have gone counts as absent."""
    total = hashlib.blake2s(digest_size=8)
    listed = list(files)
    for file, mark in zip(listed, lake.storage.marks(listed), strict=True):
        if mark is not None:
            total.update(f"{file.name}:{mark};".encode())
    return total.hexdigest()
