"""The process of a run died: which deaths a page explains, what a run is told of it, and what counts towards poison."""

from __future__ import annotations

import pytest

from data.jobs import LIMITS, Grant, JobStore
from tests.data.jobs.acting import JOB, begin, launched, state

PAGE, OTHER = "comp_0000000000000001/00000000000000aa", "comp_0000000000000002/00000000000000bb"


class Unit:
    """Partition p0 of a fresh job, begun and killed again and again by owners of their own."""

    def __init__(self, store: JobStore) -> None:
        self.store, self.job, self.runs = store, launched(store), 0

    def begin(self) -> Grant:
        self.runs += 1
        return begin(self.store, "p0", owner=f"o:{self.runs}")

    def die(self, page: str = "", *, sure: bool = False) -> None:
        grant = self.begin()
        self.store.died(self.job, "p0", grant.owner, "killed", page=page, sure=sure)

    def state(self) -> dict:
        return state(self.store)


@pytest.fixture
def unit(store: JobStore) -> Unit:
    return Unit(store)


def test_a_page_that_is_to_blame_is_refused_and_costs_no_attempt(unit: Unit) -> None:
    for number in range(5):
        unit.die(f"comp_0000000000000001/{number:016x}", sure=True)
    grant = unit.begin()
    assert grant.refused == {f"comp_0000000000000001/{number:016x}" for number in range(5)}
    assert not grant.company_by_company and not unit.state().get("p")


def test_a_kill_that_may_come_from_outside_is_believed_the_second_time(unit: Unit) -> None:
    unit.die(PAGE)
    assert unit.state()["p"] == 1
    unit.die(OTHER)
    assert unit.begin().refused == frozenset()
    unit.store.release(unit.job, "p0", f"o:{unit.runs}")
    unit.die(PAGE)
    assert PAGE in unit.begin().refused
    assert unit.state().get("p") == 1, "the first death of a guilty page is not held against its unit"


def test_one_death_reported_twice_is_one(unit: Unit) -> None:
    """By the child itself, which was over its memory, and then by its parent."""
    grant = unit.begin()
    for _ in range(2):
        unit.store.died(unit.job, "p0", grant.owner, "killed", page=PAGE)
        unit.store.died(unit.job, "p0", grant.owner, "killed", page=PAGE, lapsed=True)
    assert unit.begin().refused == frozenset() and unit.state()["p"] == 1


def test_after_two_deaths_that_nothing_explains_the_next_names_the_company(unit: Unit) -> None:
    unit.die()
    unit.die()
    assert unit.begin().company_by_company
    unit.store.release(unit.job, "p0", f"o:{unit.runs}")
    unit.die("comp_0000000000000001/")
    grant = unit.begin()
    assert grant.refused == {"comp_0000000000000001/"} and grant.company_by_company
    unit.store.commit(grant)
    assert not unit.state().get("p")
    following = begin(unit.store, "p0", 1)
    assert following.refused == {"comp_0000000000000001/"} and not following.company_by_company


def test_a_third_one_without_a_name_sets_the_unit_aside(unit: Unit) -> None:
    for _ in range(3):
        unit.die()
    assert unit.state()["s"] == "f" and unit.state()["m"][0] == "poison"


def test_a_page_that_is_read_although_it_is_refused_explains_nothing(unit: Unit) -> None:
    for _ in range(4):
        unit.die(PAGE, sure=True)
    assert unit.state()["s"] == "f"


def test_the_pages_of_one_unit_are_bounded(unit: Unit) -> None:
    for number in range(int(LIMITS["MAX_NAMED"])):
        unit.die(f"comp_0000000000000001/{number:016x}", sure=True)
    assert unit.state()["s"] == "h" and not unit.state().get("p")
    for _ in range(3):
        unit.die(OTHER, sure=True)
    assert unit.state()["s"] == "f" and len(unit.state()["b"]) == LIMITS["MAX_NAMED"]
    unit.store.cancel(unit.job)
    unit.store.resume(unit.job)
    assert len(unit.state()["b"]) == LIMITS["MAX_NAMED"], "a resume reads what killed it before"


def test_a_page_that_held_its_process_beyond_the_lease_is_named(unit: Unit) -> None:
    """The unit was taken over already, and perhaps by a run that is at the same page."""
    grant = unit.begin()
    unit.store.release(unit.job, "p0", grant.owner)
    answer = unit.store.died(unit.job, "p0", grant.owner, "killed", page=PAGE, sure=True, lapsed=True)
    assert answer.send == []
    assert unit.begin().refused == {PAGE} and not unit.state().get("p")


def test_a_done_unit_remembers_no_page(unit: Unit) -> None:
    unit.die(PAGE, sure=True)
    for index in range(3):
        unit.store.commit(begin(unit.store, "p0", index))
    assert unit.state()["s"] == "d" and "b" not in unit.state()


def test_only_reported_deaths_count_towards_poison_and_a_commit_resets_them(store: JobStore) -> None:
    launched(store)
    epoch = 1
    for _ in range(2):
        grant = begin(store, "p0", epoch=epoch)
        store.died(JOB, "p0", grant.owner, "killed")
        epoch += 1
    grant = begin(store, "p0", epoch=epoch)
    store.commit(grant)
    for _ in range(2):
        grant = begin(store, "p0", 1, epoch=epoch)
        store.died(JOB, "p0", grant.owner, "killed")
        epoch += 1
    assert state(store)["s"] == "h"
    grant = begin(store, "p0", 1, epoch=epoch)
    store.died(JOB, "p0", grant.owner, "killed")
    assert state(store)["s"] == "f"
    assert store.criticals()[0]["kind"] == "poison"
