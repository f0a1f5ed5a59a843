"""A name that does not exist is told with the one that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmill.suggest import did_you_mean, nearest, unknown

QUEUES = ("scraping", "processing", "analytics", "maintenance")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("scrapping", "scraping"), ("Scraping", "scraping"), ("PROCESING", "processing"), ("xyz", None), ("", None)],
)
def test_the_nearest(typed: str, meant: str | None) -> None:
    assert nearest(typed, QUEUES) == meant


def test_the_sentence() -> None:
    assert unknown("queue", "scrapping", QUEUES) == "no queue 'scrapping'; did you mean 'scraping'?"
    assert unknown("queue", "x", QUEUES) == "no queue 'x'; known: analytics, maintenance, processing, scraping"
    assert unknown("queue", "x", ()) == "no queue 'x'"
    assert did_you_mean("x", map(str, range(1000, 1100))).endswith("1029 … (100 in all)")


@given(st.text(max_size=2_000), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_was_typed(name: str, known: list[str]) -> None:
    assert nearest(name, known) in {None, *known}
    assert len(unknown("name", name, known)) < 1_000


def test_a_part_of_a_name_finds_the_names_that_hold_it() -> None:
    known = ["Energy and environment", "Energy and utilities", "Retail"]
    assert did_you_mean("energy", known) == "did you mean 'Energy and environment' or 'Energy and utilities'?"
    assert did_you_mean("e", known).startswith("known: ")
