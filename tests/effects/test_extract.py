"""What a submission asks to be looked for reaches the pages, and goes where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.effects.conftest import V1, Mill
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.hostile_server import HostileServer

PAGE = b"<title>Acme</title><h1>Acme</h1><h3>Anna Schmidt</h3><p>Managing Director<p>anna@acme-tools.example"


@pytest.fixture
def url(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A site that names a person."""

    async def staff(asked: hostile_server.Asked, writer: Any) -> None:
        hostile_server.send(writer, PAGE)

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "staff", staff)
    yield server.url("staff")


def told(mill: Mill, **asked: str) -> list[str]:
    answer = mill.http.get(f"{V1}/people", params=asked)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


def test_people_are_looked_for_where_they_are_asked_for(mill: Mill, url: str) -> None:
    """They are told by their own call, in parts of their own, of their own kind; nothing else of the job names them."""
    body = {"company_urls": [url], "crawl": {"max_pages": 1}, "report": {"formats": ["csv"]}}
    without = mill.run("/pipelines", body)
    asked = mill.run("/pipelines", {**body, "extract": {"people": True}})
    assert mill.rows(without, "process", "people") == [] and told(mill, job=without) == []
    (row,) = mill.rows(asked, "process", "people")
    assert (row["name"], row["role"], row["email"]) == ("Anna Schmidt", "Managing Director", "anna@acme-tools.example")
    assert told(mill, job=asked) == ["Anna Schmidt"] == told(mill, company=url)
    assert told(mill, job=asked, role_class="sales") == []
    for stage in ("process", "enrich", "score"):
        assert "Anna Schmidt" not in str(mill.rows(asked, stage)), stage
    assert b"Anna Schmidt" not in (mill.lake.job_dir(asked) / "reports" / "report.csv").read_bytes()
    mill.lake.drop_job_data(asked)
    assert told(mill, job=asked) == [] == told(mill, company=url), "they go with the job's data"


def test_a_rerun_may_ask_for_people(mill: Mill, url: str) -> None:
    old = mill.run("/pipelines", {"company_urls": [url], "crawl": {"max_pages": 1}, "stages": ["scrape", "process"]})
    path = f"/pipelines/{old}/rerun?from_stage=process"
    again = mill.run(path, {"extract": {"people": True}})
    assert told(mill, job=again) == ["Anna Schmidt"]
    assert told(mill, job=mill.run(f"/pipelines/{again}/rerun?from_stage=process", {})) == ["Anna Schmidt"]
    assert (
        told(mill, job=mill.run(f"/pipelines/{again}/rerun?from_stage=process", {"extract": {"people": False}})) == []
    )


def test_people_need_the_stage_that_reads_pages(mill: Mill, url: str) -> None:
    status, answer = mill.post("/pipelines", {"company_urls": [url], "stages": ["scrape"], "extract": {"people": True}})
    assert (status, answer["field"]) == (422, "extract")
    old = mill.run("/pipelines", {"company_urls": [url], "crawl": {"max_pages": 1}, "report": {"formats": ["csv"]}})
    status, answer = mill.post(f"/pipelines/{old}/rerun?from_stage=score", {"extract": {"people": True}})
    assert (status, answer["field"]) == (422, "extract")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "job"),
        ({"job": "x"}, "job"),
        ({"company": "a b"}, "company"),
        ({"job": "job_0", "role_class": "boss"}, "job"),
    ],
)
def test_a_wrong_question_is_refused(mill: Mill, asked: dict[str, str], field: str) -> None:
    answer = mill.http.get(f"{V1}/people", params=asked)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
