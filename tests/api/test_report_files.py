"""A kept report as an answer: whole or a range of it, by the bytes that its storage gives."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.testclient import TestClient

from api.report_files import kept_file
from data.lake import Lake
from data.storage import Storage
from pipelines.intake.report_on_demand import ReportForm

JOB = "job_" + "0" * 20
DATA = bytes(range(256)) * 800


@pytest.fixture
def client(storage: Storage) -> TestClient:
    lake, app = Lake(storage.root), FastAPI()
    file = lake.job_dir(JOB) / "reports" / "report.xlsx"
    with lake.storage.create(file) as path:
        path.write_bytes(DATA)

    @app.get("/")
    def report(request: Request) -> Response:
        return kept_file(request, lake, file, JOB, None, ReportForm("xlsx"))

    return TestClient(app)


def test_it_is_sent_whole_and_once(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.content == DATA and answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["content-disposition"] == f'attachment; filename="leadmill-{JOB}.xlsx"'
    assert "sandbox" in answer.headers["content-security-policy"] and answer.headers["accept-ranges"] == "bytes"
    has_it = client.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert (has_it.status_code, has_it.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=300-", 300, len(DATA) - 1),
        (f"bytes={len(DATA) - 5}-{len(DATA) + 99}", len(DATA) - 5, len(DATA) - 1),
        ("bytes=70000-199999", 70_000, 199_999),
    ],
)
def test_a_range_of_it(client: TestClient, asked: str, first: int, last: int) -> None:
    answer = client.get("/", headers={"Range": asked})
    assert answer.status_code == 206 and answer.content == DATA[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert answer.headers["content-length"] == str(last + 1 - first)


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=0-1,3-4", "bytes=x", f"bytes={len(DATA)}-"])
def test_a_range_that_is_none_is_left_out(client: TestClient, asked: str) -> None:
    answer = client.get("/", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


def test_a_range_of_another_file_than_it_was_is_the_whole(client: TestClient) -> None:
    told: Mapping[str, str] = client.get("/").headers
    for name in ("etag", "last-modified"):
        answer = client.get("/", headers={"Range": "bytes=0-9", "If-Range": told[name]})
        assert (answer.status_code, len(answer.content)) == (206, 10)
    answer = client.get("/", headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (answer.status_code, answer.content) == (200, DATA)
