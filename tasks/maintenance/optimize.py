"""Optimisation: all ended jobs' newest rows go into the snapshots, and Redis loses entries that name nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

from data import snapshot
from data.covered import covered, digest
from data.jobs import JobRecord, JobStore
from data.jobs.upkeep import drop_dead_workers, drop_stray_entries
from data.lake import Lake
from data.schemas import STAGE_SCHEMAS
from leadmill.access import DEFAULT_PROJECT
from tasks.maintenance.cleanup import BATCH_FILES, BUDGET_S, MAX_NAMED, JobFault, Progress, compact_each
from tasks.maintenance.ended import ended_jobs

#: Entries of workers that were not seen for so long go (seconds); one that comes back signs on anew.
WORKER_FORGOTTEN_S = 3_600


class SnapshotSizes(TypedDict):
    """The snapshot of one stage, before and after, and the jobs in it."""

    bytes_before: int
    bytes_after: int
    jobs: int


class OptimizeResult(TypedDict):
    """What an optimisation did."""

    jobs_compacted: int
    #: The time was up: run it again.
    more: bool
    bytes_freed: int
    #: The first of them; the next run tries them again.
    failed: list[JobFault]
    snapshots: dict[str, SnapshotSizes]
    #: dead_workers, index_entries, memory_before, memory_after (bytes); of another project index_entries alone.
    redis: dict[str, Any]


def optimize(
    store: JobStore,
    lake: Lake,
    *,
    progress: Progress = lambda fraction, message: None,
    budget_s: float = BUDGET_S,
) -> OptimizeResult:
    """Compact every ended job that is not in the snapshots yet (its parts stay), and trim Redis.

    Raises:
        WorkError: another maintenance job holds the lake.
        UnavailableError: Redis does not answer.
    """
    until = time.monotonic() + budget_s
    before = _sizes(lake)
    failed: dict[str, str] = {}
    compacted, more = 0, False

    def check() -> None:
        progress(0.4, f"{compacted} jobs compacted")

    with snapshot.exclusive(lake, check=lambda: progress(0.0, "waiting for another maintenance job")):
        freed = snapshot.drop_stale_snapshots(lake)
        for batch in _uncovered(store, lake):
            if time.monotonic() > until:
                more = True
                break
            compacted += len(compact_each(lake, batch, failed, check))
            check()
    progress(0.8, "trimming Redis")
    after = _sizes(lake)
    return {
        "jobs_compacted": compacted,
        "more": more,
        "bytes_freed": freed,
        "failed": [{"job_id": i, "error": text} for i, text in list(failed.items())[:MAX_NAMED]],
        "snapshots": {
            stage: {
                "bytes_before": before[stage],
                "bytes_after": after[stage],
                "jobs": len(covered(lake, stage)),
            }
            for stage in STAGE_SCHEMAS
        },
        "redis": trim(store),
    }


def _sizes(lake: Lake) -> dict[str, int]:
    return {stage: sum(_size(lake, file) for file in lake.snapshot_files(stage)) for stage in STAGE_SCHEMAS}


def _size(lake: Lake, file: Path) -> int:
    state = lake.storage.stat(file)
    return state.size if state else 0


def _uncovered(store: JobStore, lake: Lake) -> Iterator[list[JobRecord]]:
    batch: list[JobRecord] = []
    files = 0
    for page in ended_jobs(store):
        known = {stage: covered(lake, stage) for stage in STAGE_SCHEMAS}
        for record in page:
            parts = {stage: lake.parts(record.job_id, stage) for stage in STAGE_SCHEMAS}
            own = sum(
                len(found)
                for stage, found in parts.items()
                if found and known[stage].get(record.job_id) != digest(lake, found)
            )
            if not own:
                continue
            if batch and files + own > BATCH_FILES:
                yield batch
                batch, files = [], 0
            batch.append(record)
            files += own
    if batch:
        yield batch


def trim(store: JobStore) -> dict[str, int]:
    """Remove entries of dead workers and index entries of jobs that have no record; both sizes of Redis' memory.

    The workers and the memory are of all projects: they are the default one's to trim and to know.
    """
    if store.project != DEFAULT_PROJECT:
        return {"index_entries": drop_stray_entries(store)}
    before = store.used_memory()
    return {
        "dead_workers": drop_dead_workers(store, WORKER_FORGOTTEN_S),
        "index_entries": drop_stray_entries(store),
        "memory_before": before,
        "memory_after": store.used_memory(),
    }
