"""The four kinds as jobs: submitted, run as their stages declare, and told in the job's result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadmill.errors import InputError
from leadmill.settings import Settings
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from pipelines.intake.submission import Submission
from pipelines.intake.submit import submit
from pipelines.stages import KINDS, STAGES
from tasks.maintenance import task
from tasks.work import body_of
from tests.tasks.maintenance.conftest import Driver


@pytest.fixture
def run(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a maintenance job from its submit to its end; its record."""
    runtime = Runtime(Settings(data_url=str(driver.lake.root)), driver.store, driver.lake, lambda outs: None)
    monkeypatch.setattr(task, "_lengths", dict)

    def run_job(kind: str, **options: Any) -> dict[str, str]:
        driver.at(0)
        job_id = submit(driver.store, driver.lake, lambda outs: None, Submission(kind, options=options)).job_id
        for unit in ("launch", kind, "publish"):
            run_unit(runtime, body_of(STAGES[unit]), job_id, unit, 0, 0, owner="o:1", chained=False)
        record = driver.store.read(job_id)
        assert record is not None
        return record

    return run_job


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("cleanup", "bytes_freed"),
        ("statistics", "counters"),
        ("health_check", "checks"),
        ("optimize_db", "snapshots"),
    ],
)
def test_each_kind_ends_well_and_tells_what_it_found(run: Any, kind: str, key: str) -> None:
    record = run(kind)
    assert KINDS[kind].stage_names == (kind,)
    assert record["status"] == "completed" and key in json.loads(record["result"])


def test_cleanup_takes_the_days_asked_for_else_those_of_the_settings(driver: Driver, run: Any) -> None:
    job_id = driver.completed(["a.example"], 30)
    assert json.loads(run("cleanup")["result"])["jobs"] == 0
    assert json.loads(run("cleanup", older_than_days=20)["result"])["jobs"] == 1
    assert driver.store.read(job_id) is None


def test_a_health_check_that_finds_faults_completes_and_tells_the_operator(driver: Driver, run: Any) -> None:
    record = run("health_check")
    result = json.loads(record["result"])
    assert record["status"] == "completed" and result["status"] == "fail"
    [event] = driver.store.criticals()
    assert event["kind"] == "health" and "workers scraping" in event["failed"]


def test_a_wrong_option_is_refused_in_words(run: Any) -> None:
    with pytest.raises(InputError, match="older_than_days"):
        run("cleanup", older_than_days="soon")
