"""Leftovers: what deaths and refused submits left in job folders.

It removes only what no record and no reader can want: parts of a job that the history holds and the snapshots cover,
folders with nothing but an upload, temporary files of ended jobs. A folder with parts whose record is unknown (Redis
was emptied, or another stack uses the folder) is counted, never touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from duckdb import Error as DuckError

from data import history, snapshot
from data.damage import damages
from data.jobs import JobStore
from data.lake import DamagedPartError, Lake
from data.schemas import STAGE_SCHEMAS
from leadmill.ids import JOB_ID
from leadmill.log import get_logger
from pipelines.execution.committed import committed_epochs
from pipelines.stages import partition_stages
from tasks.maintenance.ended import Record, finished_ms, is_ended
from tasks.maintenance.sealing import seal

log = get_logger(__name__)

#: An upload without record is left alone for so long (seconds): its submit may still be under way.
UPLOAD_AGE_S = 86_400
#: Temporary files of an ended job are left alone for so long (seconds): a run may still be stopping.
TEMPORARY_AGE_S = 3_600
_CHUNK = 500
_DATA = ("_tmp", "pages", "input", *STAGE_SCHEMAS)


def sweep(store: JobStore, lake: Lake, now: datetime, check: Callable[[], None]) -> dict[str, int]:
    """Remove leftovers. Call it within `snapshot.exclusive`.

    Counts: uploads, interrupted (jobs whose removal was finished now), temporary (files), unknown (folders with parts
    but no record, left as they are), bytes.
    """
    found = {"uploads": 0, "interrupted": 0, "temporary": 0, "unknown": 0, "bytes": 0}
    for names in _folders(lake):
        check()
        records = store.read_many(names)
        gone = [name for name, record in zip(names, records, strict=True) if record is None]
        archived = history.archived(lake, [name for name in gone if _has_data(lake, name)])
        for name in gone:
            _sweep_unrecorded(lake, name, name in archived, now, found, check)
        for record in records:
            if record is not None and is_ended(record):
                found["temporary"] += _sweep_temporary(store, lake, record, now, found)
    return found


def temporary_files(lake: Lake, job_id: str) -> list[Path]:
    """What lies in a job's folder for temporary files."""
    return sorted((lake.job_dir(job_id) / "_tmp").glob("*"))


def _folders(lake: Lake) -> Iterator[list[str]]:
    names: list[str] = []
    for folder in lake.jobs.iterdir() if lake.jobs.is_dir() else ():
        if JOB_ID.match(folder.name):
            names.append(folder.name)
        if len(names) == _CHUNK:
            yield names
            names = []
    if names:
        yield names


def _has_data(lake: Lake, job_id: str) -> bool:
    return any((lake.job_dir(job_id) / name).is_dir() for name in _DATA)


def _sweep_unrecorded(
    lake: Lake, job_id: str, archived: bool, now: datetime, found: dict[str, int], check: Callable[[], None]
) -> None:
    folder = lake.job_dir(job_id)
    if archived:
        if damages(lake, job_id):
            return  # the last of what it had: for the operator to look at
        if not snapshot.covers(lake, job_id):
            try:
                snapshot.compact(lake, [job_id], check)
            except (DuckError, pa.ArrowException, OSError) as error:
                log.warning("parts of a cleaned-up job cannot be read; kept", job=job_id, error=str(error))
                return
        found["bytes"] += lake.drop_job_data(job_id)
        found["interrupted"] += 1
        return
    there = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    if there <= {"input", "_tmp"}:
        newest = max([folder.stat().st_mtime, *(file.stat().st_mtime for file in folder.rglob("*"))], default=0.0)
        if now.timestamp() - newest > UPLOAD_AGE_S:
            found["bytes"] += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            shutil.rmtree(folder)
            found["uploads"] += 1
    elif there & set(STAGE_SCHEMAS):
        found["unknown"] += 1


def _units_of(lake: Lake, job_id: str) -> dict[str, dict[str, Any]]:
    try:
        return dict((lake.manifest(job_id) or {}).get("units", {}))
    except DamagedPartError:  # `seal` writes it anew
        return {}


def _sweep_temporary(store: JobStore, lake: Lake, record: Record, now: datetime, found: dict[str, int]) -> int:
    job_id = record["id"]
    if now.timestamp() - finished_ms(record) / 1000 < TEMPORARY_AGE_S or not temporary_files(lake, job_id):
        return 0
    units = store.units(job_id) or _units_of(lake, job_id)
    lake.settle_all(job_id, committed_epochs(units, partition_stages(tuple(record["stages"].split(",")))))
    seal(store, lake, record)
    removed = 0
    for file in temporary_files(lake, job_id):
        state = file.stat()
        if now.timestamp() - state.st_mtime < TEMPORARY_AGE_S:
            continue  # of a resume that began just now
        if file.is_dir():
            shutil.rmtree(file, ignore_errors=True)
        else:
            file.unlink(missing_ok=True)
            found["bytes"] += state.st_size
        removed += 1
    return removed
