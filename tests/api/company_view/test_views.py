"""The tables of companies of a running API: built beside requests, told of, per project, and gone with the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.company_rows import Companies, CompanyFilter, company_page
from api.company_view import CompanyView, CompanyViews, views
from data.jobs import JobStore
from data.lake import Lake
from tests.api.conftest import V1, Worker, post
from tests.api.contract import ContractClient

PATIENCE_S = 30


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch, app: FastAPI) -> Iterator[TestClient]:
    """A client of an API that builds its tables as soon as it starts."""
    monkeypatch.setattr(views, "_START_S", 0.0)
    with ContractClient(app, "http://localhost", raise_server_exceptions=False) as found:
        yield found


def table_of(app: FastAPI, project: str = "default") -> CompanyView:
    made: CompanyViews = app.state.installation.views
    found: CompanyView = until(lambda: (view := made.of(project)) and view.seen.state == "ready" and view)
    return found


def domains(client: TestClient) -> list[str]:
    return [item["domain"] for item in client.get(f"{V1}/companies").json()["items"]]


def test_a_table_is_built_and_told_of(at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake) -> None:
    old = lake.data / "run" / "companies" / "0123"
    table = table_of(app)
    job = post(at_once)["job_id"]
    worker.rows(job, "score", ["a.example", "b.example"], score=1.0)
    assert domains(at_once) == ["a.example", "b.example"] and table.seen.companies == 2
    worker.finish(job)
    worker.rows(job, "process", ["c.example"])
    assert domains(at_once) == ["a.example", "b.example", "c.example"] and table.seen.companies == 3
    told = at_once.get("/healthz").json()["companies"]["default"]
    assert (told["state"], told["companies"]) == ("ready", 3) and told["age_seconds"] < PATIENCE_S
    metrics = at_once.get("/metrics").text
    assert 'leadmill_company_table_ready{project="default"} 1.0' in metrics
    assert 'leadmill_company_table_companies{project="default"} 3.0' in metrics
    assert 'leadmill_company_table_age_seconds{project="default"}' in metrics
    assert not old.exists()


def test_no_project_is_in_the_table_of_another(at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake) -> None:
    other = Worker(worker.store.of("other"), lake.of("other"))
    job = post(at_once)["job_id"]
    worker.rows(job, "score", ["ours.example"])
    other.rows(f"job_{'1' * 20}", "score", ["theirs.example"])
    assert domains(at_once) == ["ours.example"]
    theirs = table_of(app, "other")
    items, _ = company_page(Companies(other.lake, theirs), CompanyFilter(), 5, None)
    assert [item["domain"] for item in items] == ["theirs.example"] and theirs.current() != table_of(app).current()


def test_no_name_of_a_project_is_one_of_the_database(
    at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake
) -> None:
    for project in ("main", "temp", "system", "rows"):
        other = Worker(worker.store.of(project), lake.of(project))
        other.rows(f"job_{'1' * 20}", "score", [f"{project}.example"])
        theirs = table_of(app, project)
        items, _ = company_page(Companies(other.lake, theirs), CompanyFilter(), 5, None)
        assert [item["domain"] for item in items] == [f"{project}.example"] and theirs.current() is not None


def test_a_project_that_is_removed_is_gone_from_the_file(
    at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake
) -> None:
    other = Worker(worker.store.of("other"), lake.of("other"))
    other.rows(f"job_{'1' * 20}", "score", ["theirs.example"], emails=["planted@theirs.example"])
    theirs = table_of(app, "other")
    assert theirs.current() is not None
    [file] = (lake.data / "run" / "companies").glob("*/rows.duckdb")

    def holding() -> list[Path]:
        return [one for one in file.parent.iterdir() if one.is_file() and b"planted@theirs" in one.read_bytes()]

    assert holding() and file.stat().st_mode & 0o077 == 0
    theirs.drop()
    assert not holding()


def test_without_its_table_a_list_scans_the_lake(
    at_once: TestClient, app: FastAPI, worker: Worker, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of(app)
    worker.rows(post(at_once)["job_id"], "score", ["a.example"])
    assert domains(at_once) == ["a.example"]
    table.database.execute('DROP SCHEMA "of default" CASCADE')
    assert domains(at_once) == ["a.example"]
    worker.rows(post(at_once)["job_id"], "score", ["b.example"])
    assert domains(at_once) == ["a.example", "b.example"]
    health = at_once.get("/healthz").json()
    assert health["companies"]["default"]["state"] == "failed" and "scan the lake" in str(health["warnings"])
    monkeypatch.setattr(table, "_again", 0.0)
    table.feed()
    assert table.seen.state == "ready" and domains(at_once) == ["a.example", "b.example"]


def test_what_a_killed_process_left_goes_and_the_file_with_its_own(lake: Lake, store: JobStore, tmp_path: Path) -> None:
    place = lake.data / "run" / "companies"
    (place / "dead").mkdir(parents=True)
    (place / "dead" / "rows.duckdb").write_bytes(b"x")
    made = CompanyViews(store, lake)
    with lake.storage.lock(place / "lives" / ".lock", 0, 0):
        with made._opened() as database:
            there = {file.name for file in place.iterdir()} - {".lock"}
            assert "dead" not in there and "lives" in there and len(there) == 2
            assert database.execute("SELECT 1").fetchone() == (1,)
        assert {file.name for file in place.iterdir()} == {".lock", "lives"}
    with pytest.raises(duckdb.Error):
        database.execute("SELECT 1")
