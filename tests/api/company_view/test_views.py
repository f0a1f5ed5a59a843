"""The tables of companies of a running API: built beside requests, told of, per project, and gone with the process."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from python_calamine import CalamineWorkbook

from api.company_matching import matching
from api.company_rows import Companies, CompanyFilter, company_page
from api.company_view import CompanyView, CompanyViews, view, views
from api.company_view.table import RowTable
from data.jobs import JobStore
from data.lake import Lake
from reports.lead_filter import LeadFilter
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


def test_an_export_opens_those_files_alone_that_hold_what_matches(
    at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, jobs = table_of(app), [str(post(at_once)["job_id"]) for _ in range(3)]
    for n, job in enumerate(jobs):
        worker.rows(job, "score", [f"c{n}.example", f"d{n}.example"], score=float(n), emails=[f"a@c{n}.example"])
        worker.finish(job)
    wanted = CompanyFilter(LeadFilter(text="C1."))
    found = matching(Companies(lake, table), wanted, tmp_path / "companies.parquet")
    assert found is not None and (found.count, found.of) == (1, 6)
    assert [file.parent.parent.name for file in found.files["score"]] == [jobs[1]]

    def files() -> list[Any]:
        asked = [(form, query) for form in ("csv", "json", "xlsx") for query in ("", "?text=c1.", "?text=nobody")]
        made = {one: at_once.get(f"{V1}/companies.{one[0]}{one[1]}") for one in asked}
        assert {answer.status_code for answer in made.values()} == {200}
        return [_cells(answer.content) if form == "xlsx" else answer.content for (form, _), answer in made.items()]

    by_table = files()
    monkeypatch.setattr(CompanyView, "current", lambda self: None)
    assert by_table == files() and b"c1.example" in by_table[1] and b"c0.example" not in by_table[1]


def _cells(book: bytes) -> list[Any]:
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(book))
    told = [sheets.get_sheet_by_name(name).to_python() for name in sheets.sheet_names]
    return [[row for row in sheet if "Made" not in str(row)] for sheet in told]


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
    folder = lake.data / "run" / "companies"
    assert holding(folder, b"planted@theirs")
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.glob("*/*.duckdb"))
    theirs.drop()
    assert not holding(folder, b"planted@theirs")


def holding(folder: Path, text: bytes) -> list[Path]:
    """Every file below that holds it."""
    return [one for one in folder.rglob("*") if one.is_file() and text in one.read_bytes()]


def test_rows_that_left_the_lake_leave_the_disk(
    at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB marks a row as removed and leaves it where it is, and so does its log of what was written."""
    monkeypatch.setattr(view, "_ERASED_S", 0.1)
    folder, kept, erased = lake.data / "run" / "companies", post(at_once)["job_id"], post(at_once)["job_id"]
    worker.rows(kept, "score", ["stays.example"], emails=["planted@stays"])
    worker.rows(erased, "score", ["goes.example"], emails=["planted@goes"])
    table = table_of(app)
    assert domains(at_once) == ["goes.example", "stays.example"]
    until(lambda: holding(folder, b"planted@goes"))
    lake.storage.remove_all(lake.job_dir(erased))
    assert domains(at_once) == ["stays.example"]
    until(lambda: not holding(folder, b"planted@goes"))
    assert domains(at_once) == ["stays.example"] and table.seen.state == "ready"
    assert table.current() is not None and holding(folder, b"planted@stays")


def test_while_a_file_is_written_anew_the_old_one_answers(
    at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes and goes meanwhile is in the answers, and in those of the new one."""
    table, goes = table_of(app), post(at_once)["job_id"]
    worker.rows(post(at_once)["job_id"], "score", ["a.example"])
    worker.rows(goes, "score", ["b.example"])
    assert domains(at_once) == ["a.example", "b.example"]
    before, take_over = table.current(), RowTable.take_over

    def meanwhile(new: RowTable, old: RowTable) -> Iterator[None]:
        worker.rows(post(at_once)["job_id"], "score", ["c.example"])
        lake.storage.remove_all(lake.job_dir(goes))
        assert domains(at_once) == ["a.example", "c.example"] and table.current() == before
        yield from take_over(new, old)
        assert domains(at_once) == ["a.example", "c.example"] and table.current() == before

    monkeypatch.setattr(RowTable, "take_over", meanwhile)
    table.write_anew()
    assert domains(at_once) == ["a.example", "c.example"] and table.current() not in (None, before)


def test_a_file_is_written_anew_no_oftener_than_needed(
    at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's next stage is no reason at once, rows that left the lake are one; then it rests."""
    monkeypatch.setattr(view, "_ERASED_S", 0.0)
    monkeypatch.setattr(view, "_REST_OF_WRITING", 1_000_000)
    table, (first, *others) = table_of(app), [post(at_once)["job_id"] for _ in range(3)]

    def after_a_round() -> str | None:
        for _ in range(2):  # the first one may have begun before
            began = time.time()
            table.behind()
            until(lambda: table.seen.at and table.seen.at > began)  # noqa: B023
        return table.current()

    worker.rows(first, "process", ["a.example"])
    for job, domain in zip(others, ("b.example", "c.example"), strict=True):
        worker.rows(job, "score", [domain])
    assert domains(at_once) == ["a.example", "b.example", "c.example"]
    before = table.current()
    worker.rows(first, "score", ["a.example"])
    worker.finish(first)
    assert len(domains(at_once)) == 3 and after_a_round() == before is not None
    names = set()
    for job in others:
        lake.storage.remove_all(lake.job_dir(job))
        names.add(after_a_round())
    assert len(names) == 1 and names != {before} and domains(at_once) == ["a.example"]


def test_without_room_for_a_second_file_the_table_is_built_anew(
    at_once: TestClient, app: FastAPI, worker: Worker, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_ERASED_S", 0.0)
    table, job = table_of(app), post(at_once)["job_id"]
    worker.rows(post(at_once)["job_id"], "score", ["a.example"])
    worker.rows(job, "score", ["b.example"], emails=["planted@b"])
    assert domains(at_once) == ["a.example", "b.example"]

    def full(*_: object) -> None:
        raise duckdb.IOException("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(RowTable, "take_over", full)
        lake.storage.remove_all(lake.job_dir(job))
        assert domains(at_once) == ["a.example"]
        until(lambda: table.seen.state == "failed")
    assert domains(at_once) == ["a.example"] and not holding(lake.data / "run" / "companies", b"planted@b")
    monkeypatch.setattr(table, "_again", 0.0)
    table.feed()
    assert table.seen.state == "ready" and domains(at_once) == ["a.example"]


def test_without_its_table_a_list_scans_the_lake(
    at_once: TestClient, app: FastAPI, worker: Worker, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of(app)
    worker.rows(post(at_once)["job_id"], "score", ["a.example"])
    assert domains(at_once) == ["a.example"]
    name = table.current()
    assert name is not None
    table.database.remove(name.partition(".")[0])
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
    made = CompanyViews(store, lake, lake.data / "run")
    with lake.storage.lock(place / "lives" / ".lock", 0, 0):
        with made._opened() as database:
            there = {file.name for file in place.iterdir()} - {".lock"}
            assert "dead" not in there and "lives" in there and len(there) == 2
            assert database.cursor().execute("SELECT 1").fetchone() == (1,)
        assert {file.name for file in place.iterdir()} == {".lock", "lives"}
    with pytest.raises(duckdb.Error):
        database.cursor().execute("SELECT 1")
