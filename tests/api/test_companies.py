"""Companies of the lake: each filter, the counts of values, the tables, one by its domain, the order."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from python_calamine import CalamineWorkbook

from api import lake_rows
from data.input_columns import headers_metadata
from leadmill.errors import UnavailableError
from pipelines.views.cursors import encode_key
from tests.api.conftest import V1, Worker, post

URL = f"{V1}/companies"


@pytest.fixture
def jobs(client: TestClient, worker: Worker) -> list[str]:
    """Two lists, of a fair and of a directory; `both.example` is on both, its newest row on the second."""
    found = []
    for tag in ("fair", "directory"):
        found.append(post(client, body={"company_urls": ["a.example"], "tags": [tag]})["job_id"])
        worker.finish(found[-1])
    worker.rows(
        found[0], "score", ["shop.example", "both.example"], name="Laden", country="DE", industry="retail", score=80.0,
        reach=50.0, tier="A", technologies=["Shopify", "React"], language="de", quality=0.5, employees_min=50,
        employees_max=99, emails=["a@shop.example"], phones=["+493012345"],
        input=[{"line": 2, "values": {"CRM id": "0017"}}],
    )  # fmt: skip
    with_headers(worker.lake.parts(found[0], "score"), "CRM id")
    worker.rows(
        found[1], "score", ["both.example", "agency.example"], name="Bureau", country="NL", industry="services",
        score=40.0, reach=90.0, tier="C", technologies=["React"], language="nl", quality=0.75,
        emails=["a@agency.example"], employees_max=9,
    )  # fmt: skip
    worker.rows(found[1], "process", ["bare.example"], country="DE")
    return found


def with_headers(parts: list[Path], *headers: str) -> None:
    """Name the other columns of the input in the parts, as score does."""
    for part in parts:
        rows = pq.read_table(part)
        pq.write_table(rows.replace_schema_metadata(headers_metadata(headers)), part)


def domains(client: TestClient, query: str) -> list[str]:
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.text
    return [row["domain"] for row in answer.json()["items"]]


FILTERS = [
    ("", "shop agency both bare"), ("tag=fair", "both shop"), ("tag=nobody", ""), ("domain=shop.example", "shop"),
    ("domain=https://www.shop.example/about", "shop"), ("tier=A", "shop"), ("tier=A,c", "shop agency both"),
    ("tier=A&tier=C", "shop agency both"), ("country=de", "shop bare"), ("tagg=fair", None),
    ("country=DE&country=NL", "shop agency both bare"), ("country=Germny", None),
    ("country=Germany", "shop bare"), ("country=Benelux", "agency both"),
    ("industry=Retail", "shop"), ("technology=shopify", "shop"), ("technology=react", "shop agency both"),
    ("technology=shopify&technology=react", "shop agency both"), ("min_score=50", "shop"),
    ("text=bureau", "agency both"),
    ("tag=directory&tier=C", "agency both"), ("tag=fair&tag=", None), ("tier=X", None), ("domain=http://%5B", None),
    ("job=x", None), ("language=DE", "shop"), ("language=de&language=nl", "shop agency both"), ("has=phone", "shop"),
    ("has=email", "shop agency both"), ("has=email&has=phone", "shop"), ("has=fax", None), ("size=50-249", "shop"),
    ("size=50-249&size=1-9", "shop agency both"), ("size=3", None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "wanted"), FILTERS)
def test_each_filter(client: TestClient, jobs: list[str], query: str, wanted: str | None) -> None:
    if wanted is None:
        assert client.get(f"{URL}?{query}").status_code == 422
        return
    assert domains(client, query) == [f"{name}.example" for name in wanted.split()]
    counted = client.get(f"{URL}/facets?{query}").json()
    assert counted["companies"] == len(wanted.split())
    csv_file, workbook, whole = (client.get(f"{URL}.{form}?{query}") for form in ("csv", "xlsx", "json"))
    assert {one.status_code for one in (csv_file, workbook, whole)} == {200 if wanted else 404}
    if wanted:
        assert [row["domain"] for row in whole.json()] == domains(client, query)
        assert [row["domain"] for row in table(client, query)] == domains(client, query)
        rows = CalamineWorkbook.from_filelike(io.BytesIO(workbook.content)).get_sheet_by_index(0).to_python()
        assert len(rows) == 1 + len(wanted.split())


def test_rows_of_one_job_name_it(client: TestClient, jobs: list[str]) -> None:
    """Also where another job has a newer row of the company."""
    for job, wanted in zip(jobs, ({"both", "shop"}, {"agency", "both", "bare"}), strict=True):
        items = client.get(f"{URL}?job={job}").json()["items"]
        assert {row["domain"].partition(".")[0] for row in items} == wanted
        assert {row["job_id"] for row in items} == {job}
        assert not any("input" in row for row in items)
    assert domains(client, f"job={jobs[0]}&tag=directory") == []
    assert domains(client, f"job=job_{'0' * 20}") == []


def test_pages_in_the_order_of_a_report(client: TestClient, jobs: list[str]) -> None:
    told: list[str] = []
    cursor = ""
    while cursor is not None:
        page = client.get(f"{URL}?limit=1{cursor}").json()
        told += [row["domain"] for row in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert told == ["shop.example", "agency.example", "both.example", "bare.example"]


@pytest.fixture
def sorted_ones(client: TestClient, worker: Worker) -> None:
    """Companies that each order sees differently, with gaps."""
    for n, (domain, columns) in enumerate(SORTED_ONES.items()):
        job = post(client, body={"company_urls": ["a.example"]})["job_id"]
        worker.finish(job)
        worker.rows(job, "score", [domain], **{"name": None, **columns}, scored_at=datetime(2026, 1, 9 - n, tzinfo=UTC))


SORTED_ONES: dict[str, dict[str, Any]] = {
    "one.example": {"name": "Zebra", "country": "DE", "score": 10.0, "employees_min": 5, "employees_max": 9},
    "two.example": {"name": "äpfel \u4f60\u597d GmbH", "country": None, "score": 90.0, "employees_max": 300},
    "three.example": {"country": "AT", "score": 50.0},
    "four.example": {"name": "Ast", "country": "DE", "score": 50.0, "employees_min": 5},
    "five.example": {"name": "apfel", "country": "FR", "score": float("nan"), "employees_min": 20},
}
ORDERED = {
    "-score": "two four three one five", "score": "one four three two five",
    "name": "five two four three one", "-name": "one three four two five",
    "country": "three four one five two", "-country": "five four one three two",
    "-employees": "two five four one three", "employees": "four one five two three",
    "-seen_at": "one two three four five", "seen_at": "five four three two one",
}  # fmt: skip


@pytest.mark.parametrize(("sort", "wanted"), ORDERED.items())
def test_each_order_page_by_page_and_in_the_downloads(
    client: TestClient, sorted_ones: None, sort: str, wanted: str
) -> None:
    told: list[str] = []
    cursor = ""
    while cursor is not None:
        page = client.get(f"{URL}?limit=1&sort={sort}{cursor}").json()
        told += [row["domain"].partition(".")[0] for row in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert told == wanted.split()
    for form in ("csv", "json"):
        rows = table(client, f"sort={sort}") if form == "csv" else client.get(f"{URL}.json?sort={sort}").json()
        assert [row["domain"].partition(".")[0] for row in rows] == told, form


def test_a_cursor_goes_on_in_its_own_order_alone(client: TestClient, sorted_ones: None) -> None:
    cursor = client.get(f"{URL}?limit=1&sort=name").json()["next_cursor"]
    for sort in ("-name", "country", "-score"):
        refused = client.get(f"{URL}?limit=1&sort={sort}&cursor={cursor}")
        assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "cursor", sort
    half = encode_key("name", "\ud800", "one.example")
    assert client.get(f"{URL}?sort=name&cursor={half}").status_code == 422
    assert client.get(f"{URL}?sort=domain").status_code == 422


def test_values_are_counted(client: TestClient, jobs: list[str]) -> None:
    found = client.get(f"{URL}/facets").json()
    assert found["companies"] == 4
    assert set(found["facets"]) == {"tier", "country", "language", "industry", "technologies", "size", "has", "job"}
    assert found["facets"]["has"] == [{"value": "email", "companies": 3}, {"value": "phone", "companies": 1}]
    assert {one["value"]: one["companies"] for one in found["facets"]["size"]} == {"1-9": 2, "50-249": 1}
    assert found["facets"]["technologies"] == [{"value": "React", "companies": 3}, {"value": "Shopify", "companies": 1}]
    assert found["facets"]["country"] == [{"value": "DE", "companies": 2}, {"value": "NL", "companies": 2}]
    few = client.get(f"{URL}/facets?field=technologies&field=tier&limit=1&country=DE").json()
    assert few == {
        "companies": 2,
        "facets": {"technologies": [{"value": "React", "companies": 1}], "tier": [{"value": "A", "companies": 1}]},
    }
    assert client.get(f"{URL}/facets?field=name").status_code == 422


def test_one_company_by_its_domain(client: TestClient, jobs: list[str]) -> None:
    whole = client.get(f"{URL}/shop.example").json()
    assert whole["name"] == "Laden" and whole["job_id"] == jobs[0]
    assert client.get(f"{URL}/www.shop.example").json() == whole == client.get(f"{URL}/{whole['company_id']}").json()
    assert client.get(f"{URL}/nobody.example").status_code == 404


def table(client: TestClient, query: str) -> list[dict[str, Any]]:
    answer = client.get(f"{URL}.csv?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    layout = re.search(r"layout=(\w+)", query)
    name = f"leadmill-{layout[1]}-companies.csv" if layout else "leadmill-companies.csv"
    assert f'filename="{name}"' in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_tables_have_every_company_of_the_filter(client: TestClient, jobs: list[str]) -> None:
    assert [row["domain"] for row in table(client, "")] == domains(client, "")
    assert [row["domain"] for row in table(client, "technology=react&tier=C")] == ["agency.example", "both.example"]
    own = table(client, f"job={jobs[0]}&layout=crm")
    assert {row["input.CRM id"] for row in own} == {"0017"}, "the list that was given to this job"
    assert not any(name.startswith("input.") for name in table(client, "layout=crm")[0])
    assert client.get(f"{URL}.csv?layout=nobody").status_code == 422
    assert not client.get(f"{URL}.csv?bom=false").content.startswith(b"\xef\xbb\xbf")
    sheets = [client.get(f"{URL}.xlsx?layout={layout}").content for layout in ("full", "crm")]
    widths = [CalamineWorkbook.from_filelike(io.BytesIO(one)).get_sheet_by_index(0).width for one in sheets]
    assert widths[0] > widths[1] > 0
    answer = client.get(f"{URL}.xlsx?tier=A")
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    text = str([book.get_sheet_by_name(name).to_python() for name in book.sheet_names])
    assert "shop.example" in text and "agency.example" not in text
    assert "tier A (1 of 4 companies)" in text, "the sheet about it tells the filter and the counts"


def test_a_table_of_no_company(client: TestClient, worker: Worker) -> None:
    assert client.get(f"{URL}.csv").status_code == 404
    assert client.get(f"{URL}/facets?field=tier").json() == {"companies": 0, "facets": {"tier": []}}


def test_counting_has_an_end() -> None:
    """More than a machine counts in a lifetime."""
    with pytest.raises(UnavailableError, match=r"longer than 0\.2 s; ask for less"):
        lake_rows.run("SELECT count(*) AS n FROM range(1000000000000) one(i) WHERE hash(i) % 7 = 1", within_s=0.2)
    assert lake_rows.run("SELECT 1 AS n", within_s=30) == [{"n": 1}], "the next one is not ended by it"


@pytest.mark.parametrize("part", ["bytes=0-3", "bytes=9-2", "lines=1"])
def test_a_table_is_sent_whole(client: TestClient, jobs: list[str], part: str) -> None:
    answer = client.get(f"{URL}.csv", headers={"Range": part})
    assert answer.status_code == 200 and answer.headers["accept-ranges"] == "none"
    assert answer.content == client.get(f"{URL}.csv").content
