"""The audit's upkeep: once an hour its stream goes into files, with cleanup old months go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from data.audit import AuditFiles, AuditStream
from data.jobs import JobStore
from data.lake import Lake
from data.storage import HeldError
from leadmill.log import get_logger

log = get_logger(__name__)

#: Seconds that one flush waits for another, which does the same.
_LOCK_S = 20.0


def flush_audit(store: JobStore, lake: Lake, check: Callable[[], None]) -> int:
    """Take the entries that wait into the files; how many. None where another process is at it.

    Raises:
        UnavailableError: Redis does not answer.
        OSError: the disk takes no more; what waits stays where it is.
    """
    files, stream = AuditFiles(lake.data, lake.tell), AuditStream(store)
    if not files.waiting() and not stream.length():
        return 0
    try:
        with files.exclusive(_LOCK_S, check):
            return files.flush(stream, check)
    except HeldError as error:
        log.info("audit is being flushed by another process", error=str(error))
        return 0


def drop_old_audit(lake: Lake, days: int, now: datetime) -> int:
    """Remove months that ended longer ago, and what killed flushes left; bytes freed."""
    files = AuditFiles(lake.data, lake.tell)
    if not files.months():
        return 0
    with files.exclusive(_LOCK_S):
        return files.drop_older(days, now) + files.drop_unfinished()
