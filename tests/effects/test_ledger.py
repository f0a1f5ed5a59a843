"""What crawls asked is told by GET /ledger, also when the job's data has gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.effects.conftest import V1, Mill
from tests.tasks.scraping.hostile_server import HostileServer


def told(mill: Mill, **asked: Any) -> list[dict[str, Any]]:
    answer = mill.http.get(f"{V1}/ledger", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.fixture
def job(mill: Mill, server: HostileServer) -> str:
    """A job that may not ask for one of the pages."""
    url = server.url("deny-part")
    return mill.run("/pipelines", {"company_urls": [url], "crawl": {"max_pages": 2}, "report": {"formats": ["csv"]}})


def test_what_was_asked_is_told(mill: Mill, server: HostileServer, job: str) -> None:
    url = server.url("deny-part")
    everything = told(mill, job=job)
    assert everything == sorted(everything, key=lambda entry: entry["at"], reverse=True)
    kinds = {(entry["kind"], entry["outcome"]) for entry in everything}
    assert {("robots", "answered"), ("home", "answered")} <= kinds
    for spelled in (url, url.upper().replace("HTTP", "http"), url.replace("localhost", "localhost.")):
        assert job in {entry["job_id"] for entry in told(mill, domain=spelled)}
    refused = told(mill, job=job, outcome="refused")
    assert "Disallow: /contact" in {entry["robots"] for entry in refused}
    assert told(mill, job=job, outcome=["refused", "answered"]) != refused
    assert told(mill, job=job, since="2027-01-31T08:00:00Z") == []
    first = mill.http.get(f"{V1}/ledger", params={"job": job, "limit": 1}).json()
    assert [*first["items"], *told(mill, job=job, cursor=first["next_cursor"])] == everything


def test_it_stays_when_the_jobs_data_goes(mill: Mill, job: str) -> None:
    from data.ledger import keep

    before = told(mill, job=job)
    keep(mill.lake, [job])
    assert told(mill, job=job) == before, "both places are looked at, and each entry is told once"
    mill.lake.drop_job_data(job)
    assert told(mill, job=job) == before


@pytest.mark.parametrize("asked", [{}, {"job": "nonsense"}, {"domain": "no domain"}, {"job": "x", "outcome": "asked"}])
def test_what_names_nothing_is_refused(mill: Mill, asked: dict[str, str]) -> None:
    answer = mill.http.get(f"{V1}/ledger", params=asked)
    assert answer.status_code == 422 and answer.json()["field"] in ("domain", "job", "outcome")
