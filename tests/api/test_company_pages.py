"""Pages of companies and errors: nothing that did not change is skipped or comes twice, and nothing vanishes."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.company_rows import Companies, CompanyFilter, company_page
from api.error_rows import error_page
from data.job_files import JobFiles
from data.lake import Lake, UnitFiles
from leadmill.ids import company_id
from tests.api.conftest import V1, Worker, post
from tests.plans import write_plan

#: Sums that differ from their rounded selves, and ties.
SCORES = st.one_of(
    st.sampled_from([2.2 + 1.1, 3.3, 0.1 + 0.2, 0.3, 100.0, 0.0, float("nan"), None]),
    st.floats(0, 100),
)
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def write(lake: Lake, job: int, stage: str, rows: list[dict[str, Any]], kind: str = "rows", partition: int = 0) -> None:
    files = UnitFiles(lake, f"job_{job:020d}", stage, f"p{partition}", 1, partition)
    files.write(rows, kind)  # type: ignore[arg-type]
    lake.expose(f"job_{job:020d}", stage, f"p{partition}", 1)


def row(domain: str, **columns: Any) -> dict[str, Any]:
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/", **columns}


@QUICK
@given(scores=st.lists(SCORES, min_size=1, max_size=20), limit=st.integers(1, 7), data=st.data())
def test_companies_page_through_changing_data(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float | None], limit: int, data: st.DataObject
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    write(lake, 0, "score", [row(f"c{i}.example", score=score, scored_at=at) for i, score in enumerate(scores)])
    changed: set[str] = set()
    told: list[str] = []
    cursor, job = None, 1
    while True:
        items, cursor = company_page(Companies(lake), CompanyFilter(), limit, cursor)
        told += [item["domain"] for item in items]
        assert len(items) <= limit
        if cursor is None:
            break
        for i in data.draw(st.sets(st.integers(0, len(scores) + 2), max_size=2)):  # scored anew, or new
            changed.add(f"c{i}.example")
            again = row(f"c{i}.example", score=data.draw(SCORES), scored_at=at + timedelta(days=job))
            write(lake, job, "score", [again])
            job += 1
    for i in range(len(scores)):
        if f"c{i}.example" not in changed:
            assert told.count(f"c{i}.example") == 1, (i, scores, told)


def test_of_one_score_those_that_can_be_reached_come_first(tmp_path: Path) -> None:
    lake, at = Lake(tmp_path), datetime(2026, 1, 1, tzinfo=UTC)
    scored = {
        "low.example": (40.0, 100.0),
        "far.example": (70.0, 10.0),
        "near.example": (70.0, 90.0),
        "old.example": (70.0, None),
    }
    rows = [row(domain, score=score, reach=reach, scored_at=at) for domain, (score, reach) in scored.items()]
    write(lake, 0, "score", rows)
    told, cursor = [], None
    while True:
        items, cursor = company_page(Companies(lake), CompanyFilter(), 1, cursor)
        told += [item["domain"] for item in items]
        if cursor is None:
            break
    assert told == ["near.example", "far.example", "old.example", "low.example"]


@QUICK
@given(count=st.integers(1, 25), limit=st.integers(1, 7), data=st.data())
def test_errors_page_through_changing_data(
    tmp_path_factory: pytest.TempPathFactory, count: int, limit: int, data: st.DataObject
) -> None:
    """Ties in time; more partitions commit meanwhile, and a resume gives some companies a good row."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    job = f"job_{0:020d}"

    def failed(i: int, when: datetime) -> dict[str, Any]:
        return row(f"c{i}.example", scope="company", stage="scrape", category="data", error="no", at=when)

    write(lake, 0, "scrape", [failed(i, at + timedelta(seconds=i // 3)) for i in range(count)], "errors")
    write_plan(UnitFiles(lake, job, "launch", "launch", 1),
        [{"company_id": "", "domain": f"line {i}", "bare": False, "line": i, "error": "bad", "error_category": "data"}
         for i in range(3)]
    )  # fmt: skip
    lake.expose(job, "launch", "launch", 1)
    told: list[Any] = []
    cursor, partition, good = None, 1, set()
    while True:
        items, cursor = error_page(lake, JobFiles.unrecorded(lake, job), limit, cursor)
        told += [(item["domain"], item["line"]) for item in items]
        if cursor is None:
            break
        what = data.draw(st.sampled_from(["none", "more", "good"]))
        if what == "more":
            late = [failed(1_000 * partition + i, at + timedelta(days=1)) for i in range(2)]
            write(lake, 0, "scrape", late, "errors", partition)
            partition += 1
        elif what == "good" and not good:
            good = {data.draw(st.integers(0, count - 1))}
            write(lake, 0, "score", [row(f"c{i}.example", score=1.0, scored_at=at) for i in good])
    for i in set(range(count)) - good:
        assert told.count((f"c{i}.example", None)) == 1
    assert [line for _, line in told if line is not None] == [0, 1, 2]


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


BAD = ["x", "é", "%00", "a" * 150, *map(cursor_of, (
    None, 7, {}, [], [1], [1, 2], ["1", "comp_" + "0" * 16], [1, "\ud800"], [1, "comp_x"],
    [10**100, "comp_" + "0" * 16], [True, "comp_" + "0" * 16], [[], []], [0, "comp_" + "0" * 16, "x", "y"],
    [-(10**30), "x", 1, "y"],
))]  # fmt: skip


@pytest.mark.parametrize("path", ["companies", "jobs/list", "jobs/dead", "jobs/JOB/errors"])
def test_bad_cursors_are_refused(client: TestClient, worker: Worker, path: str) -> None:
    job_id = post(client)["job_id"]
    worker.error_rows(job_id, "scrape", ["a.example"])
    worker.rows(job_id, "score", ["a.example"], score=1.0)
    for bad in BAD:
        answer = client.get(f"{V1}/{path.replace('JOB', job_id)}", params={"cursor": bad})
        assert (answer.status_code, answer.json().get("field")) == (422, "cursor"), (bad, answer.text)


def found(lake: Lake) -> list[str]:
    return sorted(item["domain"] for item in company_page(Companies(lake), CompanyFilter(), 50, None)[0])


def test_companies_that_went_no_further_are_there(tmp_path: Path) -> None:
    """A cancelled job: one partition enriched, one merely processed; and one company whose enrichment failed."""
    lake, at = Lake(tmp_path), datetime(2026, 1, 1, tzinfo=UTC)
    write(lake, 0, "process", [row("a.example", processed_at=at), row("failed.example", processed_at=at)])
    write(lake, 0, "process", [row("b.example", processed_at=at)], partition=1)
    write(lake, 0, "enrich", [row("a.example", processed_at=at, enriched_at=at)])
    assert found(lake) == ["a.example", "b.example"]
    error = row("failed.example", scope="company", stage="enrich", category="data", error="no", at=at)
    write(lake, 0, "enrich", [error], "errors")
    assert found(lake) == ["a.example", "b.example", "failed.example"]
    # Scored afterwards: the score has no good row of those two, they are there all the same.
    scored = [row("a.example", scored_at=at, score=1.0)]
    scored += [row(d, scored_at=at, error="no", error_category="data") for d in ("b.example", "failed.example")]
    write(lake, 0, "score", scored)
    assert found(lake) == ["a.example", "b.example", "failed.example"]
    # Resumed and cancelled again before the score: what was enriched since is there.
    write(lake, 0, "enrich", [row("late.example", processed_at=at, enriched_at=at)], partition=2)
    assert found(lake) == ["a.example", "b.example", "failed.example", "late.example"]
