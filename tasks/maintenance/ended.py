"""Ended jobs as the records tell them: by age, and which of them live jobs still read from."""

from __future__ import annotations

from collections.abc import Iterator

from data.jobs import TERMINAL, DamagedRecord, JobRecord, JobStore, Status
from data.lake import DamagedPartError, Lake
from leadmill.log import get_logger
from pipelines.committed import recorded_files

log = get_logger(__name__)

_PAGE = 500


def ended_jobs(store: JobStore, before_ms: int | None = None) -> Iterator[list[JobRecord]]:
    """Records of ended jobs, a page at a time; only those that ended before a time if one is given.

    Bounded memory: a page of 500 records. Jobs may end, be resumed or be forgotten meanwhile.
    """
    for status in sorted(TERMINAL):
        for page in _pages(store, status, None if before_ms is None else f"{before_ms}:"):
            yield [
                record
                for record in page
                if isinstance(record, JobRecord) and record.is_terminal and _is_before(record, before_ms)
            ]


def _pages(store: JobStore, status: str, last: str | None = None) -> Iterator[list[JobRecord | DamagedRecord | None]]:
    """Records of one status, newest first, behind `last` (`<ms>:<id>`); None for one that went meanwhile."""
    while ids := store.ids(f"s:{status}", before=last, limit=_PAGE):
        job_id, at = ids[-1]
        last = f"{at}:{job_id}"
        yield store.records([job_id for job_id, _ in ids])


def _is_before(record: JobRecord, ms: int | None) -> bool:
    return ms is None or ended_ms(record) < ms


def ended_ms(record: JobRecord) -> int:
    """When a job ended, as far as its record tells (ms since the epoch)."""
    return record.finished_ms or record.created_ms


def sources_in_use(store: JobStore, lake: Lake) -> set[str]:
    """Jobs whose rows a live job reads, or will read by its parent: their parts must stay."""
    found: set[str] = set()
    for status in (Status.PENDING, Status.RUNNING, Status.RETRY):
        for page in _pages(store, status):
            for record in page:
                if isinstance(record, JobRecord):
                    found.add(record.parent or "")
                if record is not None:
                    found |= _sources(store, lake, record.job_id)
    return found - {""}


def _sources(store: JobStore, lake: Lake, job_id: str) -> set[str]:
    try:
        return {source for source in recorded_files(store, lake, job_id).plan_values("source_job") if source}
    except DamagedPartError as error:  # such a job will fail for it, and needs no source
        log.warning("sources of a job not known", job=job_id, error=str(error))
        return set()
