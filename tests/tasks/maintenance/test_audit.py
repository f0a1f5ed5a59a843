"""The hourly job takes the audit's stream into files, cleanup removes its old months."""

from __future__ import annotations

from datetime import timedelta

import pytest

from data.audit import AuditFiles, AuditStream, Entry
from data.jobs import UnitStatus
from leadmill.settings import Settings
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from tasks.maintenance import audit
from tasks.maintenance.task import cleanup, statistics
from tests.tasks.maintenance.conftest import Driver


def run(driver: Driver, kind: str, **settings: int) -> str:
    """A job of one stage, by the work that a worker does."""
    job_id = driver.submit(kind=kind, stages=(kind,))
    driver.store.commit(driver.begin(job_id, "launch"), fields={"close": f"{kind};publish"})
    runtime = Runtime(
        Settings(data_url=str(driver.lake.root), redis_url="redis://127.0.0.1:1/0", **settings),  # type: ignore[arg-type]
        driver.store, driver.lake, lambda outs: None,
    )  # fmt: skip
    work = {"statistics": statistics, "cleanup": cleanup}[kind]
    assert run_unit(runtime, work, job_id, kind, 0, 0, owner="o:1", chained=False)
    assert driver.store.unit_states(job_id)[kind].status == UnitStatus.DONE
    return job_id


def test_an_hour_a_flush_and_nothing_where_there_is_nothing(driver: Driver) -> None:
    files, stream = AuditFiles(driver.lake.root), AuditStream(driver.store)
    run(driver, "statistics")
    assert not files.folder.exists()
    stream.append([Entry(action="cancel").text()], files.newest)
    files.append([Entry(action="create_key").text()])
    run(driver, "statistics")
    assert stream.length() == 0 and files.waiting() == [] and len(files.months()) == 1


def test_who_finds_another_flush_under_way_leaves_it_to_that_one(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_LOCK_S", 0.1)
    files, stream = AuditFiles(driver.lake.root), AuditStream(driver.store)
    stream.append([Entry(action="cancel").text()], files.newest)
    with files.exclusive(1):
        run(driver, "statistics")
    assert stream.length() == 1


def test_months_that_are_kept_long_enough_go(driver: Driver) -> None:
    files, stream = AuditFiles(driver.lake.root), AuditStream(driver.store)
    at = driver.now - timedelta(days=100)
    ids = {"nomkstream": False, "id": f"{int(at.timestamp() * 1000)}-0"}
    driver.store.redis.xadd(driver.store.key("audit"), {"e": f"[{Entry(action='old').text()}]"}, **ids)  # type: ignore[arg-type]
    run(driver, "statistics")
    run(driver, "cleanup", audit_retention_days=120)
    assert files.months() == [f"{at:%Y-%m}"]
    run(driver, "cleanup", audit_retention_days=60)
    assert files.months() == []
    assert stream.length() == 0
