"""Names of schedules and their cron expressions: checked, and turned into planned times (UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError

from leadmill.errors import InputError

#: The form of a schedule's name.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}\Z")
_MAX_CRON = 100


def check_cron(cron: str) -> str:
    """A cron expression of five fields; InputError when it is none, or is never due."""
    if len(cron) > _MAX_CRON:
        raise InputError(f"a cron expression has at most {_MAX_CRON} characters", field="cron")
    if len(cron.split()) != 5:
        raise InputError("a cron expression has five fields: minute hour day month weekday", field="cron")
    try:
        next(CronSim(cron, datetime.now(UTC)))
    except (CronSimError, StopIteration, ValueError) as error:
        raise InputError(f"not a cron expression: {cron!r} ({error or 'never due'})", field="cron") from error
    return cron


def next_runs(cron: str, now: datetime, count: int = 3) -> list[datetime]:
    """The next planned times after `now`."""
    return list(islice(CronSim(cron, now), count))


def planned_time(cron: str, now: datetime, *, earlier: bool = False) -> datetime | None:
    """The newest planned time that is not after `now`; with `earlier`, the newest one before it."""
    minute = now.replace(second=0, microsecond=0)
    return next(iter(CronSim(cron, minute if earlier else minute + timedelta(minutes=1), reverse=True)), None)
