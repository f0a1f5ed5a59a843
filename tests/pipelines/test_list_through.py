"""A list with ids of its own, on the real stack: what goes in comes back for every line, and in no other job."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from cli.local_stack.stack import LocalStack
from data.lake import Lake
from leadmill import ApiError, Client
from leadmill.client.job_handle import JobHandle
from reports.layouts import LAYOUTS

LIST = "Record ID,Website,Owner\nr-1,nordwind-solar.example,Zoë\nr-2,not a host,\nr-3,www.nordwind-solar.example,\n"
#: The same, and a company that is not to be reached.
RESUMABLE = LIST + "r-4,no-such-firm.example,\n"
MINE = {
    "nordwind-solar.example": [
        {"line": 2, "values": {"Record ID": "r-1", "Owner": "Zoë"}},
        {"line": 4, "values": {"Record ID": "r-3"}},
    ],
    "not a host": [{"line": 3, "values": {"Record ID": "r-2"}}],
}


@pytest.fixture(scope="module")
def job(client: Client, tmp_path_factory: pytest.TempPathFactory) -> JobHandle:
    file = tmp_path_factory.mktemp("list") / "crm.csv"
    file.write_text(LIST)
    handle = client.submit(csv=file, crawl={"max_pages": 1}, report={"formats": ["json"]}, tags=["crm-list"])
    assert handle.wait(120).status == "completed"
    return handle


def told(stack: LocalStack, job_id: str) -> dict[str, Any]:
    lake = Lake(stack.data_dir)
    return {row["domain"]: row["input"] for row in lake.iter_rows(lake.parts(job_id, "score"))}


def lines(found: dict[str, Any]) -> dict[str, Any]:
    return {
        domain: None if rows is None else [{**row, "values": dict(row["values"])} for row in rows]
        for domain, rows in found.items()
    }


def test_every_line_comes_back_with_the_company_it_names(
    stack: LocalStack, client: Client, job: JobHandle, tmp_path: Path
) -> None:
    assert lines(told(stack, job.id)) == MINE
    report = json.loads(client.download_report(job.id, "json", tmp_path / "r.json").read_text())
    assert {row["domain"]: row["input"] for row in report} == MINE


def test_a_line_that_names_no_company_is_none_that_is_missing(job: JobHandle) -> None:
    """Its coverage, what it counts and what its statistics and its report count are the same."""
    found = job.status()
    assert (found.coverage, found.result["companies"], found.result["good"]) == (1, 1, 1)
    assert "missing" not in found.result and found.result["input"]["refused"] == 1
    with pytest.raises(ApiError, match="nothing"):
        job.resume()


def test_a_resume_and_a_rerun_keep_the_lines(stack: LocalStack, client: Client, job: JobHandle, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(RESUMABLE)
    half = client.submit(csv=file, crawl={"max_pages": 1}, min_coverage=0.5, report={"formats": ["json"]})
    ended = half.wait(120)
    assert (ended.status, ended.coverage) == ("completed", 0.5), "of two companies; with the third line it would fail"
    assert [cause["count"] for cause in ended.result["missing"]] == [1]
    half.resume()
    assert half.wait(120).attempt == 2
    assert lines(told(stack, half.id)) == MINE | {"no-such-firm.example": [{"line": 5, "values": {"Record ID": "r-4"}}]}
    child = client.rerun(job.id, "score")
    child.wait(120)
    assert lines(told(stack, child.id)) == MINE
    only_report = client.rerun(job.id, "report")
    only_report.wait(120)
    report = json.loads(only_report.report("json", stack.data_dir.parent / "again.json").read_text())
    assert {row["domain"]: row["input"] for row in report} == MINE


def test_any_form_has_them_afterwards(client: Client, job: JobHandle, tmp_path: Path) -> None:
    table = job.report("csv", tmp_path / "late.csv").read_text("utf-8-sig")
    (row,) = [row for row in csv.DictReader(table.splitlines()) if row["domain"] == "nordwind-solar.example"]
    assert (row["input.Record ID"], row["input.Owner"]) == ("r-1; r-3", "Zoë")
    only_report = client.rerun(job.id, "report")
    only_report.wait(120)
    late = only_report.report("parquet", tmp_path / "late.parquet")  # made by a job, which is waited for
    assert lines({row["domain"]: row["input"] for row in pq.read_table(late).to_pylist()}) == MINE


def test_no_other_job_shows_them(stack: LocalStack, client: Client, job: JobHandle, tmp_path: Path) -> None:
    [company] = [one for one in client.companies(text="nordwind-solar") if one["job_id"]]
    whole = client.company(company["company_id"])
    assert "input" not in whole and whole["job_id"] == company["job_id"]
    scored = client.score([company["company_id"]])
    report = client.report([company["company_id"]], formats=["json"])
    assert [handle.wait(120).status for handle in (scored, report)] == ["completed"] * 2
    assert told(stack, scored.id) == {"nordwind-solar.example": None}
    [row] = json.loads(report.report("json", tmp_path / "lake.json").read_text())
    assert row["input"] is None and "r-1" not in json.dumps(row)


def command(env: dict[str, str], *words: str) -> str:
    """What `leadmill` prints beside the running stack."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", *words], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_report_of_a_filter_and_a_rerun_by_command(stack_env: dict[str, str], job: JobHandle, tmp_path: Path) -> None:
    out = str(tmp_path / "l.xlsx")
    book = command(stack_env, "report", "--tag", "crm-list", "-f", "xlsx", "--type", "leads", "-o", out)
    sheets = CalamineWorkbook.from_path(book)
    assert len(sheets.get_sheet_by_name("Leads").to_python()) == 2, "a header and the one lead"
    about = dict(row[:2] for row in sheets.get_sheet_by_name("About").to_python() if len(row) > 1)
    assert about["Filter"] == "tag crm-list (1 of 1 companies)"
    again = command(stack_env, "rerun", job.id, "--from", "report")
    assert again.endswith("report.json"), "in the formats of the job"
    out = str(tmp_path / "l.csv")
    table = command(stack_env, "report", job.id, "--type", "leads", "-f", "csv", "--layout", "crm", "-o", out)
    assert "input.Record ID" in Path(table).read_text("utf-8-sig").splitlines()[0]


def test_every_layout_of_an_ended_job_and_each_line_by_its_id(job: JobHandle, tmp_path: Path) -> None:
    """Tables for imports have a row a line; the id stands under the name by which the import knows it."""
    found = {}
    for name in LAYOUTS.names:
        text = job.report("csv", tmp_path / f"{name}.csv", layout=name).read_text("utf-8-sig")
        found[name] = list(csv.DictReader(io.StringIO(text), strict=True))
        assert len(found[name]) == (3 if LAYOUTS.load(name).rows == "lines" else 2)
    assert {row["Record ID"]: row["Company domain name"] for row in found["hubspot"]} == {
        "r-1": "nordwind-solar.example",
        "r-2": "",
        "r-3": "nordwind-solar.example",
    }
    assert {row["input.Record ID"]: row["error"] == "" for row in found["crm"]} == {"r-1; r-3": True, "r-2": False}
