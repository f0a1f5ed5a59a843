"""A record that something else has written over holds up no maintenance, and is not taken for one that is gone."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from tasks.maintenance.cleanup import clean_up
from tasks.maintenance.job_checks import check_jobs
from tasks.maintenance.recount import recount
from tasks.maintenance.sealing import seal_ended
from tests.tasks.maintenance.conftest import Driver


def plant(driver: Driver, key: str) -> str:
    key = driver.store.key(key)
    if driver.store.redis.exists(key):
        driver.store.redis.rename(key, f"kept-{key}")
    driver.store.redis.set(key, "planted")
    return key


def unplant(driver: Driver, key: str) -> None:
    driver.store.redis.delete(key)
    driver.store.redis.rename(f"kept-{key}", key)


@pytest.mark.parametrize("name", ["job", "doc", "units"])
def test_cleanup_leaves_it_whole_and_cleans_the_others(driver: Driver, name: str) -> None:
    damaged, sound = driver.completed(["a.example"], 200), driver.cancelled(["b.example"], 200)
    before = sorted(driver.lake.job_dir(damaged).rglob("*"))
    key = plant(driver, f"{name}:{damaged}")
    finding = clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now)
    assert driver.store.read(sound) is None and finding["jobs"] == 1
    assert sorted(driver.lake.job_dir(damaged).rglob("*")) == before
    seal_ended(driver.store, driver.lake, driver.now)
    recount(driver.store, driver.lake)
    unplant(driver, key)
    assert clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now)["jobs"] == 1
    assert recount(driver.store, driver.lake)["archived"] == 2


def test_the_upload_of_a_damaged_job_is_not_left_over(driver: Driver) -> None:
    driver.at(3)
    job = driver.submit()
    upload = driver.lake.job_dir(job) / "input" / "companies.csv"
    upload.parent.mkdir(parents=True)
    upload.write_text("url\na.example\n")
    old = (driver.now - timedelta(days=3)).timestamp()
    for path in (upload, upload.parent, upload.parent.parent):
        os.utime(path, (old, old))
    driver.at(0)
    plant(driver, f"job:{job}")
    clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now)
    assert upload.exists()


def test_health_names_the_key(driver: Driver) -> None:
    job = driver.submit()
    key = plant(driver, f"ev:{job}")
    driver.clock_ms += 10_000
    driver.store.claim({})
    found = {finding.name: finding for finding in check_jobs(driver.store)}["jobs damaged"]
    assert found.status == "fail" and key in found.message and found.advice and "RENAME" in found.advice
