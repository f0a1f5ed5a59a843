"""Planned times by the clocks of time zones: each is compared with a clock that is looked at minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import available_timezones, reset_tzpath

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmill import time_zones
from leadmill.errors import InputError
from leadmill.time_zones import time_zone
from pipelines.intake.cron import check_zone, next_runs, planned_time, planned_times

MINUTE = timedelta(minutes=1)
#: Among them half-hour and two-hour changes, changes at midnight, and one that left out a day.
ZONES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kolkata",
    "Africa/Casablanca", "Asia/Gaza", "Pacific/Chatham", "America/Havana", "Antarctica/Troll", "UTC",
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(zone: str, cron: str, first: str, days: int = 3) -> list[str]:
    """Planned times from noon UTC of a day on, as the clock shows them."""
    found = next_runs(cron, time_zone(zone), at(f"{first}T12:00"), days)
    return [planned.astimezone(time_zone(zone)).strftime("%d %H:%M %z") for planned in found]


def test_once_a_day_where_an_hour_is_skipped() -> None:
    assert daily("Europe/Berlin", "30 2 * * *", "2027-03-26") == ["27 02:30 +0100", "28 03:00 +0200", "29 02:30 +0200"]


def test_once_a_day_where_an_hour_comes_twice() -> None:
    assert daily("Europe/Berlin", "30 2 * * *", "2027-10-29") == ["30 02:30 +0200", "31 02:30 +0200", "01 02:30 +0100"]


def test_every_hour_goes_on_every_hour() -> None:
    for first in ("2027-03-28T00:10", "2027-10-31T00:10"):
        found = next_runs("15 * * * *", time_zone("Europe/Berlin"), at(first), 5)
        assert {after - before for before, after in pairwise(found)} == {timedelta(hours=1)}


@pytest.mark.parametrize("minute", ["0", "30", "59", "*/20"])
@pytest.mark.parametrize("change", ["2000-03-25T15:00", "2000-08-26T15:30"])
def test_every_hour_where_half_an_hour_comes_twice_or_never(minute: str, change: str) -> None:
    cron, zone, clock = f"{minute} * * * *", "Australia/Lord_Howe", time_zone("Australia/Lord_Howe")
    start, end = at(change) - 3 * 60 * MINUTE, at(change) + 3 * 60 * MINUTE
    expected = list(watched(cron, zone, start, end))
    assert list(takewhile(lambda planned: planned < end, planned_times(cron, clock, start - MINUTE))) == expected
    behind = takewhile(lambda planned: planned >= start, planned_times(cron, clock, end, back=True))
    assert list(behind) == expected[::-1]


def test_the_newest_one_is_also_found_while_an_hour_comes_again() -> None:
    """At 02:10 for the second time it is the 02:30 that the clock has shown already."""
    again = at("2027-10-31T01:10")
    assert planned_time("30 2 * * *", time_zone("Europe/Berlin"), again) == at("2027-10-31T00:30")


def test_a_day_that_was_left_out() -> None:
    assert daily("Pacific/Apia", "30 2 * * *", "2011-12-28", 2) == ["28 02:30 -1000", "29 02:30 -1000"]
    assert daily("Pacific/Apia", "30 2 * * *", "2011-12-29", 3)[1:] == ["31 00:00 +1400", "31 02:30 +1400"]


def changes(zone: str, year: int) -> list[datetime]:
    """Days of a year, from midnight UTC, on which a zone's clocks change."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(time_zone(zone)).utcoffset() for day in days]
    return [day for day, (before, after) in zip(days, pairwise(offsets), strict=False) if before != after]


def minutes_between(before: datetime, after: datetime) -> Iterator[datetime]:
    """Those that a clock left out."""
    return (before + n * MINUTE for n in range(1, int((after - before) / MINUTE)))


def watched(cron: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Planned times in [start, end) by looking at the clock each minute."""
    rule, clock = CronSim(cron, datetime(2027, 1, 1)), time_zone(zone)

    def named(shown: datetime) -> bool:
        return (
            shown.minute in rule.minutes
            and shown.hour in rule.hours
            and shown.month in rule.months
            and rule.match_day(shown.date())
        )

    every_hour = len(rule.hours) == 24
    now, before = start, (start - MINUTE).astimezone(clock).replace(tzinfo=None)
    while now < end:
        local = now.astimezone(clock)
        shown = local.replace(tzinfo=None, fold=0)
        if every_hour:
            due = named(shown)
        else:
            skipped = () if shown - before <= MINUTE else minutes_between(before, shown)
            due = (named(shown) and not local.fold) or any(map(named, skipped))
        if due:
            yield now
        now, before = now + MINUTE, shown


fields = st.sampled_from
CRONS = st.builds(
    "{} {} {} {} {}".format,
    fields(["0", "30", "59", "5,35", "*/20", "*", "0-10", "45"]),
    fields(["0", "1", "2", "3", "23", "2,3", "0,12", "*/2", "*/6", "1-4", "*", "0-23"]),
    fields(["*", "*", "*", "31", "1-15"]),
    fields(["*", "*", "3,10"]),
    fields(["*", "*", "0", "1-5"]),
)


@settings(max_examples=25, deadline=None)
@given(CRONS, st.sampled_from(ZONES), st.integers(2000, 2036), st.data())
def test_as_a_clock_that_is_looked_at(cron: str, zone: str, year: int, data: st.DataObject) -> None:
    middle = data.draw(st.sampled_from(changes(zone, year) or [datetime(year, 6, 1, tzinfo=UTC)]))
    start, end = middle - timedelta(hours=3), middle + timedelta(hours=30)
    expected = list(watched(cron, zone, start, end))
    clock = time_zone(zone)
    ahead = list(takewhile(lambda planned: planned < end, planned_times(cron, clock, start - MINUTE)))
    assert ahead == expected
    behind = list(takewhile(lambda planned: planned >= start, planned_times(cron, clock, end, back=True)))
    assert behind == expected[::-1]
    last = end.replace(tzinfo=None) - timedelta(microseconds=1)  # what is planned at the end is not among the expected
    now = data.draw(st.datetimes(start.replace(tzinfo=None), last, timezones=st.just(UTC)))
    if past := [planned for planned in expected if planned <= now]:
        assert planned_time(cron, clock, now) == past[-1]
        earlier = planned_time(cron, clock, past[-1], earlier=True)
        assert earlier is not None and earlier < past[-1]


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Nowhere", "no time zone 'Europe/Nowhere'"),
        ("europe/berlin", "did you mean 'Europe/Berlin'?"),
        ("Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("../../etc/passwd", "no time zone"),
        ("Europe", "no time zone"),
        ("", "no time zone"),
        ("\ud800", "no time zone"),
    ],
)
def test_a_zone_that_there_is_not(zone: str, told: str) -> None:
    with pytest.raises(InputError, match=r"no time zone") as raised:
        check_zone(zone)
    assert told in str(raised.value) and raised.value.field == "timezone"


def test_a_system_without_a_database_of_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slim container has none: the package `tzdata` has them all."""
    named = {zone: next_runs("30 2 * * *", time_zone(zone), at("2027-03-26T12:00")) for zone in ZONES}
    with monkeypatch.context() as patch:
        patch.setattr(time_zones, "_names", lambda: frozenset(available_timezones()))
        reset_tzpath(to=())
        try:
            alone = {zone: time_zone.__wrapped__(zone) for zone in ZONES}
            assert {zone: next_runs("30 2 * * *", alone[zone], at("2027-03-26T12:00")) for zone in ZONES} == named
        finally:
            reset_tzpath()
