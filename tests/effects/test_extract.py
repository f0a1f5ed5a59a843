"""What a submission asks to be looked for reaches the pages, and goes where it belongs."""

from __future__ import annotations

import pytest

from tests.effects.conftest import V1, Mill
from tests.tasks.scraping.hostile_server import HostileServer


@pytest.fixture
def url(server: HostileServer) -> str:
    """A site that names two persons."""
    return server.url("staff")


BOTH = ["Anna Schmidt", "Ben Cohen"]


def told(mill: Mill, **asked: str) -> list[str]:
    """Names that `GET /people` gives, sorted."""
    answer = mill.http.get(f"{V1}/people", params=asked)
    assert answer.status_code == 200, answer.text
    return sorted(one["name"] for one in answer.json()["items"])


def test_people_are_looked_for_where_they_are_asked_for(mill: Mill, url: str) -> None:
    """They are told by their own call, in parts of their own, of their own kind; nothing else of the job names them."""
    body = {"company_urls": [url], "crawl": {"max_pages": 1}, "report": {"formats": ["csv"]}}
    without = mill.run("/pipelines", body)
    asked = mill.run("/pipelines", {**body, "extract": {"people": True}})
    assert mill.rows(without, "process", "people") == [] and told(mill, job=without) == []
    row, _ = mill.rows(asked, "process", "people")
    assert (row["name"], row["role"], row["email"]) == ("Anna Schmidt", "Managing Director", "anna@acme-tools.example")
    assert told(mill, job=asked) == BOTH == told(mill, company=url)
    assert told(mill, job=asked, role_class="sales") == ["Ben Cohen"]
    first = mill.http.get(f"{V1}/people", params={"job": asked, "limit": 1}).json()
    assert sorted([*told(mill, job=asked, limit="1"), *told(mill, job=asked, cursor=first["next_cursor"])]) == BOTH
    for stage in ("process", "enrich", "score"):
        assert "Anna Schmidt" not in str(mill.rows(asked, stage)), stage
    assert b"Anna Schmidt" not in (mill.lake.job_dir(asked) / "reports" / "report.csv").read_bytes()
    mill.lake.drop_job_data(asked)
    assert told(mill, job=asked) == [] == told(mill, company=url), "they go with the job's data"


def test_a_rerun_may_ask_for_people(mill: Mill, url: str) -> None:
    old = mill.run("/pipelines", {"company_urls": [url], "crawl": {"max_pages": 1}, "stages": ["scrape", "process"]})
    path = f"/pipelines/{old}/rerun?from_stage=process"
    again = mill.run(path, {"extract": {"people": True}})
    assert told(mill, job=again) == BOTH
    assert told(mill, job=mill.run(f"/pipelines/{again}/rerun?from_stage=process", {})) == BOTH
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
