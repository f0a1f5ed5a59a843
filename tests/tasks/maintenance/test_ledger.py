"""Cleanup takes a job's ledger into files by month, and removes months that are old."""

from __future__ import annotations

from datetime import timedelta

from data.ledger import job_files, month_files
from data.unit_files import UnitFiles
from tests.tasks.maintenance.conftest import Driver
from tests.tasks.maintenance.test_audit import run


def test_cleanup_keeps_the_ledger_by_month_until_it_is_old(driver: Driver) -> None:
    at = driver.now - timedelta(days=100)
    job_id = driver.completed(["a.example"], 100)
    files = UnitFiles(driver.lake, job_id, "scrape", "p0", 1)
    entry = {"company_id": "comp_1", "domain": "a.example", "host": "a.example", "url": "https://a.example/"}
    files.write([{**entry, "kind": "home", "at": at, "outcome": "answered"}], "ledger")
    driver.lake.expose(job_id, "scrape", "p0", 1)
    assert len(job_files(driver.lake, [job_id])) == 1
    run(driver, "cleanup", ledger_retention_days=140)
    assert job_files(driver.lake, [job_id]) == []
    assert [file.parent.name for file in month_files(driver.lake)] == [f"month={at:%Y-%m}"]
    run(driver, "cleanup", ledger_retention_days=60)
    assert month_files(driver.lake) == []
