"""Leftovers: what deaths and refused submits left in job folders, and reports on demand that nobody needs any more.

It removes only what no record and no reader can want: parts of a job that the history holds and the snapshots cover,
folders with nothing but an upload, temporary files of ended jobs. A folder with parts whose record is unknown (Redis
was emptied, or another stack uses the folder) is counted, never touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from duckdb import Error as DuckError

from data import covered, history, snapshot
from data.damage import damages
from data.job_files import JobFiles
from data.jobs import JobRecord, JobStore
from data.lake import DamagedPartError, Lake
from data.parts import OF_STAGE
from data.schemas import STAGE_SCHEMAS
from leadmill.access import DEFAULT_PROJECT, PROJECT
from leadmill.log import get_logger
from pipelines.committed import Units, files_of
from pipelines.intake import report_on_demand
from pipelines.manifest import units_in
from tasks.maintenance.ended import ended_ms
from tasks.maintenance.sealing import seal

log = get_logger(__name__)

#: An upload without record is left alone for so long (seconds): its submit may still be under way.
UPLOAD_AGE_S = 86_400
#: Temporary files of an ended job are left alone for so long (seconds): a run may still be stopping.
TEMPORARY_AGE_S = 3_600
_CHUNK = 500
_DATA = ("_tmp", "input", *OF_STAGE, *STAGE_SCHEMAS)


def sweep(
    store: JobStore, lake: Lake, now: datetime, check: Callable[[], None], *, older_than_days: float
) -> dict[str, int]:
    """Remove leftovers, and reports on demand that are older. Call it within `snapshot.exclusive`.

    Counts: uploads, interrupted (jobs whose removal was finished now), temporary (files), unknown (folders with parts
    but no record, left as they are), reports (on demand), bytes.
    """
    found = {"uploads": 0, "interrupted": 0, "temporary": 0, "unknown": 0, "reports": 0, "bytes": 0}
    for names in _folders(lake):
        check()
        records = store.records(names)
        gone = [name for name, record in zip(names, records, strict=True) if record is None]
        archived = history.archived(lake, [name for name in gone if _has_data(lake, name)])
        for name in gone:
            _sweep_unrecorded(lake, name, name in archived, now, found, check)
        for record in records:
            if isinstance(record, JobRecord) and record.is_terminal:
                found["temporary"] += _sweep_temporary(store, lake, record, now, found)
        for name in names:
            files, size = report_on_demand.drop_old(lake, name, now.timestamp(), older_than_days * 86_400)
            found["reports"] += files
            found["bytes"] += size
    if lake.project == DEFAULT_PROJECT:
        found["bytes"] += _sweep_retired(lake, check)
    return found


def _sweep_retired(lake: Lake, check: Callable[[], None]) -> int:
    """What was written below removed projects by whoever heard of it late; bytes."""
    freed, folder = 0, lake.data / "projects"
    for name in filter(PROJECT.fullmatch, lake.storage.names(folder)):
        for size in lake.storage.sweep_retired(folder / name):
            freed += size
            check()
    return freed


def temporary_files(lake: Lake, job_id: str) -> list[Path]:
    """What lies in a job's folder for temporary files."""
    return [file for file, _ in lake.storage.leftovers(job_id)]


def _folders(lake: Lake) -> Iterator[list[str]]:
    names = lake.job_ids()
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]


def _has_data(lake: Lake, job_id: str) -> bool:
    return not set(_DATA).isdisjoint(lake.storage.names(lake.job_dir(job_id)))


def _sweep_unrecorded(
    lake: Lake, job_id: str, archived: bool, now: datetime, found: dict[str, int], check: Callable[[], None]
) -> None:
    folder = lake.job_dir(job_id)
    if archived:
        if damages(lake, job_id):
            return  # the last of what it had: for the operator to look at
        if not covered.covers(lake, job_id):
            try:
                snapshot.compact(lake, [job_id], check)
            except (DuckError, pa.ArrowException, OSError) as error:
                log.warning("parts of a cleaned-up job cannot be read; kept", job=job_id, error=str(error))
                return
        found["bytes"] += lake.drop_job_data(job_id)
        found["interrupted"] += 1
        return
    there = set(lake.storage.names(folder))
    if there <= {"input", "_tmp"}:
        if now.timestamp() - _last_written(lake, folder) > UPLOAD_AGE_S:
            found["bytes"] += lake.storage.remove_all(folder)
            found["uploads"] += 1
    elif there & set(STAGE_SCHEMAS):
        found["unknown"] += 1


def _last_written(lake: Lake, folder: Path) -> float:
    """When anything in a folder was written last (seconds, Unix); now, should it be gone."""
    own = lake.storage.stat(folder)  # none where folders are but names
    written = [state.modified_ns for _, state in lake.storage.files(folder)] + ([own.modified_ns] if own else [])
    return max(written) / 1e9 if written else time.time()


def _units_of(lake: Lake, job_id: str) -> Units:
    try:
        return units_in(JobFiles.unrecorded(lake, job_id).manifest())
    except DamagedPartError:  # `seal` writes it anew
        return {}


def _sweep_temporary(store: JobStore, lake: Lake, record: JobRecord, now: datetime, found: dict[str, int]) -> int:
    job_id = record.job_id
    if now.timestamp() - ended_ms(record) / 1000 < TEMPORARY_AGE_S or not temporary_files(lake, job_id):
        return 0
    units = store.unit_states(job_id) or _units_of(lake, job_id)
    files_of(lake, job_id, units, record.stages).expose()
    seal(store, lake, record)
    removed = 0
    for file, state in lake.storage.leftovers(job_id):
        if now.timestamp() - state.modified_ns / 1e9 < TEMPORARY_AGE_S:
            continue  # of a resume that began just now
        lake.storage.remove(file)
        found["bytes"] += state.size
        removed += 1
    return removed
