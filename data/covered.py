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

from data.damage import DamagedPartError, set_aside
from data.parts import MANIFEST, newest
from data.schemas import STAGE_SCHEMAS
from data.storage import Content, StoredLake
from leadmill.log import get_logger

log = get_logger(__name__)


def covered(lake: StoredLake, stage: str) -> dict[str, str]:
    """Jobs in a stage's snapshot, each with the digest of the parts that were read."""
    return covered_list(lake, stage)[0]


def covered_list(lake: StoredLake, stage: str) -> tuple[dict[str, str], Content | None]:
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


def _set_aside(lake: StoredLake, path: Path, error: Exception) -> None:
    try:
        set_aside(lake, path, error)
    except DamagedPartError as failed:  # readers go on while the disk cannot be written
        log.warning("a damaged list of a snapshot's jobs stays", error=str(failed))


def covers(lake: StoredLake, job_id: str) -> bool:
    """Whether every good row of a job that is the newest of its company is in the snapshots."""
    for stage in STAGE_SCHEMAS:
        files = _parts(lake, job_id, stage)
        if files and covered(lake, stage).get(job_id) != digest(lake, files):
            return False
    return True


def uncovered_files(lake: StoredLake, stage: str) -> list[Path]:
    """Part files of a stage, over all jobs, that the snapshot does not stand for; list them before the snapshot."""
    known = covered(lake, stage)
    found: list[Path] = []
    for job_id in sorted(lake.storage.names(lake.root / "jobs")):
        files = _parts(lake, job_id, stage)
        if files and (job_id not in known or digest(lake, files) != known[job_id]):
            found += files
    return found


def snapshot_files(lake: StoredLake, stage: str) -> list[Path]:
    """The compacted newest rows of a stage, if there are any."""
    folder = lake.root / "companies" / stage
    return [folder / name for name in snapshot_names(lake, stage)[-1:]]


def snapshot_names(lake: StoredLake, stage: str) -> list[str]:
    """Every snapshot of a stage that lies there, oldest first; the last one counts."""
    names = lake.storage.names(lake.root / "companies" / stage)
    return sorted(name for name in names if name.startswith("snapshot-") and name.endswith(".parquet"))


def digest(lake: StoredLake, files: Iterable[Path]) -> str:
    """Names, sizes and times of part files in 16 hex digits; a file that went meanwhile counts as absent."""
    total = hashlib.blake2s(digest_size=8)
    for file in files:
        if (state := lake.storage.stat(file)) is not None:
            total.update(f"{file.name}:{state.size}:{state.modified_ns};".encode())
    return total.hexdigest()


def _parts(lake: StoredLake, job_id: str, stage: str) -> list[Path]:
    folder = lake.root / "jobs" / job_id / stage
    return [folder / name for name in newest(lake.storage.names(folder))]
