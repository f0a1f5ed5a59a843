"""A disk that is full or cannot be written: told with advice, and nothing half left."""

from __future__ import annotations

import json
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from data.jobs import JobStore
from data.lake import Lake
from tests.api.conftest import V1, Worker, post

URLS = [f"https://c{i:05d}.example/some/longer/path/of/a/page" for i in range(3_000)]
CSV = "url\n" + "\n".join(URLS)
#: More than a form's file may have in memory.
LARGE_CSV = CSV * 20
WRITES: dict[str, Callable[[TestClient], httpx2.Response]] = {
    "long list": lambda client: client.post(f"{V1}/pipelines", json={"company_urls": URLS}),
    "long list of a stage": lambda client: client.post(f"{V1}/jobs/scrape/companies", json={"company_urls": URLS}),
    "CSV": lambda client: client.post(f"{V1}/pipelines", content=CSV, headers={"Content-Type": "text/csv"}),
    "form": lambda client: client.post(f"{V1}/pipelines", files={"file": ("a.csv", CSV.encode())}),
    "large form": lambda client: client.post(f"{V1}/pipelines", files={"file": ("a.csv", LARGE_CSV.encode())}),
}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, for this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@contextmanager
def full_disk(left: int = 20_000) -> Iterator[None]:
    """No file can grow beyond so many bytes: the write that would fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def problem(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    found: dict[str, Any] = json.loads(answer.text)
    return found


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_a_full_disk_is_told_and_nothing_is_left(
    client: TestClient,
    store: JobStore,
    lake: Lake,
    temporary: Path,
    write: Callable[[TestClient], httpx2.Response],
) -> None:
    with full_disk():
        answer = write(client)
        assert answer.status_code == 507, answer.text
        small = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]})
        assert small.status_code == 202, "what needs no disk is still taken"
    told = problem(answer)
    assert told["code"] == "storage_full"
    assert "free space" in told["detail"] and str(temporary) in told["detail"]
    assert list(lake.jobs.glob("*")) == []
    assert list(temporary.iterdir()) == []
    assert [job_id for job_id, _ in store.ids("s:pending")] == [small.json()["job_id"]]
    assert write(client).status_code == 202, "with room again it is taken"


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_a_disk_that_cannot_be_written_is_told(
    app: FastAPI, client: TestClient, store: JobStore, write: Callable[[TestClient], httpx2.Response]
) -> None:
    app.state.installation.lake = Lake(Path("/sys/kernel/leadmill"))  # where nobody, root included, can make a folder
    answer = write(client)
    assert answer.status_code == 503, answer.text
    told = problem(answer)
    assert told["code"] == "storage_unwritable"
    assert "leadmill doctor" in told["detail"]
    assert store.ids("s:pending") == []


@pytest.mark.parametrize("fmt", ["html", "csv", "xlsx", "json", "parquet"])
def test_a_partial_report_that_finds_no_room(client: TestClient, worker: Worker, temporary: Path, fmt: str) -> None:
    job_id = post(client)["job_id"]
    worker.launch(job_id)
    worker.rows(job_id, "enrich", [f"c{i}.example" for i in range(300)], description="x y " * 50)
    path = f"{V1}/jobs/{job_id}/report?partial=true&format={fmt}"
    with full_disk(300):
        answer = client.get(path)
    assert answer.status_code == 507, answer.text
    assert problem(answer)["code"] == "storage_full"
    assert list(temporary.iterdir()) == []
    assert client.get(path).status_code == 200
