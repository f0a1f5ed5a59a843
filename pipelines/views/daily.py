"""What came of the jobs of each day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from data.jobs import JobRecord, Status
from pipelines.views.coverage import Covered


@dataclass(kw_only=True)
class Day(Covered):
    """Jobs that were made on a day (UTC), and what came of those that have ended."""

    day: date
    jobs: int = 0
    failed: int = 0


def by_day(records: Iterable[JobRecord], last: date, days: int) -> list[Day]:
    """The days up to `last`, the newest first; records of other days are passed over."""
    found = {day: Day(day=day) for day in (last - timedelta(days=back) for back in range(days))}
    for record in records:
        day = found.get(datetime.fromtimestamp(record.created_ms / 1000, UTC).date())
        if day is None:
            continue
        day.jobs += 1
        day.failed += record.status == Status.FAILED
        if record.coverage is not None:
            day.add(record.companies, round(record.coverage * record.companies))
    return list(found.values())
