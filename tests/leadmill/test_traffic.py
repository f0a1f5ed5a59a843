"""Traffic of crawls: what a record's field holds is what was told, and what is damaged is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmill.traffic import Traffic


def test_a_field_is_read_as_it_was_written() -> None:
    traffic = Traffic.of(10**13, {"2xx": 7, "4xx": 2, "other": 1}, {"quiet": 3})
    assert Traffic.parse(" ".join(map(str, traffic.since(Traffic())))) == traffic
    assert traffic.plus(Traffic(1, (1, 0, 0, 0, 0))) == Traffic(10**13 + 1, (8, 0, 2, 0, 0))


@pytest.mark.parametrize("text", ["", "1 2 3", "x", "1 2 3 4 5 6 7 8 ²", "1 2 3 4 5 6 7 8 " + "9" * 40])
def test_what_is_no_traffic_is_none(text: str) -> None:
    assert Traffic.parse(text) == Traffic()


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    Traffic.parse(text)
