"""A shutdown gives a unit back."""

from __future__ import annotations

from data.jobs import JobStore
from tests.data.jobs.acting import JOB, begin, handed, launched, state


def test_a_release_costs_no_attempt(store: JobStore) -> None:
    launched(store)
    for epoch in range(1, 9):
        grant = begin(store, "p0", epoch=epoch)
        assert handed(store.release(JOB, "p0", grant.owner)) == ["p0"]
    unit = state(store)
    assert unit["s"] == "h" and not unit.get("a") and not unit.get("p") and not unit.get("l")


def test_it_goes_to_the_front_of_its_queue_and_only_its_owner_gives_it_back(store: JobStore) -> None:
    launched(store)
    assert state(store)["v"] == 3
    begin(store, "p0")
    assert store.release(JOB, "p0", "b:2").refused == "stale"
    (out,) = store.release(JOB, "p0", "a:1").send
    assert out.level == 2
