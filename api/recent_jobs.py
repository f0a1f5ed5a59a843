"""What the newest jobs of a project came to: those that failed since yesterday, by cause, the work of today, and
the last ones that completed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.context import Context
from api.jobs import told_page
from data.jobs import Status
from leadmill import answers
from leadmill.declared import KINDS
from pipelines.views.listing import JobFilter
from pipelines.views.recent import Done, FailedCause, done_by, failed_by_cause

#: Jobs that are read, the newest ones.
_JOBS = 100
#: Jobs over companies that are shown of the completed ones, and how many are read for them: others stand between.
_COMPLETED, _READ = 5, 20


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
    #: Over companies, the newest first.
    completed: list[answers.Job]


def recent_jobs(here: Context) -> Recent:
    """That of the caller's project; it reads some hundred records.

    Raises:
        UnavailableError: Redis does not answer.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = today - timedelta(days=1)
    newest = told_page(here, JobFilter(since=today), _JOBS)
    failed = told_page(here, JobFilter(Status.FAILED, since=yesterday), _JOBS)
    completed = told_page(here, JobFilter(Status.COMPLETED), _READ)["items"]
    return Recent(
        yesterday=yesterday,
        failed=len(failed["items"]),
        causes=failed_by_cause(failed["items"]),
        more_failed=failed["next_cursor"] is not None,
        today=done_by(newest["items"]),
        more_today=newest["next_cursor"] is not None,
        completed=[job for job in completed if KINDS[job["kind"]].needs_companies][:_COMPLETED],
    )
