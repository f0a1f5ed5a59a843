"""A primary is lost under a busy stack, with a worker: no accepted job is, no row is lost or doubled (200 of them:
`make soak SENTINEL=1`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.failovers import COMMITS_WITHIN_S, WITH_A_DEATH_S, FailoverCampaign, FailoverSpine
from tests.faults.proof import FACTOR

pytestmark = pytest.mark.timeout(240)


def test_work_goes_on_behind_another_primary(tmp_path: Path) -> None:
    with FailoverSpine(tmp_path) as spine:
        campaign = FailoverCampaign(spine, seed=3)
        verdict = campaign.fail_over(3, [campaign.kill_primary, campaign.freeze_primary, campaign.cut_primary_off])
        told = [event for event in spine.store.criticals(500) if event["kind"] == "failed_over"]
    print(campaign.table(), verdict.table(), sep="\n")
    assert not verdict.wrong
    assert not verdict.unended
    assert not verdict.lost
    assert not verdict.doubled
    assert verdict.jobs > 3
    assert len(told) >= 3
    for way, found in campaign.measured.items():  # a stack that stands still is told from one that is slow
        assert all(seconds < COMMITS_WITHIN_S * FACTOR for seconds in found.committed), way
        assert all(seconds < WITH_A_DEATH_S * FACTOR for seconds in found.with_a_death), way
