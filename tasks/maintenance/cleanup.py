"""Cleanup: old ended jobs leave Redis and give back their disk space, and nothing that counts is lost.

For each batch: manifest made sure of → newest rows compacted into the snapshots → ledger by month → row in the history
→ record forgotten → parts and pages removed. Each step is durable before the next, and each may be done twice, so a
death between any two is mended by the next run. The record goes before the parts (not after), because `forget` is the
one step that a resume can race: it refuses a job that lives again, and then its parts must still be there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

import pyarrow as pa
from duckdb import Error as DuckError

from data import covered, history, ledger, snapshot
from data.damage import damages
from data.jobs import JobRecord, JobStore
from data.lake import Lake
from data.schemas import STAGE_SCHEMAS
from leadmill.errors import ConflictError, DamagedRecordError, NotFoundError
from leadmill.log import get_logger
from tasks.maintenance.ended import ended_jobs, sources_in_use
from tasks.maintenance.leftovers import sweep
from tasks.maintenance.sealing import seal

log = get_logger(__name__)

#: No new batch begins after so long (seconds): the pool kills a task after 180.
BUDGET_S = 90.0
#: A batch has at most so many jobs, and part files (one job may have more).
BATCH_JOBS = 200
BATCH_FILES = 1_500
#: Faults named in the result, at most.
MAX_NAMED = 50

#: Tells progress (0–1, words); raises to stop the work there.
Progress = Callable[[float, str], None]


class JobFault(TypedDict):
    """A job that could not be worked on; the next run tries it again."""

    job_id: str
    error: str


class CleanupResult(TypedDict):
    """What a cleanup did."""

    #: Jobs forgotten now.
    jobs: int
    bytes_freed: int
    jobs_compacted: int
    #: Kept whole; the first of them, and how many there are.
    failed: list[JobFault]
    failed_total: int
    #: Kept, since a live job reads from them.
    kept_in_use: list[str]
    #: The time was up: run it again.
    more: bool
    #: See `leftovers.sweep`.
    leftovers: dict[str, int]


@dataclass
class Cleaned:
    """What a cleanup did so far."""

    jobs: int = 0
    bytes_freed: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)
    compacted: int = 0

    def result(self, more: bool, leftovers: dict[str, int]) -> CleanupResult:
        """As the job's result shows it."""
        return {
            "jobs": self.jobs,
            "bytes_freed": self.bytes_freed,
            "jobs_compacted": self.compacted,
            "failed": [{"job_id": i, "error": text[:300]} for i, text in list(self.failed.items())[:MAX_NAMED]],
            "failed_total": len(self.failed),
            "kept_in_use": sorted(self.in_use)[:MAX_NAMED],
            "more": more,
            "leftovers": leftovers,
        }


def clean_up(
    store: JobStore,
    lake: Lake,
    *,
    older_than_days: float,
    now: datetime,
    progress: Progress = lambda fraction, message: None,
    budget_s: float = BUDGET_S,
) -> CleanupResult:
    """Clean up jobs that ended more than `older_than_days` before `now`, and what killed runs left behind.

    Raises:
        WorkError: another maintenance job holds the lake.
        UnavailableError: Redis does not answer.
    """
    until = time.monotonic() + budget_s
    done = Cleaned()
    cutoff_ms = int(now.timestamp() * 1000 - older_than_days * 86_400_000)
    more = False
    with snapshot.exclusive(lake, check=lambda: progress(0.0, "waiting for another maintenance job")):
        done.bytes_freed += snapshot.drop_stale_snapshots(lake)
        history.drop_unfinished(lake)
        for batch in _batches(store, lake, cutoff_ms):
            if time.monotonic() > until:
                more = True
                break
            _clean_batch(store, lake, batch, now, done, progress)
        progress(0.9, "looking for leftovers")
        leftovers = sweep(
            store, lake, now, lambda: progress(0.9, "looking for leftovers"), older_than_days=older_than_days
        )
        done.bytes_freed += leftovers.pop("bytes")
    return done.result(more, leftovers)


def _batches(store: JobStore, lake: Lake, cutoff_ms: int) -> Iterator[list[JobRecord]]:
    for page in ended_jobs(store, cutoff_ms):
        batch: list[JobRecord] = []
        files = 0
        for record in page:
            own = sum(len(lake.parts(record.job_id, stage)) for stage in STAGE_SCHEMAS)
            if batch and (files + own > BATCH_FILES or len(batch) >= BATCH_JOBS):
                yield batch
                batch, files = [], 0
            batch.append(record)
            files += own
        if batch:
            yield batch


def _clean_batch(
    store: JobStore, lake: Lake, batch: Sequence[JobRecord], now: datetime, done: Cleaned, progress: Progress
) -> None:
    def check() -> None:
        progress(0.5, f"{done.jobs} jobs cleaned up")

    in_use = sources_in_use(store, lake)
    done.in_use |= {record.job_id for record in batch if record.job_id in in_use}
    ready = [record for record in batch if record.job_id not in in_use]
    check()
    ready = [record for record in ready if _sealed(store, lake, record, done)]
    check()
    ready = compact_each(lake, ready, done.failed, check)
    done.compacted += len(ready)
    ready = _undamaged(lake, ready, done.failed)
    check()
    ledger.keep(lake, [record.job_id for record in ready])
    history.append(lake, ready, now)
    for record in ready:
        check()
        _let_go(store, lake, record, done, check)


def _sealed(store: JobStore, lake: Lake, record: JobRecord, done: Cleaned) -> bool:
    try:
        seal(store, lake, record)
    except (OSError, ValueError, DamagedRecordError) as error:
        done.failed[record.job_id] = f"its manifest could not be written: {error}"
        log.warning("job not cleaned up", job=record.job_id, error=str(error))
        return False
    return True


def compact_each(
    lake: Lake, records: Sequence[JobRecord], failed: dict[str, str], check: Callable[[], None]
) -> list[JobRecord]:
    """Compact jobs together; when that fails, one by one, so that one unreadable part holds up its own job only."""
    try:
        snapshot.compact(lake, [record.job_id for record in records], check)
    except (DuckError, pa.ArrowException, OSError) as error:
        if len(records) > 1:
            return [record for record in records if compact_each(lake, [record], failed, check)]
        failed[records[0].job_id] = f"its rows could not be compacted: {_first_line(error)}"
        log.warning("job not compacted", job=records[0].job_id, error=str(error))
        return []
    return list(records)


def _undamaged(lake: Lake, records: Sequence[JobRecord], failed: dict[str, str]) -> list[JobRecord]:
    """Without jobs that have a damaged file: they are kept whole until a resume has made its rows again."""
    damaged = {one.job_id: one for one in damages(lake)}
    for record in records:
        if one := damaged.get(record.job_id):
            failed[record.job_id] = f"{one.file} is damaged ({one.error}): leadmill resume {record.job_id}"
    return [record for record in records if record.job_id not in damaged]


def _let_go(store: JobStore, lake: Lake, record: JobRecord, done: Cleaned, check: Callable[[], None]) -> None:
    job_id = record.job_id
    [current] = store.records([job_id])
    if not isinstance(current, JobRecord) or not current.is_terminal or current.attempt != record.attempt:
        return  # resumed, damaged, or forgotten by somebody else
    if not covered.covers(lake, job_id):
        done.failed[job_id] = "its parts changed while they were compacted"
        return
    try:
        store.forget(job_id)
    except DamagedRecordError as error:
        done.failed[job_id] = str(error)
        return
    except (ConflictError, NotFoundError) as error:
        log.info("job lives again; kept", job=job_id, reason=str(error))
        return
    done.jobs += 1
    check()
    try:
        done.bytes_freed += lake.drop_job_data(job_id)
    except OSError as error:
        done.failed[job_id] = f"its files could not be removed: {error}"
        log.warning("job's files not removed", job=job_id, error=str(error))


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
