"""Causes of the missing companies: counts that add up, one example each, whichever stages a job had."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.error_rows import error_page
from data.job_files import JobFiles
from data.jobs import UnitState, UnitStatus
from data.lake import Lake, UnitFiles
from leadmill.ids import company_id, new_job_id
from pipelines.views import causes
from pipelines.views.causes import GivenUp, counted, missing
from tests.plans import write_plan

FULL = ("scrape", "process", "enrich", "score", "report")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def plan(lake: Lake, job: str, domains: list[str], bad: int = 0) -> None:
    rows = [
        {"company_id": company_id(d), "domain": d, "url": f"https://{d}/", "bare": False, "partition": n // 2}
        for n, d in enumerate(domains)
    ]
    rows += [
        {"company_id": "", "domain": f"line {n}", "url": None, "bare": False, "line": n, "error_category": "data",
         "error": "not a URL"}
        for n in range(bad)
    ]  # fmt: skip
    write_plan(UnitFiles(lake, job, "launch", "launch", 1), rows)
    lake.expose(job, "launch", "launch", 1)


def errors(
    lake: Lake,
    job: str,
    stage: str,
    told: dict[str, str],
    category: str = "network",
    unit: int = 0,
    later: bool = False,
) -> None:
    UnitFiles(lake, job, stage, f"p{unit}", 1, partition=unit).write(
        [
            {"company_id": company_id(d), "domain": d, "url": None, "scope": "company", "stage": stage,
             "category": category, "error": error, "deferred_until": datetime.now(UTC) if later else None,
             "at": datetime.now(UTC)}
            for d, error in told.items()
        ],
        "errors",
    )  # fmt: skip
    lake.expose(job, stage, f"p{unit}", 1)


def test_final_rows_tell_and_messages_that_name_their_host_are_one_cause(lake: Lake) -> None:
    job = new_job_id()
    rows = [
        {"company_id": company_id(d), "domain": d, "error_category": category, "error": error}
        for d, category, error in [
            ("a.example", "network", "no answer from a.example"),
            ("b.example", "network", "no answer from b.example"),
            ("c.example", "data", "robots.txt forbids"),
            ("d.example", None, None),
        ]
    ]
    UnitFiles(lake, job, "score", "score", 1).write(rows)
    lake.expose(job, "score", "score", 1)
    found = missing(lake, JobFiles.unrecorded(lake, job), FULL, {})
    assert [(c["category"], c["error"], c["count"]) for c in found] == [
        ("network", "no answer from …", 2),
        ("data", "robots.txt forbids", 1),
    ]
    assert found[0]["example"] in ("a.example", "b.example") and found[1]["example"] == "c.example"


def test_without_a_score_plan_errors_and_units_tell(lake: Lake) -> None:
    job = new_job_id()
    domains = [f"c{n}.example" for n in range(6)]
    plan(lake, job, domains, bad=2)
    rows = [{"company_id": company_id("c0.example"), "domain": "c0.example", "url": None}]
    UnitFiles(lake, job, "process", "p0", 1).write(rows)
    lake.expose(job, "process", "p0", 1)
    errors(lake, job, "scrape", {"c1.example": "timed out"})
    errors(lake, job, "process", {"c2.example": "no text"}, "data", unit=1)
    units = {
        "p1": UnitState.made(UnitStatus.DONE, 1),
        "p2": UnitState.made(UnitStatus.FAILED, 1, failure=("poison", "killed its process")),
    }
    found = missing(lake, JobFiles.unrecorded(lake, job), ("scrape", "process"), units)
    assert {(c["category"], c["error"]): c["count"] for c in found} == {
        ("network", "timed out"): 1,
        ("data", "no text"): 1,
        ("poison", "killed its process"): 2,
        ("system", "not done"): 1,
    }
    assert sum(c["count"] for c in found) == 6 - 1, "a line that names no company misses none"


def test_who_was_to_be_asked_again_tells_why_the_partition_that_did_so_failed(lake: Lake) -> None:
    job = new_job_id()
    plan(lake, job, [f"c{n}.example" for n in range(6)])
    left = [f"c{n}.example" for n in (2, 4)]
    errors(lake, job, "scrape", dict.fromkeys(left, "asks later"), later=True)
    units = {
        "p1": UnitState.made(UnitStatus.FAILED, 1, failure=("poison", "killed its process")),
        "p2": UnitState.made(UnitStatus.FAILED, 1, failure=("deadline", "struck")),
    }
    found = missing(lake, JobFiles.unrecorded(lake, job), ("scrape",), units)
    assert {(c["category"], c["error"]): c["count"] for c in found} == {
        ("poison", "killed its process"): 2,
        ("network", "asks later"): 1,
        ("deadline", "struck"): 1,
        ("system", "not done"): 2,
    }
    given_up: list[GivenUp] = [
        {"partition": 1, "stage": "scrape", "category": "poison", "error": "killed its process"},
        {"partition": 2, "stage": "scrape", "category": "deadline", "error": "struck"},
    ]
    told, _ = error_page(lake, JobFiles.unrecorded(lake, job), 100, given_up=lambda: given_up)
    assert sorted((row["domain"], row["error"], row["deferred_until"] is not None) for row in told) == [
        ("c2.example", "killed its process", False),
        ("c3.example", "killed its process", False),
        ("c4.example", "asks later", True),
        ("c5.example", "struck", False),
    ]


def test_a_job_that_reads_others_rows_has_only_the_plan(lake: Lake) -> None:
    job = new_job_id()
    assert missing(lake, JobFiles.unrecorded(lake, job), ("report",), {}) == []
    plan(lake, job, ["a.example"], bad=1)
    unknown = {"company_id": company_id("b.example"), "domain": "b.example", "bare": False}
    refused = {"error_category": "data", "error": "unknown company"}
    write_plan(
        UnitFiles(lake, job, "launch", "launch", 2),
        [unknown | refused, {**unknown, **refused, "company_id": "", "line": 3}],
    )
    lake.expose(job, "launch", "launch", 2)
    assert missing(lake, JobFiles.unrecorded(lake, job), ("report",), {}) == [
        {"category": "data", "code": None, "error": "unknown company", "count": 1, "example": "b.example"}
    ]


def test_a_torn_error_part_costs_its_causes_and_not_the_job(lake: Lake) -> None:
    job = new_job_id()
    plan(lake, job, ["a.example"])
    errors(lake, job, "scrape", {"a.example": "timed out"})
    [file] = lake.parts(job, "scrape", "errors")
    file.write_bytes(file.read_bytes()[:100])
    assert missing(lake, JobFiles.unrecorded(lake, job), ("scrape",), {})[0]["error"] == "not done"


def test_many_causes_are_bounded_and_still_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(
        ("data" if n % 3 else "system", f"error {n % 100} " + "x" * 900, f"c{n}.example", "bot_wall" if n % 2 else None)
        for n in range(1_000)
    )
    assert sum(c["count"] for c in found) == 1_000
    assert sum(c["count"] for c in found if c["code"] == "bot_wall") == 500
    assert len(found) == causes.MAX_CAUSES + 4
    assert [c["error"] for c in found[-4:]] == ["other causes"] * 4
    assert all(len(c["error"]) <= 200 and c["example"] for c in found)
    assert not causes.warnings(found, 1_001)
    assert "500 of 1,000 companies" in causes.warnings(found, 1_000)[0]


def test_final_rows_of_earlier_versions_have_no_code(lake: Lake) -> None:
    job = new_job_id()
    folder = lake.job_dir(job) / "score"
    folder.mkdir(parents=True)
    rows = pa.table(
        {
            "company_id": [company_id("a.example")],
            "domain": ["a.example"],
            "error_category": ["data"],
            "error": ["robots.txt forbids"],
        }
    )
    pq.write_table(rows, folder / "part-0-0.parquet")
    found = missing(lake, JobFiles.unrecorded(lake, job), ("score",), {})
    assert [(cause["code"], cause["count"]) for cause in found] == [(None, 1)]
