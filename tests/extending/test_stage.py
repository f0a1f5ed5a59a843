"""The recipe of a stage on the real stack: its rows, its errors, its place in the progress, its words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from data.jobs import JobStore
from data.lake import Lake
from leadmill import Job
from leadmill.client.errors import ApiError
from leadmill.settings import get_settings
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record
from tests.extending.conftest import Extended

PATIENCE_S = 60
STAGES = ["scrape", "process", "enrich", "verify", "score", "report", "shortlist"]
WRITES, WRITES_NOT = "nordwind-solar.example", "lone-star-roofing.example"
ADDRESS, NO_MAIL = "info@nordwind-solar.example", "no address of its own domain"


@pytest.fixture(scope="module")
def job(extended: Extended) -> Job:
    """A pipeline over a company with an address of its own domain and one without."""
    return extended.client.submit([WRITES, WRITES_NOT], report={"formats": ["csv", "json"]}).wait(PATIENCE_S)


def test_its_rows_are_in_the_lake_and_in_the_report(extended: Extended, job: Job, tmp_path: Path) -> None:
    assert job.status == "completed"
    lake = Lake(extended.data)
    [row] = lake.iter_rows(lake.parts(job.id, "verify"))
    assert (row["domain"], row["own_mail"]) == (WRITES, ADDRESS) and row["verified_at"] > row["enriched_at"]
    file = extended.client.job(job.id).report("csv", tmp_path / "report.csv")
    with file.open(encoding="utf-8-sig", newline="") as text:
        reported = {row["domain"]: row["own_mail"] for row in csv.DictReader(text)}
    assert reported == {WRITES: ADDRESS, WRITES_NOT: ""}
    [scored] = (row for row in lake.iter_rows(lake.parts(job.id, "score")) if row["domain"] == WRITES)
    assert "own_mail" in [rule["rule"] for rule in scored["contributions"]]


def test_a_stage_of_the_whole_job_runs_once_behind_the_reports(extended: Extended, job: Job) -> None:
    assert job.result["shortlist"] == 1 and job.result["formats"] == ["csv", "json"]
    folder = Lake(extended.data).job_dir(job.id) / "reports"
    assert json.loads((folder / "shortlist.json").read_text()) == [WRITES]
    [own] = (stage for stage in job.stages if stage.name == "shortlist")
    assert (own.status, own.rows_out, own.errors) == ("completed", 1, 0)


def test_its_errors_are_told_and_counted(extended: Extended, job: Job) -> None:
    [error] = (row for row in extended.client.errors(job.id) if row["scope"] == "company")
    told = [error[name] for name in ("domain", "stage", "category", "error")]
    assert told == [WRITES_NOT, "verify", "data", NO_MAIL]
    assert job.coverage == 0.5
    [missing] = job.result["missing"]
    assert (missing["error"], missing["count"]) == (NO_MAIL, 1)


def test_its_progress_stands_in_its_place(extended: Extended, job: Job) -> None:
    assert [stage.name for stage in job.stages] == STAGES
    [own] = (stage for stage in job.stages if stage.name == "verify")
    assert (own.status, own.rows_in, own.rows_out, own.errors) == ("completed", 2, 1, 1)
    assert extended.client.statistics()["stages"]["verify"]["begun"] >= 1


def test_the_companies_are_told_by_their_newest_row(extended: Extended, job: Job) -> None:
    with extended.client as client:
        rows = {row["domain"]: row for row in client.companies()}
        assert rows[WRITES]["score"] is not None
        last = client.company(rows[WRITES_NOT]["company_id"])
    assert (last["score"], [one["stage"] for one in last["history"]]) == (None, ["score"])


def test_its_name_is_a_word_of_the_api_and_the_cli(extended: Extended) -> None:
    with pytest.raises(ApiError, match=r"'enrich', 'verify', 'score'") as refused:
        extended.client.submit([WRITES], stages=["verfy"])
    assert refused.value.status == 422
    with pytest.raises(ApiError, match="missing between: verify"):
        extended.client.submit([WRITES], stages=["enrich", "score"])
    assert "scrape,process,enrich,verify,score" in extended.run("-m", "cli.main", "run", "--help")
    document = extended.client._transport.json("GET", "/api/v1/openapi.json")
    words = document["components"]["schemas"]["PipelineBody"]["properties"]["stages"]["anyOf"][0]
    assert words["items"]["enum"] == STAGES


def test_it_runs_alone_over_what_is_known(extended: Extended, job: Job) -> None:
    again = extended.client.rerun(job.id, "verify").wait(PATIENCE_S)
    assert again.status == "completed" and [stage.name for stage in again.stages] == STAGES[3:]


def test_a_job_of_before_goes_on_without_it(extended: Extended) -> None:
    store = JobStore.connect(extended.redis, get_settings().key_prefix, lake=extended.data)
    old = record(store, Lake(extended.data), Submission("pipeline", company_urls=[WRITES], options={})).job_id
    job = extended.client.job(old).wait(PATIENCE_S)
    assert job.status == "completed" and "verify" not in [stage.name for stage in job.stages]
    with pytest.raises(ApiError, match="before there was a stage verify") as refused:
        extended.client.rerun(old, "score")
    assert refused.value.field == "from_stage"


def test_a_kind_of_an_installed_package_runs_it_alone(extended: Extended, job: Job) -> None:
    with extended.client as client:
        ids = [row["company_id"] for row in client.companies() if row["domain"] == WRITES]
        answer = client._transport.json("POST", "/api/v1/jobs/process/verify", json={"company_ids": ids})
        alone = client.job(answer["job_id"]).wait(PATIENCE_S)
    assert (alone.kind, alone.status, [stage.name for stage in alone.stages]) == ("verify", "completed", ["verify"])
