"""Lists in requests: how they are told to be read, by the answer, by a preview, and by the job's result."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from fastapi.testclient import TestClient

from api import company_rows, pipelines
from api.app import create_app
from api.uploads import XLSX
from data.jobs import JobStore
from data.lake import Lake
from leadmill.errors import UnavailableError
from leadmill.settings import Settings
from pipelines.execution.plan import launch
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from pipelines.request.asked import read_source
from pipelines.request.lists import company_list
from tests.api.conftest import V1, Worker
from tests.valkey import free_port

URL, PREVIEW = f"{V1}/pipelines", f"{V1}/pipelines/preview"
ODD = (
    "sep=;\r\nKunden;;\r\nNr;Firma;Webseite\r\n1;Möwe;https://moewe.example\r\n2;;\r\n3;Öl;facebook.com/oel\r\n"
    "4;;n/a\r\n5;Möwe;http://moewe.example/shop\r\n6;Bär;<baer.example>\r\n;;\r\n"
).encode("cp1252")
READ = {
    "format": "csv",
    "column": "Webseite",
    "header_line": 3,
    "delimiter": ";",
    "encoding": "Windows-1252",
}
COUNTS = {"lines": 6, "companies": 2, "without_address": 2, "refused": 1, "repeated": 1, "merged": 1}


def workbook(*rows: list[Any]) -> bytes:
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held)
    sheet = book.add_worksheet("Firmen")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return held.getvalue()


def sent(client: TestClient, data: bytes, *, path: str = URL, **fields: str) -> Any:
    return client.post(path, files={"file": ("list", data)}, data=fields)


def test_nothing_is_kept_of_a_list_while_redis_is_away(settings: Settings, tmp_path: Path) -> None:
    away = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    with TestClient(create_app(away), "http://localhost") as client:
        assert sent(client, ODD).status_code == 503
    assert not list((settings.data_dir / "jobs").glob("*/*"))


def test_the_answer_tells_how_a_list_is_read(client: TestClient) -> None:
    answer = sent(client, ODD)
    assert (answer.status_code, answer.json()["input"]) == (202, READ)
    answer = client.post(URL, json={"company_urls": ["a.example"]})
    assert "input" not in answer.json()


def test_the_result_tells_what_came_of_its_lines(client: TestClient, store: JobStore, lake: Lake) -> None:
    job = sent(client, ODD).json()["job_id"]
    runtime = Runtime(Settings(data_url=str(lake.root)), store, lake, lambda outs: None)
    assert run_unit(runtime, launch, job, "launch", 0, 0, owner="o", chained=False)
    record = store.record(job)
    assert record is not None and json.loads(record.finding) == {"input": {**READ, **COUNTS}}
    assert len(record.finding) < 300, "what the record keeps of it, bytes"


def test_a_list_that_is_too_much_fails_its_job_with_what_would_do(
    client: TestClient, store: JobStore, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = sent(client, ODD).json()["job_id"]
    monkeypatch.setattr(company_list, "WHOLE", 600)
    runtime = Runtime(Settings(data_url=str(lake.root)), store, lake, lambda outs: None)
    run_unit(runtime, launch, job, "launch", 0, 0, owner="o", chained=False)
    told = client.get(f"{V1}/jobs/{job}/errors").json()["items"] + [
        client.get(f"{V1}/jobs/status/{job}").json()["error"]
    ]
    assert "too much to be read in one go" in str(told) and "'data'" in str(told)


def test_a_repeated_request_has_the_same_answer(client: TestClient) -> None:
    first, again = (client.post(URL, files={"file": ("list", ODD)}, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert again.content == first.content and again.headers["idempotency-replayed"] == "true"
    other = client.post(URL, files={"file": ("list", ODD)}, data={"column": "Firma"}, headers={"Idempotency-Key": "k"})
    assert other.status_code in (409, 422)


def test_a_workbook_as_form_and_as_body(client: TestClient, store: JobStore, lake: Lake) -> None:
    book = workbook(["Id", "Site", "Alt"], [17, "a.example", "b.example"])
    for answer in (
        sent(client, book, options=json.dumps({"column": "alt"})),
        sent(client, book, column="Alt"),
        client.post(URL, content=book, headers={"Content-Type": XLSX}, params={"column": "Alt"}),
    ):
        assert answer.status_code == 202, answer.text
        assert answer.json()["input"] == {"format": "xlsx", "sheet": "Firmen", "column": "Alt", "header_line": 1}
        job = answer.json()["job_id"]
        folder = lake.job_dir(job) / "input"
        assert (folder / "companies.xlsx").read_bytes() == book
        source = read_source(store.asked(job)[0], folder)
        assert source.file == folder / "companies.xlsx" and source.column in ("Alt", "alt")


@pytest.mark.parametrize(
    ("data", "fields", "field", "said"),
    [
        (b"Name,Website\nA,a.example\n", {"column": "Webseite"}, "column", "did you mean 'Website'?"),
        (b"Name,Website\nA,a.example\n", {"column": ""}, "column", ""),
        (b"Name,Website\nA,a.example\n", {"column": "x" * 201}, "column", ""),
        (b"Name,E-Mail\nA,info@a.example\n", {}, "file", "the file has: Name, E-Mail"),
        (b"PK\x03\x04nonsense", {}, "file", "damaged"),
        (b"url\n", {}, "file", "no company"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(
    client: TestClient, data: bytes, fields: dict[str, str], field: str, said: str
) -> None:
    answer = sent(client, data, **fields)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert said in answer.json()["detail"]


def test_a_column_without_a_list(client: TestClient) -> None:
    for path, body in (
        (URL, {"company_urls": ["a.example"], "column": "Website"}),
        (
            f"{V1}/schedules",
            {"name": "n", "cron": "0 6 * * 1", "pipeline": {"company_urls": ["a.example"], "column": "W"}},
        ),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json()["field"].split(".")[-1]) == (422, "column"), answer.text


def test_a_preview_makes_no_job(client: TestClient) -> None:
    shown = sent(client, ODD, path=PREVIEW)
    assert shown.status_code == 200, shown.text
    body = shown.json()
    assert {name: body[name] for name in READ} == READ
    assert {name: body[name] for name in COUNTS} == COUNTS
    assert (body["other_columns"], body["complete"]) == (["Nr", "Firma"], True)
    reasons = {reason["reason"]: reason["count"] for reason in body["reasons"]}
    assert reasons == {
        "no address in this line": 2,
        "a page on a social network (facebook.com) is no company's own website": 1,
    }
    assert body["reasons"][1]["examples"] == [{"line": 6, "text": "facebook.com/oel"}]
    assert body["first"][1] == {
        "line": 9,
        "domain": "baer.example",
        "url": "https://baer.example/",
        "values": {"Nr": "6", "Firma": "Bär"},
    }
    assert client.get(f"{V1}/jobs/list").json()["items"] == []


def test_a_preview_tells_how_many_companies_are_known(
    client: TestClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv = b"url\na.example\nb.example\nwww.a.example\nc.example\n"
    before = sent(client, csv, path=PREVIEW).json()
    assert (before["companies"], before["known"], before["newest_known_at"]) == (3, 0, None)
    job = str(sent(client, csv).json()["job_id"])
    worker.rows(job, "process", ["a.example", "elsewhere.example"])
    worker.rows(job, "score", ["b.example"], score=1.0)
    worker.error_rows(job, "scrape", ["c.example"])
    after = sent(client, csv, path=PREVIEW).json()
    assert (after["companies"], after["known"]) == (3, 2)
    assert after["newest_known_at"].startswith(f"{datetime.now(UTC):%Y-%m-}")

    def slow(*_: object, **__: object) -> None:
        raise UnavailableError("this took longer than 2 s")

    monkeypatch.setattr(company_rows, "run", slow)
    assert sent(client, csv, path=PREVIEW).json()["known"] is None, "it is told beside what was asked for"


def test_a_preview_in_its_other_shapes(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    csv = b"Name,A,B\nA,a.example,b.example\nB,c.example,d.example\nC,c.example,x\n"
    bare = client.post(PREVIEW, content=csv, headers={"Content-Type": "text/csv"}, params={"column": "B"})
    assert (bare.json()["column"], bare.json()["refused"]) == ("B", 1)
    assert sent(client, csv, path=PREVIEW, options='{"column": "A"}').json()["repeated"] == 1
    assert sent(client, csv, path=PREVIEW, stages="scrape").status_code == 422
    assert client.post(PREVIEW, json={"column": "A"}).status_code == 415
    monkeypatch.setattr(pipelines, "LOOK", 320)  # one address
    short = sent(client, csv, path=PREVIEW).json()
    assert (short["lines"], short["complete"]) == (1, False)


def test_a_list_that_begins_with_nothing_is_refused_after_a_look(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines, "LOOK", 30_000)
    answer = sent(client, b"url\n" + b"\n" * 10_000 + b"a.example\n")
    assert (answer.status_code, answer.json()["field"]) == (422, "file")
    assert "blank" in answer.json()["detail"]


def test_an_address_on_a_platform_is_refused_inline_too(client: TestClient) -> None:
    answer = client.post(URL, json={"company_urls": ["a.example", "https://www.linkedin.com/company/a"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "company_urls[1]")
    answer = client.post(URL, json={"company_urls": ["info@a.example"]})
    assert answer.status_code == 202


def test_files_on_disk_are_as_they_came(client: TestClient, tmp_path: Path, lake: Lake) -> None:
    job = sent(client, ODD).json()["job_id"]
    assert (lake.job_dir(job) / "input" / "companies.csv").read_bytes() == ODD
