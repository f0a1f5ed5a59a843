"""Jobs whose record was moved to the history: their status, and their place among the live in lists."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data import history
from data.jobs import JobRecord, JobStore
from data.lake import Lake
from pipelines.views import listing
from tests.api.conftest import V1, Worker, post, status
from tests.api.test_jobs import page_ids


def archive(store: JobStore, lake: Lake, *jobs: str) -> None:
    """What cleanup does to a record."""
    records = [record for record in store.records(jobs) if isinstance(record, JobRecord)]
    assert history.append(lake, records, datetime.now(UTC)) == len(jobs)
    for job in jobs:
        store.forget(job)


@pytest.fixture
def jobs(client: TestClient, worker: Worker, store: JobStore, lake: Lake) -> list[str]:
    """Twelve ended jobs, newest first; every third is archived."""
    made = []
    for n in range(12):
        job = post(client, body={"company_urls": ["a.example"], "tags": ["even" if n % 2 == 0 else "odd", f"n{n}"]})
        made.append(job["job_id"])
        if n % 4 == 0:
            client.delete(f"{V1}/jobs/cancel/{made[-1]}")
        else:
            worker.finish(made[-1])
        time.sleep(0.002)
    archive(store, lake, *made[::3])
    return made[::-1]


def test_status_of_an_archived_job(client: TestClient, worker: Worker, store: JobStore, lake: Lake) -> None:
    job = post(client, body={"company_urls": ["a.example"], "tags": ["old"]})["job_id"]
    worker.finish(job, "failed", 0.25)
    before = status(client, job)
    archive(store, lake, job)
    after = status(client, job)
    assert {**after, "links": None} == {**before, "links": None}
    assert set(after["links"]) == {"self", "errors", "report"}
    for method, path in (("POST", "resume"), ("POST", "replay"), ("GET", "events")):
        answer = client.request(method, f"{V1}/jobs/{job}/{path}")
        assert answer.status_code == 404 and "cleaned up" in answer.json()["detail"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12, 50])
def test_lists_hold_live_and_archived_jobs_in_one_order(client: TestClient, jobs: list[str], limit: int) -> None:
    assert page_ids(client, limit=limit) == jobs
    assert page_ids(client, limit=limit, tag="even") == jobs[1::2]
    assert page_ids(client, limit=limit, status="cancelled") == [jobs[3], jobs[7], jobs[11]]
    assert page_ids(client, limit=limit, kind="scrape") == []
    assert page_ids(client, limit=limit, text="N11") == [jobs[0]]
    assert page_ids(client, limit=limit, text='"n0"') == [jobs[11]], "an archived one"
    since = status(client, jobs[5])["created_at"]
    assert page_ids(client, limit=limit, since=since) == jobs[:6]


def test_lists_look_at_a_bounded_number_of_archived_jobs(
    client: TestClient, jobs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_LOOKED_AT", 2)
    monkeypatch.setattr(listing, "_BATCH", 2)
    page = client.get(f"{V1}/jobs/list", params={"text": '"n0"'}).json()
    assert page["items"] == [] and page["next_cursor"]
    assert page_ids(client, text='"n0"') == [jobs[11]]
    assert page_ids(client) == jobs


def test_a_page_that_ends_among_archived_jobs_holds_no_older_live_one(
    client: TestClient, store: JobStore, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [post(client)["job_id"] for _ in range(9)]
    for job in made:
        store.cancel(job)
    archive(store, lake, *made[3:])
    monkeypatch.setattr(listing, "MAX_LOOKED_AT", 2)
    page = client.get(f"{V1}/jobs/list").json()
    assert [job["job_id"] for job in page["items"]] == made[:6:-1] and page["next_cursor"]
    assert page_ids(client) == made[::-1]


def test_a_job_that_stands_in_both_is_told_once(
    client: TestClient, worker: Worker, store: JobStore, lake: Lake, jobs: list[str]
) -> None:
    record = store.record(jobs[1])
    assert record
    history.append(lake, [record], datetime.now(UTC))  # its cleanup is under way
    assert page_ids(client, limit=4) == jobs
    assert "resume" not in status(client, jobs[1])["links"] and "events" in status(client, jobs[1])["links"]


def test_full_live_pages_ask_no_file(
    client: TestClient, store: JobStore, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [post(client)["job_id"] for _ in range(5)]
    asked: list[Any] = []

    def page(lake: Lake, **wanted: Any) -> list[dict[str, Any]]:
        asked.append(wanted["since"])
        return []

    monkeypatch.setattr(history, "page", page)
    assert [job["job_id"] for job in client.get(f"{V1}/jobs/list?limit=3").json()["items"]] == made[:1:-1]
    oldest = datetime.fromisoformat(status(client, made[2])["created_at"])
    assert asked == [oldest], "only what is newer than the page's last job could belong on it"
