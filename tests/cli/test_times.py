"""Times as people type them: how long ago, from now on, a day, a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine

from cli.failure import CommandError
from cli.times import ago, from_now, moment, shown

NOW = datetime.fromisoformat("2026-11-24T10:00:00+00:00")


@pytest.mark.parametrize(
    ("typed", "before"),
    [
        ("1d", timedelta(days=1)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(weeks=2)),
        ("30m", timedelta(minutes=30)),
        ("1.5D", timedelta(hours=36)),
        ("2026-11-24T08:00:00Z", timedelta(hours=2)),
    ],
)
def test_so_long_ago(typed: str, before: timedelta) -> None:
    with time_machine.travel(NOW, tick=False):
        assert datetime.fromisoformat(ago(typed, "--since")) == NOW - before


def test_a_day_begins_here() -> None:
    assert datetime.fromisoformat(ago("2026-11-24", "--since")) == datetime(2026, 11, 24).astimezone()


@pytest.mark.parametrize("typed", ["yesterday", "1y", "", "d", "infd", "9e9w", "nand", "20261"])
def test_what_is_no_time_says_so(typed: str) -> None:
    with pytest.raises(CommandError, match="--since: not a time") as caught:
        ago(typed, "--since")
    assert caught.value.hint == "--since 1d", "not this very moment, since when there is nothing"


def test_from_now_on() -> None:
    assert [from_now(typed, "--deadline") for typed in ("90", "90s", "30m", "2h", "1d")] == [90, 90, 1800, 7200, 86400]
    assert from_now("2036-02-01T00:00:00+00:00", "--deadline") == moment("2036-02-01T00:00:00Z", "--deadline")
    with pytest.raises(CommandError, match="not a number of seconds"):
        from_now("infh", "--deadline")


def test_a_time_is_shown_in_one_form() -> None:
    given = "2027-01-31T08:00:59.5+02:00"
    assert shown(given) == shown(datetime.fromisoformat(given)) == "2027-01-31 06:00"
    assert shown(given, seconds=True) == "2027-01-31 06:00:59"
    assert shown(given, there=True) == "2027-01-31 08:00"
    assert shown(None) == shown("") == ""
