"""A plan of many companies: what of it is held, and in which order it is written."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.held_rows import BATCH
from data.job_files import JobFiles
from data.lake import Lake
from data.schemas import PLAN
from data.unit_files import UnitFiles
from leadmill.ids import CompanyUrl, company_id, parse_company_url
from pipelines.execution import plan as planning
from pipelines.execution.merged import MAX_HOSTS, MAX_MERGED
from pipelines.execution.plan import Plan
from pipelines.request.asked import Source
from pipelines.stages import STAGES

JOB, OTHER = "job_0123456789abcdefghjk", "job_0123456789abcdefghjm"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
#: Of a company, Python's and Arrow's; a dictionary with its texts takes 640.
HELD_BYTES = 300


def company(number: int, path: str = "") -> CompanyUrl:
    domain = f"c{number:07d}.example"
    return CompanyUrl(company_id(domain), domain, f"https://www.{domain}/{path}")


@pytest.fixture
def plan() -> Plan:
    return Plan(JOB)


def written(plan: Plan, size: int, lake: Lake) -> list[dict[str, object]]:
    files = UnitFiles(lake, JOB, "launch", "launch", 1)
    size = files.write_plan(plan.parts(size), ["CRM"])
    lake.expose(JOB, "launch", "launch", 1)
    found = JobFiles.unrecorded(lake, JOB)
    assert found.input_headers() == ["CRM"] and pq.read_schema(found.plan_path()).equals(PLAN)
    assert found.plan_rows() == size.rows
    return found.plan()


def test_a_company_takes_little_while_a_list_is_read(plan: Plan) -> None:
    for number in range(BATCH):  # what is imported and cached once
        plan.add(company(number))
    count = 10 * BATCH
    arrow = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        for number in range(BATCH, BATCH + count):
            plan.add(company(number), number + 2)
        python, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (python + pa.total_allocated_bytes() - arrow) / count < HELD_BYTES


@pytest.mark.parametrize("size", [1, 7, 30, BATCH + 1])
def test_partitions_have_their_size_and_are_in_order(plan: Plan, lake: Lake, size: int) -> None:
    count = 2 * BATCH + 5
    for number in reversed(range(count)):
        plan.add(company(number), count - number, "job_of" if number == 3 else None)
    plan.add_failed("", "line 9", "no URL", line=9)
    rows = written(plan, size, lake)
    good, bad = rows[:-1], rows[-1]
    assert [row["partition"] for row in good] == [i // size for i in range(count)]
    given = [company(number).domain for number in reversed(range(count))]
    in_order = [domain for first in range(0, count, size) for domain in sorted(given[first : first + size])]
    assert [row["domain"] for row in good] == in_order
    assert {row["source_job"] for row in good if row["domain"] == company(3).domain} == {"job_of"}
    assert (bad["domain"], bad["line"], bad["partition"], bad["error"]) == ("line 9", 9, None, "no URL")
    assert {row["job_id"] for row in rows} == {JOB}


def test_an_address_is_told_as_merged_however_far_above_its_company_stands(plan: Plan, lake: Lake) -> None:
    for number in range(BATCH + 1):
        plan.add(company(number))
    for number in (0, BATCH, 0):
        plan.add(company(number, "again"))
        plan.add(company(number))
    assert plan.url_of(company(0).company_id) == "https://www.c0000000.example/"
    assert plan.url_of(company(BATCH).company_id) == f"https://www.c{BATCH:07d}.example/"
    assert plan.merged.told == {
        company(number).domain: [company(number).url, *[company(number, "again").url] * times]
        for number, times in ((0, 2), (BATCH, 1))
    }
    assert len(written(plan, 30, lake)) == BATCH + 1


def test_what_is_told_of_merged_addresses_has_an_end(plan: Plan) -> None:
    for number in range(MAX_MERGED + 1):
        plan.add(company(number))
        plan.add(company(number, "x"))
    for other in range(MAX_MERGED + 1):
        plan.add(company(0, str(other)))
    assert len(plan.merged.told) == MAX_MERGED == len(plan.merged.told[company(0).domain])


def test_other_hosts_of_a_company_are_planned_with_it(plan: Plan, lake: Lake) -> None:
    for number in range(BATCH + 2):
        plan.add(company(number))
    domain = company(BATCH + 1).domain
    shops = [f"shop{n}.{domain}/de" for n in range(MAX_HOSTS)]
    for text in (domain, f"http://{domain}/x", *shops, shops[0], f"https://late.{domain}"):
        plan.add(parse_company_url(text))
    plan.add(parse_company_url(f"https://shop.{company(0).domain}"))
    rows = written(plan, 30, lake)
    assert {row["domain"]: row["further"] for row in rows if row["further"]} == {
        domain: shops,
        company(0).domain: [f"https://shop.{company(0).domain}/"],
    }


def test_taken_companies_are_no_longer_planned(plan: Plan, lake: Lake) -> None:
    plan.add(company(1))
    plan.add(company(2))
    assert plan.take()["domain"].to_pylist() == [company(1).domain, company(2).domain]
    plan.add(company(2), source_job="job_of")
    assert [(row["domain"], row["partition"]) for row in written(plan, 30, lake)] == [(company(2).domain, 0)]


def test_newest_rows_are_asked_for_some_companies_at_a_time(
    plan: Plan, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "LOOKED_UP", 2)
    rows = [
        {"company_id": company(n).company_id, "domain": company(n).domain, "url": company(n).url, "enriched_at": NOW}
        for n in range(7)
    ]
    UnitFiles(lake, OTHER, "enrich", "p0", 1).write(rows[:5])
    UnitFiles(lake, OTHER, "scrape", "p0", 1).write([{**rows[5], "scraped_at": NOW}])
    for stage in ("enrich", "scrape"):
        lake.expose(OTHER, stage, "p0", 1)
    asked: list[int] = []

    def newest(stage: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        asked.append(len(ids))
        return Lake.newest(lake, stage, ids)

    monkeypatch.setattr(lake, "newest", newest)
    for number in (5, 3, 6, 1, 0):
        plan.add(company(number))
    run = SimpleNamespace(runtime=SimpleNamespace(lake=lake))
    ids = *(company(n).company_id for n in (0, 4, 2)), "comp_unknown"
    planning._add_newest(cast("Any", run), plan, "enrich", Source(company_ids=ids))
    found = written(plan, 30, lake)
    assert [row["domain"] for row in found if row["error"] is None] == [company(n).domain for n in (0, 1, 2, 3, 4)]
    assert list(plan.companies) == [company(n).company_id for n in (3, 1, 0, 4, 2)]
    assert {row["source_job"] for row in found if row["error"] is None} == {OTHER}
    failed = {row["domain"]: row["error"] for row in found if row["error"] is not None}
    assert failed == {
        company(5).domain: STAGES["enrich"].lacks,
        company(6).domain: "unknown company",
        "comp_unknown": "unknown company",
    }
    assert max(asked) == 2


def test_a_list_of_no_company_is_not_every_company(plan: Plan, lake: Lake) -> None:
    row = {"company_id": company(1).company_id, "domain": company(1).domain, "url": company(1).url, "enriched_at": NOW}
    UnitFiles(lake, OTHER, "enrich", "p0", 1).write([row])
    lake.expose(OTHER, "enrich", "p0", 1)
    run = cast("Any", SimpleNamespace(runtime=SimpleNamespace(lake=lake)))
    plan.add_failed("", "not a host", "not a domain name", line=2)
    planning._add_newest(run, plan, "enrich", Source(file=Path("upload.csv")))
    assert not plan.companies
    planning._add_newest(run, plan, "enrich", Source())
    assert list(plan.companies) == [company(1).company_id]
