"""GET /jobs/{id}/logs: a job's own log, whole, filtered, as text, and as it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from data.jobs import JobStore
from data.lake import Lake
from pipelines.execution.job_log import told
from pipelines.views.job_log import line_of
from tests.api.conftest import V1, Worker, post
from tests.api.test_archived import archive
from tests.api.test_events import Server, Stream

HOSTILE = "\x1b[2J\x1b]0;owned\x07 \u202egnp\n2027-01-31 08:00:00.000Z ERROR all is well"
LINES: list[dict[str, Any]] = [
    {"level": "warning", "event": "stage failed", "stage": "scrape", "unit": "p1", "epoch": 1, "attempt": 1,
     "error": HOSTILE, "request_id": "mine-1"},
    {"level": "error", "event": "unit failed for good", "stage": "scrape", "unit": "p1", "category": "network"},
    {"level": "warning", "event": "job completed", "stage": "publish", "unit": "publish", "companies": 4, "good": 2},
]  # fmt: skip


def log_of(store: JobStore, job: str, *lines: dict[str, Any]) -> None:
    """Write lines as a worker's processes do, a minute apart from 08:00."""
    said = [(line["level"], told(line, 1_801_382_400.0 + 60 * number)) for number, line in enumerate(lines)]
    assert store.add_lines(job, said)


@pytest.fixture
def job(client: TestClient, store: JobStore) -> str:
    made: str = post(client, "/pipelines", {"company_urls": ["a.example"]})["job_id"]
    log_of(store, made, *LINES)
    return made


def events(client: TestClient, job: str, **query: Any) -> list[str]:
    answer = client.get(f"{V1}/jobs/{job}/logs", params=query)
    assert answer.status_code == 200, answer.text
    return [line["event"] for line in answer.json()["items"]]


def test_a_jobs_log_is_filtered_and_paged(client: TestClient, job: str) -> None:
    page = client.get(f"{V1}/jobs/{job}/logs").json()
    first = page["items"][0]
    assert (first["event"], first["unit"], first["epoch"], first["request_id"]) == ("stage failed", "p1", 1, "mine-1")
    assert first["at"] == "2027-01-31T08:00:00.000Z" and first["more"].keys() == {"error"}
    assert [line["event"] for line in page["items"]] == [line["event"] for line in LINES]
    assert page["dropped"] == 0 and page["next_cursor"] is None
    assert events(client, job, level="error") == ["unit failed for good"]
    assert events(client, job, stage="publish") == ["job completed"]
    assert events(client, job, since="2027-01-31T09:01:30+01:00") == ["job completed"]
    told, cursor = [], None
    for _ in LINES:
        page = client.get(f"{V1}/jobs/{job}/logs", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        told += [line["event"] for line in page["items"]]
        cursor = page["next_cursor"]
    assert told == [line["event"] for line in LINES] and cursor is None
    for wrong in ({"level": "loud"}, {"cursor": "x"}, {"since": "now"}, {"limit": 0}):
        assert client.get(f"{V1}/jobs/{job}/logs", params=wrong).status_code == 422


def test_as_text_a_line_is_one_line_whatever_a_page_wrote(client: TestClient, job: str) -> None:
    answer = client.get(f"{V1}/jobs/{job}/logs", headers={"Accept": "text/plain"})
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert len(lines) == len(LINES) and lines[1].endswith("scrape p1  unit failed for good · category=network")
    assert lines[0].startswith("2027-01-31 08:00:00.000Z WARNING  scrape p1  stage failed · error=")
    assert not set(answer.text) & set("\x1b\x07\u202e")


def test_the_stream_itself_is_harmless_and_bounded(job: str, store: JobStore) -> None:
    log_of(store, job, {"level": "error", "event": "x" * 9_000, "found": [HOSTILE] * 900, "exception": "y" * 9_000})
    kept = [store.redis.xrange(store.key(f"log:{job}"))][0]
    assert all(len(fields["d"]) <= 4_000 and not set(json.loads(fields["d"]).get("error", "")) & set("\x1b\n\u202e")
               for _, fields in kept)  # fmt: skip
    assert store.redis.ttl(store.key(f"log:{job}")) > 86_400


def test_the_oldest_lines_go_and_their_number_is_told(client: TestClient, job: str, store: JobStore) -> None:
    for _ in range(14):
        log_of(store, job, *[{"level": "warning", "event": "again"}] * 50)
    page = client.get(f"{V1}/jobs/{job}/logs", params={"limit": 1_000}).json()
    assert 500 <= len(page["items"]) < 650 and page["dropped"] == 703 - len(page["items"])


def test_no_job_another_ones_log_and_one_that_is_gone(
    client: TestClient, worker: Worker, store: JobStore, lake: Lake, job: str
) -> None:
    assert client.get(f"{V1}/jobs/job_{'0' * 20}/logs").status_code == 404
    assert not store.add_lines("job_" + "0" * 20, [("error", "{}")]), "a job that is not there has no log"
    worker.finish(job)
    archive(store, lake, job)
    assert not store.redis.keys("*log:*"), "it goes with the record"
    assert not store.add_lines(job, [("error", "{}")]) and not store.redis.keys("*log:*")
    for path in ("logs", "logs/events"):
        gone = client.get(f"{V1}/jobs/{job}/{path}")
        assert gone.status_code == 410 and gone.json()["available"] == [f"{V1}/jobs/{job}/errors"]


def test_what_somebody_else_wrote_there_has_the_form_of_a_line() -> None:
    assert line_of("1801382400000-0", "unreadable", {})["event"] == "a line that cannot be read"
    assert line_of(f"{2**63}-0", "error", {})["at"].startswith("9999-") and line_of("0-1", "error", {})["at"]
    odd = line_of("1801382400000-0", "loud", {"event": [1], "stage": 7, "epoch": True, "at": "now"})
    assert (odd["level"], odd["stage"], odd["epoch"], odd["at"]) == ("warning", None, None, "2027-01-31T08:00:00.000Z")


@pytest.fixture
def http(app: FastAPI) -> Iterator[httpx2.Client]:
    server = Server(app)
    with httpx2.Client(base_url=server.url, timeout=15, trust_env=False) as found:
        yield found
    server.stop()


def test_it_is_followed_to_the_jobs_end(http: httpx2.Client, worker: Worker, store: JobStore) -> None:
    job = http.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}).json()["job_id"]
    log_of(store, job, LINES[0])
    stream = Stream(http, job, path=f"{V1}/jobs/{job}/logs/events")
    errors = Stream(http, job, path=f"{V1}/jobs/{job}/logs/events?level=error&stage=scrape")
    first = stream.wait("warning", event="stage failed")
    log_of(store, job, LINES[1])
    stream.wait("error", event="unit failed for good")
    worker.finish(job)
    log_of(store, job, LINES[2])  # what is said of the end comes after it
    assert stream.ended.wait(5) and errors.ended.wait(5)
    assert [kind for _, kind, _ in stream.events] == ["warning", "error", "warning", "status"]
    assert stream.events[-1][2] == {"status": "completed"}
    assert [kind for _, kind, _ in errors.events] == ["error", "status"]
    assert http.head(f"{V1}/jobs/{job}/logs/events", headers={"Last-Event-ID": first[0]}).status_code == 200
    again = Stream(http, job, first[0], path=f"{V1}/jobs/{job}/logs/events?since=2027-01-31T08:00:00Z")
    later = Stream(http, job, path=f"{V1}/jobs/{job}/logs/events?since=2027-01-31T08:00:30Z")
    assert again.ended.wait(5) and later.ended.wait(5)
    assert [event[0] for event in again.events] == [event[0] for event in stream.events[1:]]
    assert [kind for _, kind, _ in later.events] == ["status"]
