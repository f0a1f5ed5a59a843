"""Times that cannot come out again are refused by name, and those that are taken come out everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from tests.api.conftest import V1, Worker, post
from tests.api.test_jobs import problem

LAST = "9999-12-31T23:59:59-14:00"
FIRST = "0001-01-01T00:00:00+14:00"
COMPANIES = {"company_urls": ["a.example"]}
WEEKLY = {"name": "n", "cron": "0 6 * * 1", "pipeline": COMPANIES}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/pipelines", {**COMPANIES, "run_at": LAST}, "run_at"),
        ("/pipelines", {**COMPANIES, "run_at": "9999-12-31T23:59:59Z"}, "run_at"),
        ("/pipelines", {**COMPANIES, "run_at": "2150-01-01T00:00:00Z"}, "run_at"),
        ("/pipelines", {**COMPANIES, "run_at": FIRST}, "run_at"),
        ("/pipelines", {**COMPANIES, "deadline": LAST}, "deadline"),
        ("/pipelines", {**COMPANIES, "deadline": FIRST}, "deadline"),
        ("/pipelines", {**COMPANIES, "deadline": "2150-01-01T00:00:00Z"}, "deadline"),
        ("/pipelines", {**COMPANIES, "deadline": 1e300}, "deadline"),
        ("/pipelines", {**COMPANIES, "deadline": 0}, "deadline"),
        ("/pipelines", {**COMPANIES, "deadline": -1.5}, "deadline"),
        ("/pipelines", {**COMPANIES, "deadline": "soon"}, "deadline"),
        ("/pipelines", {**COMPANIES, "run_at": "1700000000"}, "run_at"),
        ("/pipelines", {**COMPANIES, "min_coverage": 1.01}, "min_coverage"),
        ("/jobs/bulk", {"action": "cancel", "filter": {"since": LAST}}, "filter.since"),
        ("/jobs/bulk", {"action": "cancel", "filter": {"since": FIRST}}, "filter.since"),
        ("/schedules", {**WEEKLY, "pipeline": {**COMPANIES, "deadline": 1e9}}, "pipeline.deadline"),
        ("/schedules", {**WEEKLY, "cron": "0 6 31 2 *"}, "cron"),
    ],
)
def test_times_out_of_bounds_are_refused_by_name(client: TestClient, path: str, body: Any, field: str) -> None:
    found = problem(client.post(V1 + path, json=body), 422, "invalid_input")
    assert found["field"] == field and "and 1 more" not in found["detail"], found
    assert client.get(f"{V1}/jobs/list").json()["items"] == []


@pytest.mark.parametrize("since", [LAST, FIRST, "9999-12-31T23:59:59Z"])
def test_a_list_since_a_time_out_of_bounds_is_refused(client: TestClient, since: str) -> None:
    problem(client.get(f"{V1}/jobs/list", params={"since": since}), 422, "invalid_input")


def test_a_rerun_has_the_same_bounds(client: TestClient, worker: Worker) -> None:
    job = post(client)["job_id"]
    worker.finish(job)
    for body in ({"run_at": LAST}, {"run_at": "2150-01-01T00:00:00Z"}, {"deadline": LAST}):
        answer = client.post(f"{V1}/pipelines/{job}/rerun", params={"from_stage": "score"}, json=body)
        assert problem(answer, 422, "invalid_input")["field"].startswith(next(iter(body)))


def test_the_latest_times_that_are_taken_come_out_everywhere(client: TestClient) -> None:
    late = (datetime.now(UTC) + timedelta(days=3_600)).isoformat()
    job = post(client, body={**COMPANIES, "run_at": late, "deadline": late})["job_id"]
    assert client.get(f"{V1}/jobs/status/{job}").json()["waiting_for"].startswith("starts at 20")
    assert [one["job_id"] for one in client.get(f"{V1}/jobs/list").json()["items"]] == [job]
    assert client.get("/").status_code == 200


def test_a_time_that_version_0_1_took_costs_no_list(client: TestClient, store: JobStore) -> None:
    late = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    job = post(client, body={**COMPANIES, "run_at": late})["job_id"]
    store.redis.hset(store.key(f"job:{job}"), "run_at", 253_402_351_199_000)
    assert client.get(f"{V1}/jobs/status/{job}").json()["waiting_for"] == "starts at 9999-12-31T23:59:59.000Z"
    assert client.get(f"{V1}/jobs/list").status_code == client.get("/").status_code == 200
