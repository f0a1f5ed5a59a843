"""Upkeep of several projects: each is looked after for itself, and what all share by the default one."""

from __future__ import annotations

import pytest

from data import history
from data.jobs import JobStore
from leadmill.settings import Settings
from pipelines.queues import LEVELS, Queue
from tasks.maintenance.cleanup import clean_up
from tasks.maintenance.health import check_health
from tasks.maintenance.optimize import optimize
from tasks.maintenance.recount import recount
from tasks.maintenance.statistics import take_statistics
from tests.tasks.maintenance.conftest import Driver

LENGTHS = {(queue.value, level): 0 for queue in Queue for level in LEVELS}


@pytest.fixture
def acme(driver: Driver) -> Driver:
    return driver.of("acme")


def test_a_cleanup_takes_the_old_jobs_of_its_project(driver: Driver, acme: Driver) -> None:
    ours, theirs = driver.completed(["a.example"], 200), acme.completed(["a.example", "b.example"], 200)
    before = driver.newest()
    done = clean_up(acme.store, acme.lake, older_than_days=90, now=acme.now)
    assert done["jobs"] == 1 and not done["failed"]
    assert acme.store.record(theirs) is None and driver.store.record(ours) is not None
    assert history.find(acme.lake, theirs) and not history.find(driver.lake, theirs)
    assert driver.newest() == before and {row[1] for row in acme.newest()["score"]} == {theirs}
    assert acme.lake.snapshot_files("score") and not driver.lake.snapshot_files("score")
    for one, counted in ((driver, (1, 0)), (acme, (0, 1))):
        found = recount(one.store, one.lake)
        assert not found["drift"] and (found["scanned"], found["archived"]) == counted
    assert clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now)["jobs"] == 1
    assert {row[1] for row in driver.newest()["score"]} == {ours}


def test_an_optimisation_compacts_and_trims_its_project(driver: Driver, acme: Driver) -> None:
    driver.completed(["a.example"], 3)
    acme.completed(["a.example"], 3)
    for store in (driver.store, acme.store):
        store.redis.zadd(store.key("idx:t:x"), {driver.job_id(): 1})
    done = optimize(acme.store, acme.lake)
    assert done["jobs_compacted"] == 1 and done["redis"] == {"index_entries": 1}
    assert driver.store.redis.exists(driver.store.key("idx:t:x"))
    done = optimize(driver.store, driver.lake)
    assert done["jobs_compacted"] == 1 and done["redis"]["index_entries"] == 1 and done["redis"]["memory_after"]


def test_statistics_of_a_project_tell_nothing_of_the_stack(driver: Driver, acme: Driver) -> None:
    driver.completed(["a.example"], 1)
    acme.completed(["a.example"], 1)
    acme.cancelled(["b.example"], 1)
    totals = take_statistics(acme.store, acme.lake, job_id=acme.job_id(), now=acme.now)["totals"]
    assert totals["by_status"]["completed"] == totals["by_status"]["cancelled"] == 1
    assert (totals["queues"], totals["workers"]) == ({}, None)
    assert list((acme.lake.history / "statistics").iterdir()) and not (driver.lake.history / "statistics").exists()


def names(store: JobStore, driver: Driver) -> dict[str, str]:
    found = check_health(store, driver.lake, Settings(data_url=str(driver.lake.data)), LENGTHS, driver.now)
    return {str(row["name"]): str(row["status"]) for row in found["checks"]}


def test_health_looks_into_every_project_and_tells_each_its_own(driver: Driver, acme: Driver) -> None:
    job = acme.submit()
    acme.store.redis.zrem(acme.store.key("due"), f"{job}|launch")
    whole, own = names(driver.store, driver), names(acme.store, acme)
    assert whole["jobs stuck"] == "ok" and whole["jobs stuck in project acme"] == "fail" and "redis" in whole
    assert own["jobs stuck"] == "fail"
    assert not [
        name for name in own if name.startswith(("redis", "workers", "queues", "disk", "settings", "reconciler"))
    ]
