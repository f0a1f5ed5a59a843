"""A small version of what `make soak` does a thousand times: deliverers are killed, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.faults.notice_kills import POINTS, run


@pytest.mark.parametrize("at_points", [False, True])
def test_killed_deliverers_lose_nothing_and_keep_the_order(at_points: bool) -> None:
    told = run(len(POINTS), at_points=at_points, pause_s=(0.05, 0.15), lease_ms=500)
    assert told.notices >= 10 and (told.lost, told.disordered) == (0, 0), told
    assert told.doubled <= 4 * told.kills, "no more than what was on its way"
