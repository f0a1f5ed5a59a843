"""What the newest jobs of a project came to, for the overview: read at most once in a few seconds, whoever looks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from api.context import Context
from api.jobs import told_page
from data.jobs import Status
from pipelines.views.listing import JobFilter
from pipelines.views.recent import Done, FailedCause, done_by, failed_by_cause

#: What was read is shown for so long, seconds: it reads some hundred records, and pages that are looked at ask often.
KEPT_S = 5.0
#: Jobs that are read, the newest ones.
_JOBS = 100


@dataclass(frozen=True)
class Recent:
    """What came of jobs since yesterday and today (UTC)."""

    #: Midnight, before which nothing of `causes` was made.
    yesterday: datetime
    failed: int
    causes: list[FailedCause]
    #: There are more failed ones than were read.
    more_failed: bool
    today: Done
    more_today: bool


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    at: float = 0.0
    recent: Recent | None = None


class Lately:
    """Of one application, by project."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def of(self, here: Context) -> Recent:
        """That of the caller's project, at most `KEPT_S` old.

        Raises:
            UnavailableError: Redis does not answer.
        """
        kept = self._kept.setdefault(here.caller.project, _Kept())
        with kept.lock:  # of several who ask at once one reads, and the others have it, too
            if kept.recent is None or time.monotonic() - kept.at >= KEPT_S:
                kept.recent = _read(here)
                kept.at = time.monotonic()
            return kept.recent


def _read(here: Context) -> Recent:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = today - timedelta(days=1)
    newest = told_page(here, JobFilter(since=today), _JOBS)
    failed = told_page(here, JobFilter(Status.FAILED, since=yesterday), _JOBS)
    return Recent(
        yesterday=yesterday,
        failed=len(failed["items"]),
        causes=failed_by_cause(failed["items"]),
        more_failed=failed["next_cursor"] is not None,
        today=done_by(newest["items"]),
        more_today=newest["next_cursor"] is not None,
    )
