"""What callers get of a record that something else has written over, and of a Redis that refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from tests.api.conftest import V1, Valkey, Worker, post
from tests.api.test_jobs import problem


@pytest.fixture
def full(valkey: Valkey) -> Iterator[None]:
    valkey.client.config_set("maxmemory", 1)
    yield
    valkey.client.config_set("maxmemory", 0)


@pytest.mark.parametrize("name", ["job", "doc", "units", "ev"])
def test_a_damaged_job_is_an_error_of_its_own_and_of_no_list(
    client: TestClient, store: JobStore, worker: Worker, name: str
) -> None:
    worker.listen("processing")
    damaged, sound = post(client)["job_id"], post(client)["job_id"]
    store.redis.delete(key := store.key(f"{name}:{damaged}"))
    store.redis.set(key, "planted")
    for call in (
        client.delete(f"{V1}/jobs/cancel/{damaged}"),
        *([client.get(f"{V1}/jobs/status/{damaged}")] if name in ("job", "doc") else []),
    ):
        found = problem(call, 500, "damaged_record")
        assert key in found["detail"] and "RENAME" in found["detail"]
    for path in ("/jobs/list", "/jobs/list?kind=pipeline", "/jobs/statistics", "/jobs/dead"):
        answer = client.get(V1 + path)
        assert answer.status_code == 200, answer.text
    assert sound in {job["job_id"] for job in client.get(f"{V1}/jobs/list").json()["items"]}
    assert client.get(f"{V1}/jobs/status/{sound}").json()["waiting_for"]
    assert client.get("/").status_code == 200
    store.redis.rename(key, f"{key}.damaged")
    if name != "job":
        assert client.delete(f"{V1}/jobs/cancel/{damaged}").status_code == 202


def test_a_full_store_is_told_as_full_and_the_repeat_is_recorded(
    client: TestClient, valkey: Valkey, full: None
) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"company_urls": ["acme.example"]}
    answer = client.post(f"{V1}/pipelines", json=body, headers=headers)
    found = problem(answer, 507, "store_full")
    assert "maxmemory" in found["detail"] and "job_id" not in found
    assert answer.headers["Retry-After"]
    valkey.client.config_set("maxmemory", 0)
    again = client.post(f"{V1}/pipelines", json=body, headers=headers)
    assert again.status_code == 202 and "Idempotency-Replayed" not in again.headers


def test_a_repeat_is_202_only_once_the_job_has_its_launch(client: TestClient, store: JobStore, worker: Worker) -> None:
    """A half-made record, as 0.1.0 left it, whose client repeats with its key."""
    headers = {"Idempotency-Key": "k"}
    first = client.post(f"{V1}/pipelines", json={"company_urls": ["acme.example"]}, headers=headers).json()["job_id"]
    store.redis.delete(store.key(f"units:{first}"), store.key(f"doc:{first}"), store.key("due"))
    again = client.post(f"{V1}/pipelines", json={"company_urls": ["acme.example"]}, headers=headers)
    assert again.status_code == 202 and again.json()["job_id"] == first
    source, _ = store.asked(first)
    assert source == {"company_urls": ["acme.example"]}
    assert store.units(first)["launch"]["s"] == "h"
    assert store.redis.zrange(store.key("due"), 0, -1) == [f"{first}|launch"]
    worker.finish(first)
    assert client.post(f"{V1}/pipelines", json={"company_urls": ["acme.example"]}, headers=headers).status_code == 202
    job = store.read(first)
    assert job and job["status"] == "completed" and json.loads(job["tags"]) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [("/jobs/list", "idx:s:cancelled"), ("/jobs/statistics", "hist:scrape"), ("/jobs/statistics", "flow")],
)
def test_the_key_that_is_damaged_is_named_among_many(client: TestClient, store: JobStore, path: str, key: str) -> None:
    store.redis.set(store.key(key), "x")
    answer = client.get(V1 + path).json()
    assert answer["code"] == "damaged_record" and answer["detail"].startswith(f"{store.key(key)} of the job store")
