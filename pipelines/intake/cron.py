"""Names of schedules, their cron expressions and time zones: checked, and turned into planned times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import islice

from cronsim import CronSim, CronSimError

from leadmill.errors import InputError
from leadmill.time_zones import time_zone

#: The form of a schedule's name.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}\Z")
_MAX_CRON = 100
_MINUTE = timedelta(minutes=1)
#: Most by which a clock was ever set back or forward: an island that changed its side of the date line.
_LONGEST_CHANGE = timedelta(hours=25)


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


def check_zone(name: str) -> tzinfo:
    """The time zone of a name; InputError when there is none."""
    try:
        return time_zone(name)
    except ValueError as error:
        raise InputError(str(error), field="timezone") from error


def planned_times(cron: str, zone: tzinfo, at: datetime, *, back: bool = False) -> Iterator[datetime]:
    """The planned times after `at`, or with `back` before it, the nearest first, in UTC.

    Where clocks change, a schedule that names hours comes once for each time that it names: one that the clock skips
    comes when the clock has jumped, one that comes twice counts the first time. One of every hour goes on each hour.
    """
    expression = CronSim(cron, at, reverse=back)
    if zone is UTC:
        yield from expression
    elif expression.hours == set(range(24)):
        yield from _each_hour(cron, zone, at, back)
    else:
        yield from _by_the_clock(cron, zone, at, back)


def _each_hour(cron: str, zone: tzinfo, at: datetime, back: bool) -> Iterator[datetime]:
    """Between two changes a clock goes as one of a fixed offset does."""
    step = -_MINUTE if back else _MINUTE
    while True:
        offset = (at + step).astimezone(zone).utcoffset() or timedelta()
        for planned in CronSim(cron, at.astimezone(timezone(offset)), reverse=back):
            if planned.astimezone(zone).utcoffset() != offset:
                break
            at = planned.astimezone(UTC)
            yield at
        else:  # never due again
            return
        for stride in (1_440 * step, step):  # up to the change
            while (at + stride).astimezone(zone).utcoffset() == offset:
                at += stride


def _by_the_clock(cron: str, zone: tzinfo, at: datetime, back: bool) -> Iterator[datetime]:
    local = at.astimezone(zone)
    wall = local.replace(tzinfo=None, fold=0)
    if back and local.fold:  # the clock was set back: it has shown later times before
        wall += _LONGEST_CHANGE
    nearest = at
    for shown in CronSim(cron, wall, reverse=back):
        planned = _first_at(shown, zone)
        if planned < nearest if back else planned > nearest:
            nearest = planned
            yield planned


def _first_at(shown: datetime, zone: tzinfo) -> datetime:
    """When a clock first shows a time, or has jumped over it, in UTC."""
    planned = shown.replace(tzinfo=zone).astimezone(UTC)
    while planned.astimezone(zone).replace(tzinfo=None) != shown:
        shown += _MINUTE
        planned = shown.replace(tzinfo=zone).astimezone(UTC)
    return planned


def next_runs(cron: str, zone: tzinfo, now: datetime, count: int = 3) -> list[datetime]:
    """The next planned times after `now`, in UTC."""
    return list(islice(planned_times(cron, zone, now), count))


def planned_time(cron: str, zone: tzinfo, now: datetime, *, earlier: bool = False) -> datetime | None:
    """The newest planned time that is not after `now`, in UTC; with `earlier`, the newest one before it."""
    minute = now.replace(second=0, microsecond=0)
    at = minute if earlier else minute + _MINUTE
    return next(planned_times(cron, zone, at, back=True), None)
