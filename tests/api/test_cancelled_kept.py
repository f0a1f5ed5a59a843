"""A cancelled job comes back as cancelled when the server was emptied, and never as one that somebody wants to run."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from data.lake import Lake
from leadmill.settings import Settings
from pipelines.execution.plan import launch
from pipelines.execution.restore import restore_missing
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from tests.api.conftest import V1, post, status

LATER = {"company_urls": ["a.example"], "run_at": "2030-01-01T00:00:00Z"}


def launched(client: TestClient, store: JobStore, lake: Lake, settings: Settings) -> str:
    job: str = post(client)["job_id"]
    assert run_unit(
        Runtime(settings, store, lake, lambda outs: None), launch, job, "launch", 0, 0, owner="t:1", chained=False
    )
    return job


@pytest.mark.parametrize("by_bulk", [False, True])
def test_a_cancelled_job_is_restored_as_cancelled(
    client: TestClient, store: JobStore, lake: Lake, settings: Settings, by_bulk: bool
) -> None:
    waiting, running = post(client, body=LATER)["job_id"], launched(client, store, lake, settings)
    if by_bulk:
        done = client.post(f"{V1}/jobs/bulk", json={"action": "cancel", "filter": {}}).json()["done"]
        assert done == 2
    else:
        for job in (waiting, running):
            assert client.delete(f"{V1}/jobs/cancel/{job}").status_code == 202
    store.redis.flushall()
    for job in (waiting, running):
        assert status(client, job)["status"] == "cancelled", "before it is put back"
    assert sorted(restore_missing(store, lake)) == sorted((waiting, running))
    for job in (waiting, running):
        found = status(client, job)
        assert (found["status"], found["error"]) == ("cancelled", None)
        assert client.post(f"{V1}/jobs/{job}/resume").status_code == 202


def test_one_that_was_resumed_is_not(client: TestClient, store: JobStore, lake: Lake, settings: Settings) -> None:
    job = launched(client, store, lake, settings)
    client.delete(f"{V1}/jobs/cancel/{job}")
    assert client.post(f"{V1}/jobs/{job}/resume").status_code == 202
    store.redis.flushall()
    restore_missing(store, lake)
    assert status(client, job)["status"] == "failed"
