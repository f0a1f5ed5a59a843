"""A tick of a reconciler: what is due is looked at, and sent again where it was lost."""

from __future__ import annotations

import pytest

from data.jobs import JobStore
from tests.data.jobs.acting import JOB, OTHER, begin, handed, launched, new, pass_time, state, widen


def test_a_handed_unit_is_lost_only_by_evidence(store: JobStore) -> None:
    launched(store)
    pass_time(store, 3.5)
    busy = {"scrape:3": True}
    assert store.claim(busy).send == [], "waits in a queue that is not empty"
    assert state(store)["x"] == 1


def test_a_handed_unit_is_lost_when_a_later_one_has_begun(store: JobStore) -> None:
    launched(store)
    begin(store, "p1")
    pass_time(store, 3.5)
    assert handed(store.claim({"scrape:3": True})) == ["p0"]
    assert begin(store, "p0").epoch == 1, "a re-send keeps the epoch"


def test_low_work_that_waits_moves_up(store: JobStore) -> None:
    store.submit(new(priority=2))
    levels = set()
    for _ in range(400):
        pass_time(store, 1)
        for out in store.claim({f"launch:{level}": True for level in range(6)}).send:
            levels.add(out.level)
    assert levels == {4, 3, 2}, "up to the front of normal, never before high"
    assert state(store, "launch")["s"] == "h"


def test_after_an_outage_running_leases_are_spared(store: JobStore) -> None:
    launched(store)
    store.claim({})
    grant = begin(store, "p0")
    pass_time(store, 60)  # nobody could claim or renew
    store.claim({})
    assert state(store)["s"] == "r"
    assert store.renew(grant) is None
    for _ in range(12):  # claims go on and nobody renews: now it has lapsed
        pass_time(store, 1)
        store.claim({})
    assert state(store)["e"] == 2
    assert store.renew(grant) == "stale"


def test_a_claim_names_the_runs_that_hold_their_unit_no_more(store: JobStore) -> None:
    widen(store, 4)
    launched(store)
    other = launched(store, job=OTHER)
    for unit, owner in (("p0", "a:1"), ("p1", "b:2")):
        begin(store, unit, owner=owner)
    begin(store, "p0", job=other, owner="c:3")
    runs = [
        (JOB, "p0", "a:1"),
        (JOB, "p1", "b:2"),
        (other, "p0", "c:3"),
        (other, "p1", "d:4"),
        ("job_x", "p0", ""),
    ]
    assert store.claim({}, runs=runs[:3]).body.get("lost") is None
    store.release(JOB, "p1", "b:2")
    assert store.claim({}, runs=runs).body["lost"] == [[1, -1], [3, -1], [4, -1]]
    store.cancel(JOB)
    pass_time(store, 0.7)
    assert store.claim({}, runs=runs[:3]).body["lost"] == [[0, 700], [1, 700]]
    for _ in range(9):
        pass_time(store, 1)
        assert not store.claim({}, runs=runs[2:3]).body.get("lost")
    pass_time(store, 1)
    assert store.claim({}, runs=runs[2:3]).body["lost"] == [[0, -1]], "it lapses in this very claim"


@pytest.mark.parametrize("since", [9, -9])
def test_a_unit_that_is_no_object_keeps_no_other_from_its_time(store: JobStore, since: int) -> None:
    """After an outage, and after the clock went back, every due entry is looked at."""
    launched(store, job=OTHER)
    launched(store)
    store.redis.hset(store.key(f"units:{OTHER}"), "p0", "7")
    store.claim({})
    begin(store, "p0")
    pass_time(store, since)
    before = store.redis.zscore(store.key("due"), f"{JOB}|p0")
    assert store.claim({}).body["ok"]
    after = store.redis.zscore(store.key("due"), f"{JOB}|p0")
    assert before is not None and after is not None and (since > 0) == (after > before)
