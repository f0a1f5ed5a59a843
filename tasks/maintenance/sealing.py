"""Sealing: what an ended job's record knows of its units goes into `manifest.json`, then leaves Redis.

Publish writes the manifest of a job that ends by itself. A cancelled job has no publish, so this does it; a resume
takes the units from the manifest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from data.job_files import JobFiles, Parts
from data.jobs import JobRecord, JobStore
from data.jobs.upkeep import drop_units
from data.lake import DamagedPartError, Lake
from leadmill.errors import DamagedRecordError
from leadmill.log import get_logger
from pipelines.committed import Units, epochs_of, files_of
from pipelines.execution.restore import units_from_parts
from pipelines.manifest import manifest_of
from pipelines.stages import partition_stages
from tasks.maintenance.ended import ended_jobs

log = get_logger(__name__)

#: An ended job is sealed after this long: a user who resumes does so soon.
SEAL_AFTER = timedelta(hours=1)


def seal_ended(store: JobStore, lake: Lake, now: datetime, check: Callable[[], None] = lambda: None) -> int:
    """Seal every job that ended more than an hour ago and has units but no manifest of its last attempt. How many."""
    before = int((now - SEAL_AFTER).timestamp() * 1000)
    sealed = 0
    for page in ended_jobs(store, before):
        unsealed = store.with_units([record.job_id for record in page])
        for record in page:
            if record.job_id not in unsealed:
                continue
            check()
            try:
                sealed += seal(store, lake, record)
            except DamagedRecordError as error:
                log.warning("job not sealed", job=record.job_id, error=str(error))
    return sealed


def seal(store: JobStore, lake: Lake, record: JobRecord) -> bool:
    """Make sure that an ended job's manifest is that of its last attempt; whether one had to be written.

    Only then its units, events and list of planned partitions leave Redis, and only while nobody resumes it.
    """
    job_id = record.job_id
    if _is_fresh(JobFiles.unrecorded(lake, job_id), record):
        return False
    units = store.unit_states(job_id) or units_from_parts(lake, job_id, partition_stages(record.stages))
    files = files_of(lake, job_id, units, record.stages)
    valid = files.remove_losers(record.stages, epochs_of(units))
    if _is_fresh(files, record):  # publish had written it and died before it was exposed
        return False

    def write_manifest(current: JobRecord | None) -> bool:
        if current is None or not current.is_terminal or current.attempt != record.attempt:
            return False
        files.sync()  # without units nobody could expose again what a power cut left staged
        return _write_manifest(store, files, current, units, valid)

    # Resumed in this moment its units stay, and its next end writes the manifest anew.
    return drop_units(store, job_id, write_manifest)


def _is_fresh(files: JobFiles, record: JobRecord) -> bool:
    """Whether the manifest tells this end; launch's own says `running`, a resumed job's may tell an earlier one."""
    try:
        manifest = files.manifest()
    except DamagedPartError as error:
        log.warning("a damaged manifest is written anew", job=record.job_id, error=str(error))
        return False
    if manifest is None:
        return False
    return bool(manifest["attempt"] == record.attempt and manifest["status"] == record.status)


def _write_manifest(store: JobStore, files: JobFiles, record: JobRecord, units: Units, valid: Parts) -> bool:
    """Write the manifest over the one that was read; False, and nothing done, where there is another one now."""
    content = manifest_of(
        store,
        files,
        record,
        units,
        status=record.status,
        now=datetime.now(UTC),
        coverage=record.coverage,
        result=record.result,
        error=record.error or None,
        valid=valid,
    )
    return files.swap_manifest(content)
