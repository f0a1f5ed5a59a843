"""Faults on a busy stack: all jobs end, every company once, nothing scraped again after its commit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.campaign import COMPANIES, Campaign, Verdict, spine_for
from tests.faults.front import Front
from tests.faults.proof import FaultSpine

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    with spine_for(tmp_path_factory.mktemp("campaigns")) as stack:
        yield stack


@pytest.fixture
def campaign(spine: FaultSpine) -> Campaign:
    spine.ready()
    return Campaign(spine, seed=7)


def passes(verdict: Verdict) -> None:
    print(verdict.table())
    assert not verdict.wrong
    assert not verdict.unended
    assert not verdict.lost
    assert not verdict.doubled
    assert not verdict.scraped_twice
    assert verdict.jobs > 3
    assert verdict.faults


def test_children_are_killed(campaign: Campaign) -> None:
    verdict = campaign.run(10, [campaign.kill_child, campaign.kill_child_at_step_end], pause=(0.2, 0.8))
    passes(verdict)
    assert verdict.again["child killed"]


def test_workers_are_killed(campaign: Campaign) -> None:
    passes(campaign.run(10, [campaign.kill_worker, campaign.kill_worker, campaign.kill_every_worker], pause=(4, 8)))


def test_the_server_restarts_and_freezes(campaign: Campaign) -> None:
    passes(campaign.run(6, [campaign.restart_server, campaign.freeze_server], pause=(2, 5)))


def test_messages_are_lost_and_doubled(campaign: Campaign) -> None:
    passes(campaign.run(6, [campaign.steal_message, campaign.double_message], pause=(0.05, 0.4)))


def test_a_frozen_worker_wakes_and_is_refused(campaign: Campaign) -> None:
    passes(campaign.run(4, [campaign.freeze_worker], pause=(1, 2)))


def test_the_api_and_beat_are_killed(spine: FaultSpine) -> None:
    spine.ready()
    with Front(spine, COMPANIES) as front:
        campaign = Campaign(spine, in_flight=2, seed=7, front=front)
        verdict = campaign.run(9, [campaign.kill_api, campaign.kill_beat, campaign.kill_child], pause=(0.3, 3))
        passes(verdict)
    assert front.restarts["api"]
    assert verdict.over_http > 3
    assert verdict.ticks
