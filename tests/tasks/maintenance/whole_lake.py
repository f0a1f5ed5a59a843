"""A lake with one of each thing that it may hold, of two projects, for whoever copies or examines all of it."""

from __future__ import annotations

from datetime import UTC, datetime

from data.api_keys import KeyRegistry
from data.identity import write_id
from data.jobs import UnitState, UnitStatus
from data.jobs.upkeep import drop_units
from data.lake import UnitFiles
from data.parts import MANIFEST
from data.schedule_files import ScheduleFiles
from data.schedules import Schedule
from data.unit_files import json_text
from leadmill.access import Role
from leadmill.ids import company_id
from pipelines.committed import files_of
from pipelines.manifest import manifest_of
from tasks.maintenance.cleanup import clean_up
from tests.tasks.maintenance.conftest import Driver

#: Of the run that rendered the report: on a store the file's name carries it.
REPORTED = 3


def seal(driver: Driver, job_id: str) -> None:
    """Write the manifest that publish writes, of a job that has a report."""
    report = UnitFiles(driver.lake, job_id, "report", "render:csv", REPORTED)
    with report.write_at("reports/report.csv") as path:
        path.write_text(f"report of {job_id}")
    driver.lake.expose(job_id, "report", "render:csv", REPORTED)
    record = driver.store.record(job_id)
    assert record is not None
    rendered = UnitState.made(UnitStatus.DONE, REPORTED, committed_epochs=[REPORTED])
    units = {**driver.store.unit_states(job_id), "render:csv": rendered}
    told = files_of(driver.lake, job_id, units, record.stages)
    manifest = manifest_of(driver.store, told, record, units, status=record.status, now=driver.now)
    driver.lake.storage.put(driver.lake.job_dir(job_id) / MANIFEST, json_text(manifest).encode())
    drop_units(driver.store, job_id, lambda _record: True)


def filled(driver: Driver) -> list[str]:
    """One of each thing that a lake holds; its jobs."""
    write_id(driver.lake.data)
    KeyRegistry(driver.lake.data).create("anna", Role.ADMIN, "default")
    jobs = [driver.completed(["a.example", "b.example"], 200), driver.completed(["b.example", "c.example"], 3)]
    acme = driver.of("acme")
    acme.at(0)
    jobs += [acme.completed(["d.example"], 2)]
    for whose, job_id in ((driver, jobs[0]), (driver, jobs[1]), (acme, jobs[2])):
        seal(whose, job_id)
    clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now)
    for whose, job_id in ((driver, jobs[1]), (acme, jobs[2])):
        # Of a run that never committed: a name that a listing shows on a store.
        late = UnitFiles(whose.lake, job_id, "score", "score", 99)
        late.write([{"company_id": company_id("late.example"), "domain": "late.example"}])
    ScheduleFiles(driver.lake).write(Schedule("nightly", "0 3 * * *", datetime.now(UTC).isoformat()))
    return jobs
