"""Entries that hold nonsense: each stands for itself, and no list, status or metric fails for one of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from data import history
from data.jobs import JobRecord, JobStore
from data.lake import Lake
from leadmill.ids import new_job_id
from leadmill.settings import Settings
from tasks.maintenance.health import check_health
from tests.api.conftest import V1, Worker, post, status

#: What any value of Redis may turn out to be.
NONSENSE = (
    "",
    "not json",
    "[]",
    "7",
    "null",
    '"text"',
    "{}",
    '{"s": 5}',
    '{"s": "h", "k": "x", "t": []}',
    '{"queues": 3}',
)
#: Every call that shows more than one entry.
LISTS = (
    f"{V1}/jobs/list?limit=200", f"{V1}/jobs/list?status=failed", f"{V1}/jobs/list?tag=t", f"{V1}/jobs/dead",
    f"{V1}/jobs/statistics", f"{V1}/companies", f"{V1}/schedules", "/", "/metrics", "/healthz",
)  # fmt: skip

Plant = Callable[[JobStore, str, str], None]


def dead_unit(store: JobStore, job: str, text: str) -> None:
    store.redis.hset(store.key(f"units:{job}"), "p0", text)
    store.redis.zadd(store.key("dead"), {f"{job}|p0": 5})


def dead_entry(store: JobStore, job: str, text: str) -> None:
    store.redis.zadd(store.key("dead"), {text or "|": 5, f"{job}|{text}": 6, f"{job}": 7, f"{job}|p9|x": 8})


def live_unit(store: JobStore, job: str, text: str) -> None:
    for unit in ("launch", "p0", "px"):
        store.redis.hset(store.key(f"units:{job}"), unit, text)


def critical_event(store: JobStore, job: str, text: str) -> None:
    store.redis.xadd(store.key("critical"), {"t": text, "d": text})
    store.redis.xadd(store.key("critical"), {"other": text})


def worker_about(store: JobStore, job: str, text: str) -> None:
    seconds, _ = store.redis.time()
    store.redis.zadd(store.key("workers"), {"odd@h": seconds * 1000})
    store.redis.hset(store.key("worker"), "odd@h", text)


def counters(store: JobStore, job: str, text: str) -> None:
    for key in ("ended", "hist:pipeline", "seq", "mark"):
        store.redis.hset(store.key(key), mapping={text or "x": text, "pipeline:ms": text, "scrape:3": text, "1": text})


def message(store: JobStore, job: str, text: str) -> None:
    store.redis.rpush(store.key("scraping"), text)


def index(store: JobStore, job: str, text: str) -> None:
    for name in ("s:failed", "k:pipeline", "t:t", "s:pending"):
        key, late = store.key(f"idx:{name}"), float("inf")
        store.redis.zadd(key, {text or "x": 7, "job_odd": 8.5, f"{text}!": 9e15, new_job_id(): late})


def document(store: JobStore, job: str, text: str) -> None:
    for name in ("result", "error", "merged", "finding", "input", "spec"):
        store.redis.hset(store.key(f"doc:{job}"), name, text)


FIELDS = (
    "kind", "status", "prio", "tags", "created", "started", "finished", "took", "stages", "ps", "attempt", "coverage",
    "pn", "pd", "pf", "px", "pct", "pages", "min", "run_at", "close", "scrape:d", "scrape:sa", "scrape:fa", "bucket",
    "nc",
)  # fmt: skip


def fields(store: JobStore, job: str, text: str) -> None:
    """Each field in a job of its own, made after this one."""
    whole = store.redis.hgetall(store.key(f"job:{job}"))
    for name in FIELDS:
        other = new_job_id()
        store.redis.hset(store.key(f"job:{other}"), mapping={**whole, name: text})
        for index_name in ("s:pending", "k:pipeline", "t:t"):
            store.redis.zadd(store.key(f"idx:{index_name}"), {other: int(whole["created"])})
        store.redis.copy(store.key(f"units:{job}"), store.key(f"units:{other}"))


PLANTS: list[Plant] = [
    dead_unit, dead_entry, live_unit, critical_event, worker_about, counters, message, index, document, fields,
]  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_no_list_fails_for_one_entry(plant: Plant, client: TestClient, store: JobStore, worker: Worker) -> None:
    sound = post(client, body={"company_urls": ["a.example"], "tags": ["t"]})["job_id"]
    worker.finish(sound, "failed", 0.5)
    worker.listen("processing", node="good@h")
    for text in NONSENSE:
        plant(store, post(client, body={"company_urls": ["c.example"], "tags": ["t"]})["job_id"], text)
    for path in LISTS:
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
    shown: set[str] = set()
    cursor = ""
    while cursor is not None:
        page = client.get(f"{V1}/jobs/list?limit=3{cursor}").json()
        shown |= {one["job_id"] for one in page["items"]}
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert sound in shown
    assert "good@h" in {one["name"] for one in client.get(f"{V1}/jobs/statistics").json()["workers"]}
    for key in store.redis.scan_iter(store.key("job:*")):
        answer = client.get(f"{V1}/jobs/status/{key.rpartition(':')[2]}")
        assert answer.status_code == 200 or answer.json()["code"] == "damaged_record", answer.text[:300]
    assert "scraping" in client.get("/readyz").json()["detail"]
    found = check_health(store, worker.lake, Settings(), None)
    assert not [row for row in found["checks"] if "could not be checked" in row["message"]], found


@pytest.mark.parametrize("text", NONSENSE[1:4])
def test_nonsense_in_a_stream_of_events(text: str, client: TestClient, store: JobStore, worker: Worker) -> None:
    job = post(client)["job_id"]
    key = store.key(f"ev:{job}")
    store.redis.xadd(key, {"t": text, "d": text})
    store.redis.xadd(key, {"other": text})
    worker.finish(job)
    with client.stream("GET", f"{V1}/jobs/{job}/events") as stream:
        assert stream.status_code == 200
        told = "".join(stream.iter_text())
    assert '"completed"' in told, "the stream goes on behind it, to its end"


@pytest.mark.parametrize("text", [*NONSENSE[1:3], NONSENSE[6]])
def test_nonsense_in_a_row_of_the_history(
    text: str, client: TestClient, store: JobStore, lake: Lake, worker: Worker
) -> None:
    jobs = []
    for _ in range(2):
        jobs.append(post(client, body={"company_urls": ["a.example"], "tags": ["t"]})["job_id"])
        worker.finish(jobs[-1])
    good, odd = (record for record in store.records(jobs) if isinstance(record, JobRecord))
    from datetime import UTC, datetime
    from unittest.mock import patch

    now = datetime.now(UTC)
    history.append(lake, [good], now)
    made = history.row(odd, now)
    with patch.object(history, "row", lambda record, at: {**made, "record": text, "result": text}):
        history.append(lake, [odd], now)
    for job in jobs:
        store.forget(job)
    listed = client.get(f"{V1}/jobs/list")
    assert listed.status_code == 200, listed.text
    assert good.job_id in {one["job_id"] for one in listed.json()["items"]}
    assert status(client, good.job_id)["status"] == "completed"
    answer = client.get(f"{V1}/jobs/status/{odd.job_id}")
    assert answer.status_code == 200 or answer.json()["code"] == "damaged_record", answer.text
    assert json.loads(client.get(f"{V1}/jobs/statistics").text)
