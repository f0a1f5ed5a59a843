"""What a project may have, what it has used of it, and what is left."""

from __future__ import annotations

from datetime import UTC, datetime

from data.ending import ending, endings
from data.jobs import JobStore
from data.jobs.usage import used
from data.lake import Lake
from data.project_quotas import default_quotas, project_quotas
from leadmill.access import DEFAULT_PROJECT
from leadmill.answers import Project, Quota
from leadmill.quotas import PER_DAY, Quotas, resets_at
from leadmill.settings import get_settings


def projects(store: JobStore, lake: Lake) -> list[str]:
    """Every project that ever had a job, has quotas of its own, or is being removed; the default one first.

    Raises:
        UnavailableError: Redis does not answer, or the quotas cannot be read.
    """
    others = {*store.projects(), *project_quotas(lake.data).own(), *endings(lake.data)} - {DEFAULT_PROJECT}
    return [DEFAULT_PROJECT, *sorted(others)]


def described(store: JobStore, lake: Lake, name: str) -> Project:
    """A project as the API shows it.

    Raises:
        UnavailableError: Redis does not answer, or the quotas cannot be read.
    """
    held, counted = project_quotas(lake.data), used(store.of(name))
    own, limits = held.own().get(name, {}), held.of(name, default_quotas(get_settings())).set
    now, mark = datetime.now(UTC), ending(lake.data, name)
    return {
        "name": name,
        "removal": None if mark is None else {"since": mark.since.isoformat(), "job_id": mark.job_id},
        "quotas": [_quota(quota, limits.get(quota), quota in own, counted, now) for quota in Quotas.names()],
    }


def _quota(name: str, limit: int | None, own: bool, counted: dict[str, int], now: datetime) -> Quota:
    daily = name.endswith(PER_DAY)
    number = None
    if name == "live_jobs" or (daily and limit is not None):
        number = counted.get(name.removesuffix(PER_DAY), 0)
    anew = resets_at(name, now)
    return {
        "name": name,
        "limit": limit,
        "own": own,
        "used": number,
        "left": None if limit is None or number is None else max(0, limit - number),
        "resets_at": anew.isoformat() if anew and limit is not None else None,
    }
