"""Quotas: how much of each a project may have, in all or in a day (UTC). They are counted by the record's script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta

#: No quota is larger: the script's numbers are exact up to here.
MAX_QUOTA = 10**15
#: What is counted by the day has this behind its name.
PER_DAY = "_per_day"


@dataclass(frozen=True, slots=True)
class Quotas:
    """The most that a project may have of each; None: there is no limit."""

    #: Jobs that wait or run.
    live_jobs: int | None = None
    #: Companies that a job works on, in a stage that goes company by company.
    companies_per_job: int | None = None
    companies_per_day: int | None = None
    #: Pages that are fetched.
    pages_per_day: int | None = None
    #: Size of an uploaded list, and of all of a day.
    upload_bytes: int | None = None
    upload_bytes_per_day: int | None = None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """In the order in which they are told and looked at."""
        return _NAMES

    @property
    def set(self) -> dict[str, int]:
        """Those that there are, by name."""
        return {name: limit for name in _NAMES if (limit := getattr(self, name)) is not None}

    def changed(self, own: Mapping[str, int | None]) -> Quotas:
        """With some of them changed."""
        return Quotas(**{**asdict(self), **own})


_NAMES = tuple(one.name for one in fields(Quotas))
#: What each counts, for a sentence.
_COUNTED = {
    "live_jobs": "jobs that wait or run",
    "companies_per_job": "companies a job",
    "companies_per_day": "companies a day",
    "pages_per_day": "pages a day",
    "upload_bytes": "bytes a file",
    "upload_bytes_per_day": "uploaded bytes a day",
}


def resets_at(name: str, now: datetime) -> datetime | None:
    """When a quota begins anew: the next midnight (UTC) for one of a day."""
    if not name.endswith(PER_DAY):
        return None
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def sentence(name: str, limit: int, used: int, asked: int) -> str:
    """What is told of a quota that `asked` more would go over."""
    left = f"; {max(0, limit - used):,} left" if name.endswith(PER_DAY) or name == "live_jobs" else ""
    after = " until 00:00 UTC" if name.endswith(PER_DAY) else ""
    return f"the project's quota of {_COUNTED[name]} is {limit:,}{left}{after}, and this needs {asked:,}"
