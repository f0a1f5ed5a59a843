"""Sealing: what an ended job's record knows of its units goes into `manifest.json`, then leaves Redis.

Publish writes the manifest of a job that ends by itself. A cancelled job has no publish, so this does it; a resume
takes the units from the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.exceptions import WatchError

from data.jobs import JobStore
from data.lake import DamagedPartError, Lake
from data.parts import MANIFEST
from data.unit_files import json_text
from leadmill.errors import DamagedRecordError
from leadmill.log import get_logger
from pipelines.execution.committed import settle_ended
from pipelines.execution.manifest import manifest_of
from pipelines.execution.restore import units_from_parts
from pipelines.stages import partition_stages
from tasks.maintenance.ended import Record, ended_jobs, is_ended

log = get_logger(__name__)

#: An ended job is sealed after this long: a user who resumes does so soon.
SEAL_AFTER = timedelta(hours=1)


def seal_ended(store: JobStore, lake: Lake, now: datetime, check: Callable[[], None] = lambda: None) -> int:
    """Seal every job that ended more than an hour ago and has units but no manifest of its last attempt. How many."""
    before = int((now - SEAL_AFTER).timestamp() * 1000)
    sealed = 0
    for page in ended_jobs(store, before):
        for record in _with_units(store, page):
            check()
            try:
                sealed += seal(store, lake, record)
            except DamagedRecordError as error:
                log.warning("job not sealed", job=record["id"], error=str(error))
    return sealed


def _with_units(store: JobStore, records: list[Record]) -> list[Record]:
    with store.redis.pipeline(transaction=False) as pipe:
        for record in records:
            pipe.exists(store.key(f"units:{record['id']}"))
        return [record for record, there in zip(records, pipe.execute(), strict=True) if there]


def seal(store: JobStore, lake: Lake, record: Record) -> bool:
    """Make sure that an ended job's manifest is that of its last attempt; whether one had to be written.

    Only then its units, events and list of planned partitions leave Redis, and only while nobody resumes it.
    """
    job_id = record["id"]
    if _is_fresh(lake, record):
        return False
    chain = partition_stages(tuple(record["stages"].split(",")))
    units = store.units(job_id) or units_from_parts(lake, job_id, chain)
    settle_ended(lake, job_id, units, record["stages"].split(","))
    if _is_fresh(lake, record):
        return False
    with store.redis.pipeline() as pipe:
        pipe.watch(store.key(f"job:{job_id}"))  # type: ignore[no-untyped-call]
        current = store.read(job_id)
        if current is None or not is_ended(current) or current["attempt"] != record["attempt"]:
            return False
        lake.sync(job_id)  # without units nobody could repeat a rename that a power cut undid
        _write_manifest(store, lake, current, units)
        pipe.multi()
        pipe.delete(*(store.key(f"{name}:{job_id}") for name in ("units", "ev", "todo")))
        try:
            pipe.execute()
        except WatchError:  # resumed in this moment: its units stay, and its next end writes the manifest anew
            return False
    return True


def _is_fresh(lake: Lake, record: Record) -> bool:
    """Whether the manifest tells this end; launch's own says `running`, a resumed job's may tell an earlier one."""
    try:
        manifest = lake.manifest(record["id"])
    except DamagedPartError as error:
        log.warning("a damaged manifest is written anew", job=record["id"], error=str(error))
        return False
    if manifest is None:
        return False
    return bool(manifest["attempt"] == int(record["attempt"]) and manifest["status"] == record["status"])


def _write_manifest(store: JobStore, lake: Lake, record: Record, units: dict[str, dict[str, Any]]) -> None:
    folder = lake.job_dir(record["id"])
    content = manifest_of(
        store,
        lake,
        record,
        units,
        status=record["status"],
        now=datetime.now(UTC),
        coverage=float(record["coverage"]) if record.get("coverage") else None,
        result=json.loads(record.get("result") or "{}"),
        error=record.get("error") or None,
    )
    lake.storage.put(folder / MANIFEST, json_text(content).encode())
