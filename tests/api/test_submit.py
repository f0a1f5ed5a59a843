"""Every submission: what it records, which bodies it refuses, and that one key makes one job."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from data.lake import Lake
from tests.api.conftest import V1, Valkey, Worker, post, status

COMPANY = "comp_0123456789abcdef"

SUBMISSIONS: list[tuple[str, dict[str, Any], str]] = [
    ("/pipelines", {"company_urls": ["https://acme.example/"]}, "pipeline"),
    ("/pipelines", {"search_queries": ["solar freiburg"], "max_results_per_query": 5}, "pipeline"),
    ("/pipelines", {"company_ids": [COMPANY], "stages": ["score", "report"]}, "pipeline"),
    ("/jobs/scrape/companies", {"company_urls": ["acme.example", "b.example"]}, "scrape"),
    ("/jobs/scrape/company", {"company_url": "acme.example"}, "scrape"),
    ("/jobs/scrape/batch", {"search_queries": ["x"], "max_results_per_query": 3}, "scrape"),
    ("/jobs/process/data", {"company_ids": [COMPANY]}, "process"),
    ("/jobs/process/enrich", {"company_ids": [COMPANY]}, "enrich"),
    ("/jobs/process/scores", {"company_ids": [COMPANY]}, "score"),
    ("/jobs/analytics/report", {"company_ids": [], "report_type": "leads"}, "report"),
    ("/jobs/analytics/analyze", {"company_ids": [COMPANY]}, "analyze"),
    ("/jobs/maintenance/cleanup?older_than_days=30", {}, "cleanup"),
    ("/jobs/maintenance/health-check", {}, "health_check"),
    ("/jobs/maintenance/optimize-db", {}, "optimize_db"),
]


@pytest.mark.parametrize(("path", "body", "kind"), SUBMISSIONS)
def test_every_submission_is_recorded(client: TestClient, path: str, body: dict[str, Any], kind: str) -> None:
    run_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    common = {"priority": "high", "tags": ["spring"], "min_coverage": 0.5, "deadline": 7200, "run_at": run_at}
    answer = client.post(V1 + path, json={**body, **common})
    assert answer.status_code == 202, answer.text
    accepted = answer.json()
    assert accepted["kind"] == kind and accepted["status"] == "pending"
    assert answer.headers["location"] == accepted["links"]["self"]
    assert answer.headers["x-request-id"].startswith("req_")
    job = client.get(answer.headers["location"]).json()
    assert (job["kind"], job["priority"], job["tags"]) == (kind, "high", ["spring"])
    assert job["waiting_for"].startswith("starts at ")


def test_maintenance_needs_no_body(client: TestClient, store: JobStore) -> None:
    answer = client.post(f"{V1}/jobs/maintenance/cleanup", params={"older_than_days": 7})
    assert store.asked(answer.json()["job_id"])[1] == {"older_than_days": 7}


def test_spec_holds_report_crawl_and_model(client: TestClient, store: JobStore) -> None:
    body = {
        "company_urls": ["acme.example"],
        "report": {"type": "leads", "formats": ["xlsx"]},
        "crawl": {"max_pages": 3, "respect_robots": False},
        "scoring_model": "b2b-default",
    }
    source, spec = store.asked(post(client, body=body)["job_id"])
    assert source == {"company_urls": ["acme.example"]}
    assert spec == {
        "report": {"type": "leads", "formats": ["xlsx"]},
        "crawl": {"max_pages": 3, "respect_robots": False},
        "scoring_model": "b2b-default",
    }
    _, spec = store.asked(post(client)["job_id"])
    assert spec == {"report": {"type": "comprehensive", "formats": ["html", "csv"]}}
    _, spec = store.asked(post(client, "/jobs/analytics/report", {"report_type": "summary"})["job_id"])
    assert spec == {"report": {"type": "summary", "formats": ["html", "csv"]}}
    tables = {"layout": "crm", "bom": False}
    _, spec = store.asked(post(client, body={"company_urls": ["acme.example"], "report": tables})["job_id"])
    assert spec == {"report": {"type": "comprehensive", "formats": ["html", "csv"], **tables}}
    _, spec = store.asked(post(client, "/jobs/analytics/report", tables)["job_id"])
    assert spec == {"report": {"type": "comprehensive", "formats": ["html", "csv"], **tables}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "company_urls"),
    ({"company_urls": ["a.example", "ftp://b.example"]}, "company_urls[1]"),
    ({"company_urls": ["a.example", 7]}, "company_urls[1]"),
    ({"company_urls": "a.example"}, "company_urls"),
    ({"company_urls": ["\ud800.example"]}, "body"),  # half a character is no JSON
    ({"company_ids": ["comp_x"]}, "company_ids[0]"),
    ({"company_urls": ["a.example"], "callback_url": "https://x.example/"}, "callback_url"),
    ({"company_urls": ["a.example"], "nonsense": 1}, "nonsense"),
    ({"company_urls": ["a.example"], "priority": "urgent"}, "priority"),
    ({"company_urls": ["a.example"], "min_coverage": "0.5"}, "min_coverage"),
    ({"company_urls": ["a.example"], "min_coverage": 1.5}, "min_coverage"),
    ({"company_urls": ["a.example"], "stages": ["scrape", "score"]}, "stages"),
    ({"company_urls": ["a.example"], "stages": ["fly"]}, "stages[0]"),
    ({"company_urls": ["a.example"], "report": {"formats": ["pdf"]}}, "report.formats[0]"),
    ({"company_urls": ["a.example"], "report": {"formats": []}}, "report.formats"),
    ({"company_urls": ["a.example"], "report": {"layout": "crn"}}, "report.layout"),
    ({"company_urls": ["a.example"], "report": {"layout": "crm", "formats": ["html", "json"]}}, "report.layout"),
    ({"company_urls": ["a.example"], "report": {"bom": "no"}}, "report.bom"),
    ({"company_urls": ["a.example"], "crawl": {"max_pages": True}}, "crawl.max_pages"),
    ({"company_urls": ["a.example"], "crawl": {"proxy": "http://x"}}, "crawl.proxy"),
    ({"company_urls": ["a.example"], "tags": [""]}, "tags[0]"),
    ({"company_urls": ["a.example"], "run_at": 17}, "run_at"),
    ({"company_urls": ["a.example"], "run_at": "2027-01-01T00:00:00"}, "run_at"),
    ({"company_urls": ["a.example"], "deadline": "2001-01-01T00:00:00Z"}, "deadline"),
    ({"search_queries": [" "]}, "search_queries[0]"),
    ({"search_queries": ["x"], "max_results_per_query": "9"}, "max_results_per_query"),
]


@pytest.mark.parametrize(("body", "field"), WRONG)
def test_wrong_bodies_name_the_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"{V1}/pipelines", content=json.dumps(body), headers=headers)
    problem = answer.json()
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "invalid_input" and problem["status"] == 422
    assert problem["field"].startswith(field) and problem["errors"][0]["field"] == problem["field"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail"} <= problem.keys()


def test_other_submissions_name_the_field_too(client: TestClient) -> None:
    for path, body, field in (
        ("/jobs/scrape/company", {"company_url": "not a url"}, "company_url"),
        ("/jobs/scrape/companies", {"company_urls": []}, "company_urls"),
        ("/jobs/process/data", {}, "company_ids"),
        ("/jobs/process/data", {"company_ids": [COMPANY], "x": 1}, "x"),
        ("/jobs/analytics/report", {"report_type": "all"}, "report_type"),
        ("/jobs/analytics/report", {"layout": "hubsport"}, "layout"),
        ("/jobs/maintenance/cleanup?older_than_days=-1", {}, "older_than_days"),
    ):
        answer = client.post(V1 + path, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


def test_several_faults_are_told_at_once(client: TestClient) -> None:
    answer = client.post(f"{V1}/pipelines", json={"company_urls": [1, 2], "priority": 3})
    assert [e["field"] for e in answer.json()["errors"]] == ["priority", "company_urls[0]", "company_urls[1]"]


def test_malformed_json_and_other_media(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    for content in ("{", "[" * 100_000, "null", '{"min_coverage": NaN}'):
        answer = client.post(f"{V1}/pipelines", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), content[:20]
    answer = client.post(f"{V1}/jobs/scrape/company", content="[" * 100_000, headers=headers)
    assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"
    answer = client.post(f"{V1}/pipelines", content="x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_large_input_goes_to_a_file(client: TestClient, store: JobStore, lake: Lake) -> None:
    urls = [f"https://company-{i}.example/" for i in range(10_000)]
    job = post(client, body={"company_urls": urls})["job_id"]
    assert store.asked(job)[0] == {"json": "input.json"}
    assert json.loads((lake.job_dir(job) / "input" / "input.json").read_text())["company_urls"] == urls
    answer = client.post(f"{V1}/pipelines", json={"company_urls": [*urls, "one-more.example"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "company_urls")


# ---- uploads --------------------------------------------------------------------------------------


def test_csv_upload_in_three_shapes(client: TestClient, store: JobStore, lake: Lake) -> None:
    csv = b"Name,Website\nAcme,acme.example\nBad,not a url\n"
    options = {"tags": ["up"], "report": {"formats": ["csv"]}, "priority": "low"}
    answers = [
        client.post(f"{V1}/pipelines", files={"file": ("a.csv", csv)}, data={"options": json.dumps(options)}),
        client.post(
            f"{V1}/pipelines",
            files={"file": ("a.csv", csv)},
            data={"tags": "up", "report": '{"formats": ["csv"]}', "priority": "low"},
        ),
        client.post(
            f"{V1}/pipelines",
            content=csv,
            headers={"Content-Type": "text/csv; charset=utf-8"},
            params={"tags": "up", "report": '{"formats": ["csv"]}', "priority": "low"},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 202, answer.text
        job = answer.json()["job_id"]
        source, spec = store.asked(job)
        assert source == {"file": "companies.csv"}
        assert spec["report"] == {"type": "comprehensive", "formats": ["csv"]}
        assert (lake.job_dir(job) / "input" / "companies.csv").read_bytes() == csv
        shown = status(client, job)
        assert (shown["tags"], shown["priority"]) == (["up"], "low")


def test_bad_uploads(client: TestClient) -> None:
    url = f"{V1}/pipelines"
    for files, data, field in (
        ({"file": ("a.csv", b"a,b\n1,2\n")}, {}, "file"),
        ({"file": ("a.csv", b"")}, {}, "file"),
        ({"file": ("a.csv", b"url\n")}, {}, "file"),
        ({"file": ("a.pdf", b"%PDF-1.7\nurl\nacme.example\n")}, {}, "file"),
        ({"other": ("a.csv", b"url\nacme.example\n")}, {}, "file"),
        ({"file": ("a.csv", b"url\nacme.example\n")}, {"options": "{"}, "options"),
        ({"file": ("a.csv", b"url\nacme.example\n")}, {"options": "[]"}, "options"),
        ({"file": ("a.csv", b"url\nacme.example\n")}, {"min_coverage": "2"}, "min_coverage"),
        ({"file": ("a.csv", b"url\nacme.example\n")}, {"nonsense": "2"}, "nonsense"),
    ):
        answer = client.post(url, files=files, data=data)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    answer = client.post(url, content=b"--x\r\n", headers={"Content-Type": "multipart/form-data"})
    assert answer.status_code == 422


# ---- idempotency ------------------------------------------------------------------------------------


def test_same_key_same_body_is_one_job(client: TestClient) -> None:
    headers = {"Idempotency-Key": "order 17"}
    first = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}, headers=headers)
    again = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}, headers=headers)
    assert again.status_code == first.status_code == 202
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"
    other = client.post(f"{V1}/pipelines", json={"company_urls": ["b.example"]}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    elsewhere = client.post(f"{V1}/jobs/scrape/companies", json={"company_urls": ["a.example"]}, headers=headers)
    assert elsewhere.status_code == 409


def test_key_and_a_deadline_given_as_time(client: TestClient) -> None:
    body = {"company_urls": ["a.example"], "deadline": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    jobs = {post(client, body=body, headers={"Idempotency-Key": "k"})["job_id"] for _ in range(2)}
    assert len(jobs) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "tab\there", "b\u00fcro".encode()])
def test_bad_keys(client: TestClient, key: Any) -> None:
    answer = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


def test_fifty_parallel_posts_are_one_job(client: TestClient) -> None:
    def send(_: int) -> tuple[str, str | None]:
        answer = client.post(
            f"{V1}/pipelines", json={"company_urls": ["a.example"]}, headers={"Idempotency-Key": "once"}
        )
        assert answer.status_code == 202, answer.text
        return answer.json()["job_id"], answer.headers.get("idempotency-replayed")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(50)))
    assert len({job for job, _ in answers}) == 1
    assert sum(replayed is None for _, replayed in answers) == 1
    assert len(client.get(f"{V1}/jobs/list").json()["items"]) == 1


# ---- the launch message, and a Redis that does not answer ------------------------------------------------


def test_launch_message_follows_the_answer(client: TestClient, valkey: Valkey) -> None:
    job = post(client, body={"company_urls": ["a.example"], "priority": "high"})["job_id"]
    key = "leadmill:processing\x06\x161"
    for _ in range(200):
        if valkey.client.llen(key):
            break
        time.sleep(0.01)
    (message,) = valkey.client.lrange(key, 0, -1)
    assert job in message and "leadmill.launch" in message


def test_frozen_redis_gives_503_in_time_and_names_the_job(client: TestClient, valkey: Valkey, worker: Worker) -> None:
    first = post(client)["job_id"]
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(
                    lambda call: client.request(*call),
                    [
                        ("POST", f"{V1}/jobs/maintenance/health-check"),
                        ("POST", f"{V1}/jobs/maintenance/cleanup"),
                        ("GET", f"{V1}/jobs/status/{first}"),
                        ("GET", f"{V1}/jobs/list"),
                        ("GET", f"{V1}/jobs/statistics"),
                        ("DELETE", f"{V1}/jobs/cancel/{first}"),
                        ("GET", "/readyz"),
                        ("GET", "/healthz"),
                    ],
                )
            )
        took = time.monotonic() - start
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    assert [answer.status_code for answer in answers] == [503] * 7 + [200]
    for answer in answers[:7]:
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["code"] == "unavailable"
    assert answers[0].json()["job_id"].startswith("job_")
    assert answers[7].json()["status"] == "warn"
    assert took < 5
    assert status(client, first)["status"] == "pending"


def test_sixteen_submits_into_a_frozen_redis(client: TestClient, valkey: Valkey) -> None:
    post(client)
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            body = {"company_urls": ["a.example"]}
            answers = list(pool.map(lambda _: client.post(f"{V1}/pipelines", json=body), range(16)))
        took = time.monotonic() - start
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    assert {answer.status_code for answer in answers} == {503} and took < 8
    assert len({answer.json()["job_id"] for answer in answers}) == 16
