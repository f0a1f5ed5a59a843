"""Why a job stands still, in words, in each state it can stand in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from pipelines.views import waiting
from tests.api.conftest import V1, Worker, post, status

ALL_QUEUES = ("scraping", "processing", "analytics", "maintenance")


def submit(client: TestClient, **more: Any) -> str:
    time.sleep(0.002)
    return str(post(client, body={"company_urls": ["a.example"], **more})["job_id"])


def why(client: TestClient, job: str) -> Any:
    return status(client, job)["waiting_for"]


def test_jobs_ahead_are_those_that_start_before_it(client: TestClient, worker: Worker, store: JobStore) -> None:
    worker.listen(*ALL_QUEUES)
    low = submit(client, priority="low")
    first = submit(client)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    planned = submit(client, run_at=later)
    second = submit(client)
    high = submit(client, priority="high")
    assert why(client, high) == "a free process on `processing`"
    assert why(client, first) == "1 job ahead of it in `processing`"
    assert why(client, second) == "2 jobs ahead of it in `processing`"
    assert why(client, low) == "3 jobs ahead of it in `processing`"
    assert why(client, planned).startswith("starts at 20")
    client.delete(f"{V1}/jobs/cancel/{first}")
    assert why(client, low) == "2 jobs ahead of it in `processing`"
    assert why(client, first) is None, "what has ended waits for nothing"


def test_many_jobs_ahead_are_not_all_read(client: TestClient, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MAX_AHEAD", 3)
    worker.listen(*ALL_QUEUES)
    jobs = [submit(client) for _ in range(7)]
    assert why(client, jobs[3]) == "3 jobs ahead of it in `processing`"
    assert why(client, jobs[6]) == "more than 3 jobs ahead of it in `processing`"


def test_every_queue_without_a_listener_is_named_with_the_command(client: TestClient, worker: Worker) -> None:
    job = submit(client)
    worker.listen("processing")
    worker.launch(job, partitions=1)
    assert why(client, job) == "no worker listens on `scraping`; start one: `leadmill worker -Q scraping`"
    worker.listen("scraping")
    assert why(client, job) == "a free process on `scraping`"
    for index in range(3):
        worker.commit(job, "p0", index)
    worker.commit(job, "score")
    assert why(client, job) == "no worker listens on `analytics`; start one: `leadmill worker -Q analytics`"


def test_a_retry_tells_its_time_and_reason(client: TestClient, worker: Worker, store: JobStore) -> None:
    worker.listen(*ALL_QUEUES)
    job = submit(client)
    worker.launch(job, partitions=1)
    worker.fail(job, "p0", final=False, error="host is away")
    due = store.redis.zscore(store.key("due"), f"{job}|p0")
    at = datetime.fromtimestamp(due / 1000, UTC).strftime("%H:%M:%S")
    assert why(client, job) == f"retry at {at} UTC after: host is away"


def test_a_job_that_works_waits_for_nothing(client: TestClient, worker: Worker) -> None:
    job = submit(client)
    worker.launch(job)
    worker.begin(job, "p0")
    assert why(client, job) is None, "though p1 has no listener"
    worker.store.cancel(job)
    worker.store.resume(job)
    assert "no worker listens on `processing`" in why(client, job)
