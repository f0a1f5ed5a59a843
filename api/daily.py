"""The newest days of one kind of jobs, for the statistics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.context import Context
from data.jobs import JobRecord
from pipelines.views.daily import Day, by_day
from pipelines.views.listing import MAX_PAGE, JobFilter, list_jobs

DAYS = 14
#: Records that are read, the newest ones.
_MOST = 1_000


@dataclass(frozen=True)
class Days:
    """What came of each, the newest first."""

    days: list[Day]
    #: There are more jobs than were read: the oldest days lack some, or all.
    more: bool


def newest_days(here: Context, kind: str) -> Days:
    """Those of the caller's project; it reads up to a thousand records.

    Raises:
        UnavailableError: Redis does not answer.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = JobFilter(kind=kind, since=today - timedelta(days=DAYS - 1))
    records: list[JobRecord] = []
    cursor, more = None, True
    while more and len(records) < _MOST:
        found = list_jobs(here.store, here.lake, wanted, MAX_PAGE, cursor)
        records += found.records
        cursor = found.next_cursor
        more = cursor is not None
    return Days(by_day(records, today.date(), DAYS), more)
