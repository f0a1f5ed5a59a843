"""What is read from the lake: reports, errors, companies; and health and metrics."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from data.lake import Lake, UnitFiles
from leadmill.ids import company_id
from tests.api.conftest import V1, Worker, post
from tests.plans import write_plan

# ---- reports ------------------------------------------------------------------------------------------


def write_report(lake: Lake, job_id: str, fmt: str, content: bytes) -> None:
    folder = lake.job_dir(job_id) / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"report.{fmt}").write_bytes(content)


def test_download(client: TestClient, worker: Worker, lake: Lake) -> None:
    job_id = post(client)["job_id"]
    worker.finish(job_id)
    write_report(lake, job_id, "html", b"<p>hi")
    write_report(lake, job_id, "csv", b"company_id\n")
    url = f"{V1}/jobs/{job_id}/report"
    answer = client.get(url)
    assert answer.status_code == 200 and answer.content == b"<p>hi"
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-disposition"] == f'inline; filename="leadmill-{job_id}.html"'
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "script" not in policy, "the page names no script of its own"
    assert answer.headers["x-content-type-options"] == "nosniff"
    answer = client.get(url, params={"format": "csv"})
    assert answer.headers["content-disposition"] == f'attachment; filename="leadmill-{job_id}.csv"'
    answer = client.get(url, params={"format": "xlsx"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "csv, html" in answer.json()["detail"]
    answer = client.get(url, params={"format": "../x"})
    assert (answer.status_code, answer.json()["field"]) == (422, "format")


def test_report_whose_rename_is_missing(client: TestClient, worker: Worker, lake: Lake, store: Any) -> None:
    job_id = post(client)["job_id"]
    worker.finish(job_id)
    epoch = store.units(job_id)["render:csv"]["c"][0]
    with UnitFiles(lake, job_id, "report", "render:csv", epoch).write_at("reports/report.csv") as path:
        path.write_text("late\n")
    assert client.get(f"{V1}/jobs/{job_id}/report?format=csv").text == "late\n"


def test_report_of_a_running_and_of_a_cancelled_job(client: TestClient, worker: Worker) -> None:
    job_id = post(client)["job_id"]
    url = f"{V1}/jobs/{job_id}/report"
    answer = client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "pending" in answer.json()["detail"] and "partial=true" in answer.json()["detail"]
    assert client.get(url, params={"partial": "true"}).status_code == 404
    worker.launch(job_id)
    worker.rows(job_id, "process", ["a.example", "b.example"], name="A & B")
    client.delete(f"{V1}/jobs/cancel/{job_id}")
    answer = client.get(url)
    assert answer.status_code == 409
    assert "resume" in answer.json()["detail"] and "partial=true" in answer.json()["detail"]
    answer = client.get(url, params={"format": "csv", "partial": "true"})
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert sorted(row["domain"] for row in rows) == ["a.example", "b.example"]
    assert answer.headers["content-disposition"] == f'attachment; filename="leadmill-{job_id}-partial.csv"'
    answer = client.get(url, params={"partial": "true"})
    page, policy = answer.text, answer.headers["content-security-policy"]
    assert re.search(r"script-src 'sha256-[^']+'", page[:256])[0] in policy and "sandbox" in policy  # type: ignore[index]
    assert "allow-scripts" in policy and "allow-same-origin" not in policy
    assert f"Submitted {datetime.now(UTC):%-d %B %Y}" in page and "A partial report" in page
    answer = client.get(url, params={"format": "json", "partial": "true"})
    assert answer.status_code == 200 and "a.example" in answer.text


# ---- errors -------------------------------------------------------------------------------------------


def test_errors_are_paged(client: TestClient, worker: Worker, lake: Lake) -> None:
    job_id = post(client)["job_id"]
    url = f"{V1}/jobs/{job_id}/errors"
    assert client.get(url).json() == {"items": [], "next_cursor": None}
    write_plan(UnitFiles(lake, job_id, "launch", "launch", 1),
        [
            {"company_id": "", "domain": "not a url", "url": None, "bare": False, "line": 3, "error_category": "data",
             "error": "not a URL"},
            {"company_id": company_id("a.example"), "domain": "a.example", "url": "https://a.example/", "bare": True,
             "partition": 0},
        ]
    )  # fmt: skip
    lake.expose(job_id, "launch", "launch", 1)
    worker.error_rows(job_id, "scrape", [f"c{i}.example" for i in range(5)])
    worker.error_rows(job_id, "process", ["a.example"])
    first = client.get(url, params={"limit": 4}).json()
    second = client.get(url, params={"limit": 4, "cursor": first["next_cursor"]}).json()
    items = first["items"] + second["items"]
    assert len(first["items"]) == 4 and len(items) == 7 and second["next_cursor"] is None
    assert set(items[0]) == {
        "company_id", "domain", "url", "scope", "stage", "category", "error", "status", "code", "line", "at",
        "deferred_until",
    }  # fmt: skip
    launch = next(item for item in items if item["stage"] == "launch")
    assert (launch["line"], launch["error"], launch["scope"]) == (3, "not a URL", "company")
    assert next(item for item in items if item["stage"] == "scrape")["at"].endswith("Z")
    for bad in ("x", "-1", "9" * 13):
        assert client.get(url, params={"cursor": bad}).status_code == 422


def test_final_rows_without_some_columns_are_told(client: TestClient, worker: Worker) -> None:
    job_id = post(client)["job_id"]
    worker.rows(job_id, "score", ["lost.example"], error="set aside", error_category="poison")
    [part] = worker.lake.job_dir(job_id).glob("score/part-*.parquet")
    for gone, left in (("error_category", "set aside"), ("scored_at", "set aside"), ("error", None)):
        pq.write_table(pq.read_table(part).drop_columns([gone]), part)
        items = client.get(f"{V1}/jobs/{job_id}/errors").json()["items"]
        assert [(one["domain"], one["error"], one["category"]) for one in items] == (
            [("lost.example", left, "data")] if left else []
        )
        assert client.get(f"/ui/jobs/{job_id}/errors").status_code == 200
    long = client.get(f"/ui/jobs/{job_id}/companies?cursor={'x' * 300}", headers={"Accept": "text/html"})
    assert long.status_code == 422 and "not a cursor" in long.text.lower(), (
        "those of companies may be longer than of jobs"
    )


def test_errors_know_the_final_rows(client: TestClient, worker: Worker) -> None:
    job_id = post(client)["job_id"]
    worker.error_rows(job_id, "scrape", ["later-good.example", "bad.example"])
    worker.rows(job_id, "score", ["later-good.example"], score=50.0)
    files = UnitFiles(worker.lake, job_id, "score", "score", 2, partition=1)
    files.write(
        {"company_id": company_id(d), "domain": d, "error_category": "poison", "error": "set aside", "error_code": code}
        for d, code in (("bad.example", None), ("lost.example", "parked"))
    )
    worker.lake.expose(job_id, "score", "score", 2)
    items = client.get(f"{V1}/jobs/{job_id}/errors").json()["items"]
    assert sorted((item["domain"], item["category"]) for item in items) == [
        ("bad.example", "network"),
        ("lost.example", "poison"),
    ]
    parked = client.get(f"{V1}/jobs/{job_id}/errors", params={"code": "parked"}).json()["items"]
    assert [(item["domain"], item["code"]) for item in parked] == [("lost.example", "parked")]
    assert client.get(f"{V1}/jobs/{job_id}/errors", params={"code": "gone"}).status_code == 422


# ---- companies ----------------------------------------------------------------------------------------


@pytest.fixture
def companies(client: TestClient, worker: Worker) -> list[str]:
    """Two jobs: an old one up to score, a newer one; and one that only processed."""
    jobs = [post(client)["job_id"] for _ in range(3)]
    worker.rows(jobs[0], "score", ["a.example"], score=40.0, tier="C", country="DE", name="Alt")
    worker.rows(jobs[1], "score", ["a.example"], score=80.0, tier="A", country="DE", name="Neu",
                industry="Retail", technologies=["Shopify"], facts=[{"field": "name", "value": "Neu"}])  # fmt: skip
    worker.rows(jobs[1], "process", ["a.example"], name="earlier stage")
    worker.rows(jobs[2], "process", ["b.example", "a.example"], country="FR", name="Boulangerie B")
    return jobs


def test_companies_are_their_newest_rows(client: TestClient, companies: list[str]) -> None:
    url = f"{V1}/companies"
    items = client.get(url).json()["items"]
    assert [(row["domain"], row["name"], row["score"]) for row in items] == [
        ("a.example", "Neu", 80.0),
        ("b.example", "Boulangerie B", None),
    ]

    def found(**params: Any) -> list[str]:
        answer = client.get(url, params=params)
        assert answer.status_code == 200, answer.text
        return [row["domain"] for row in answer.json()["items"]]

    assert found(country="de") == ["a.example"] and found(tier="A") == ["a.example"] and found(tier="C") == []
    assert found(industry="retail") == ["a.example"] and found(technology="shopify") == ["a.example"]
    assert found(min_score=80) == ["a.example"] and found(min_score=81) == []
    assert found(text="boulan") == ["b.example"] and found(text="%") == []
    assert found(industry="' OR 1=1 --") == [] and found(text="' OR 1=1 --") == []
    page = client.get(url, params={"limit": 1}).json()
    rest = client.get(url, params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert [row["domain"] for row in page["items"] + rest["items"]] == ["a.example", "b.example"]
    assert rest["next_cursor"] is None
    for params, field in (
        ({"cursor": "x"}, "cursor"),
        ({"min_score": "much"}, "min_score"),
        ({"limit": 0}, "limit"),
        ({"country": "' OR 1=1 --"}, "country"),
    ):
        assert client.get(url, params=params).json()["field"] == field


def test_one_company_with_history_and_facts(client: TestClient, companies: list[str]) -> None:
    row = client.get(f"{V1}/companies/{company_id('a.example')}").json()
    assert row["name"] == "Neu" and row["job_id"] == companies[1]
    assert row["facts"][0]["field"] == "name"
    assert [(h["job_id"], h["stage"], h["score"]) for h in row["history"]] == [
        (companies[2], "process", None),
        (companies[1], "score", 80.0),
        (companies[0], "score", 40.0),
    ]
    for unknown in ("comp_" + "0" * 16, "x"):
        answer = client.get(f"{V1}/companies/{unknown}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_empty_lake(client: TestClient) -> None:
    assert client.get(f"{V1}/companies").json() == {"items": [], "next_cursor": None}
    assert client.get(f"{V1}/companies/comp_{'0' * 16}").status_code == 404


@pytest.mark.stack
def test_reading_the_lake_loads_no_pandas() -> None:
    code = (
        "import sys, tempfile, pathlib\n"
        "from data.lake import Lake\nfrom api.company_rows import Companies, CompanyFilter, company_page\n"
        "from api.lake_rows import run\n"
        "company_page(Companies(Lake(pathlib.Path(tempfile.mkdtemp()))), CompanyFilter(), 5, None)\n"
        "assert run('SELECT now() AS t, MAP {1: 2} AS m, [1.5] AS l')[0]['l'] == [1.5]\n"
        "print('pandas' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


# ---- health, metrics --------------------------------------------------------------------


def test_health_and_readiness(client: TestClient, worker: Worker) -> None:
    health = client.get("/healthz").json()
    assert health["redis"] == "ok" and health["status"] == "warn"  # the test's server keeps no append-only file
    assert "CONFIG SET appendonly yes" in health["warnings"][0]
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert all(queue in answer.json()["detail"] for queue in ("scraping", "processing", "analytics", "maintenance"))
    worker.listen("processing", "analytics", "maintenance", node="general")
    assert "`scraping`" in client.get("/readyz").json()["detail"]
    assert "`processing`" not in client.get("/readyz").json()["detail"]
    worker.listen("scraping", node="crawler")
    answer = client.get("/readyz")
    assert answer.status_code == 200 and answer.json() == {"status": "ready", "workers": 2}


def test_metrics(client: TestClient, worker: Worker) -> None:
    worker.finish(post(client)["job_id"])
    worker.listen("scraping")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'leadmill_jobs{project="default",status="completed"} 1.0' in lines
    assert 'leadmill_jobs_of_kind{kind="pipeline",project="default"} 1.0' in lines
    assert 'leadmill_queue_processes{queue="scraping"} 2.0' in lines
    assert any(
        line.startswith('leadmill_job_duration_p95_seconds{kind="pipeline",project="default"}') for line in lines
    )
    assert 'leadmill_units_begun_total{stage="scrape"} 2.0' in lines
