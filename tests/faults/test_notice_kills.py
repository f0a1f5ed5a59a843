"""A small version of what `make soak` does a thousand times: deliverers are killed, and nothing is lost."""

from __future__ import annotations

from tests.faults.notice_kills import POINTS, run


def test_killed_deliverers_lose_nothing_and_keep_the_order() -> None:
    told = run(len(POINTS), at_points=True, lease_ms=500)
    assert told.notices >= 5 and (told.lost, told.disordered) == (0, 0), told
    assert told.doubled <= 4 * told.kills, "no more than what was on its way"
