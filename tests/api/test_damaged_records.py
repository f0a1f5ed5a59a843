"""What callers get of a record that something else has written over, and of a Redis that refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from tests.api.conftest import V1, Valkey, Worker, post
from tests.api.test_jobs import problem


@pytest.fixture
def full(valkey: Valkey) -> Iterator[None]:
    valkey.client.config_set("maxmemory", 1)
    yield
    valkey.client.config_set("maxmemory", 0)


@pytest.mark.parametrize("name", ["job", "doc", "units", "ev"])
def test_a_damaged_job_is_an_error_of_its_own_and_of_no_list(
    client: TestClient, store: JobStore, worker: Worker, name: str
) -> None:
    worker.listen("processing")
    damaged, sound = post(client)["job_id"], post(client)["job_id"]
    store.redis.delete(key := store.key(f"{name}:{damaged}"))
    store.redis.set(key, "planted")
    for call in (
        client.delete(f"{V1}/jobs/cancel/{damaged}"),
        *([client.get(f"{V1}/jobs/status/{damaged}")] if name in ("job", "doc") else []),
    ):
        found = problem(call, 500, "damaged_record")
        assert key in found["detail"] and "RENAME" in found["detail"]
    for path in ("/jobs/list", "/jobs/list?kind=pipeline", "/jobs/statistics", "/jobs/dead"):
        answer = client.get(V1 + path)
        assert answer.status_code == 200, answer.text
    assert sound in {job["job_id"] for job in client.get(f"{V1}/jobs/list").json()["items"]}
    assert client.get(f"{V1}/jobs/status/{sound}").json()["waiting_for"]
    assert client.get("/").status_code == 200
    store.redis.rename(key, f"{key}.damaged")
    if name != "job":
        assert client.delete(f"{V1}/jobs/cancel/{damaged}").status_code == 202


def test_bytes_that_are_no_text_cost_no_list(client: TestClient, store: JobStore) -> None:
    damaged, sound, odd = post(client)["job_id"], post(client)["job_id"], b"\xff\xfe"
    store.redis.hset(store.key(f"job:{damaged}"), "waits", odd)
    for field, value in (("spec", odd), ("input", odd), ("input", '{"company_urls": 7}'), ("input", "[1]")):
        store.redis.hset(store.key(f"doc:{sound}"), field, value)
        assert client.get(f"/ui/jobs/{sound}").status_code == 200, (field, value)
    store.redis.hset(store.key("ended"), mapping={"pipeline:ms": "9" * 400, "pipeline:completed": 1})
    store.redis.hset(store.key("hist:pipeline"), "3", "9" * 400)
    store.redis.zadd(store.key("idx:s:pending"), {odd: 1e18})
    store.redis.xadd(store.key("moves"), {odd: odd})
    for path in ("/", "/ui/jobs", f"/ui/jobs/{sound}", "/ui/jobs/act?action=cancel&all=1", f"{V1}/companies"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, (path, answer.text)
    assert [job["job_id"] for job in client.get(f"{V1}/jobs/list").json()["items"]] == [sound]
    problem(client.get(f"{V1}/jobs/status/{damaged}"), 500, "damaged_record")


def test_a_full_store_is_told_as_full_and_the_repeat_is_recorded(
    client: TestClient, valkey: Valkey, full: None
) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"company_urls": ["acme.example"]}
    answer = client.post(f"{V1}/pipelines", json=body, headers=headers)
    found = problem(answer, 507, "store_full")
    assert "maxmemory" in found["detail"] and "job_id" not in found
    assert answer.headers["Retry-After"]
    valkey.client.config_set("maxmemory", 0)
    again = client.post(f"{V1}/pipelines", json=body, headers=headers)
    assert again.status_code == 202 and "Idempotency-Replayed" not in again.headers


def test_a_repeat_is_202_only_once_the_job_has_its_launch(client: TestClient, store: JobStore, worker: Worker) -> None:
    """A half-made record, as 0.1.0 left it, whose client repeats with its key."""
    headers = {"Idempotency-Key": "k"}
    first = client.post(f"{V1}/pipelines", json={"company_urls": ["acme.example"]}, headers=headers).json()["job_id"]
    store.redis.delete(store.key(f"units:{first}"), store.key(f"doc:{first}"), store.key("due"))
    again = client.post(f"{V1}/pipelines", json={"company_urls": ["acme.example"]}, headers=headers)
    assert again.status_code == 202 and again.json()["job_id"] == first
    source, _ = store.asked(first)
    assert source == {"company_urls": ["acme.example"]}
    assert store.units(first)["launch"]["s"] == "h"
    assert store.redis.zrange(store.key("due"), 0, -1) == [f"{first}|launch"]
    worker.finish(first)
    assert client.post(f"{V1}/pipelines", json={"company_urls": ["acme.example"]}, headers=headers).status_code == 202
    job = store.read(first)
    assert job and job["status"] == "completed" and json.loads(job["tags"]) == []


def test_the_key_that_is_damaged_is_named_among_many(client: TestClient, store: JobStore) -> None:
    store.redis.set(store.key("idx:s:cancelled"), "x")
    answer = client.get(f"{V1}/jobs/list").json()
    assert answer["code"] == "damaged_record"
    assert answer["detail"].startswith(f"{store.key('idx:s:cancelled')} of the job store")


#: A damaged key → the figures that are unknown by it, and the metrics that are left out.
COUNTED = {
    "idx:s:running": ("totals.jobs totals.by_status.running", 'leadmill_jobs{project="default",status="running"}'),
    "idx:k:scrape": ("totals.by_kind.scrape", 'leadmill_jobs_of_kind{kind="scrape",project="default"}'),
    "ended": (
        "totals.jobs totals.by_status.(completed|failed|cancelled) totals.by_kind rates durations.scrape.mean_s",
        """leadmill_jobs{project="default",status="completed"}
        leadmill_job_duration_mean_seconds{kind="scrape",project="default"}""",
    ),
    "hist:scrape": ("durations.scrape", 'leadmill_job_duration_p50_seconds{kind="scrape",project="default"}'),
    "mark": ("stages", 'leadmill_units_begun_total{stage="launch"}'),
    "flow": ("stages", 'leadmill_units_begun_total{stage="launch"}'),
    "workers": (
        "workers queues.*.workers queues.*.processes",
        'leadmill_workers leadmill_queue_workers{queue="scraping"}',
    ),
    "scraping": ("queues.scraping.waiting", 'leadmill_queue_waiting{queue="scraping"}'),
    "critical": ("critical_events", ""),
    "idx:k:health_check": ("health totals.by_kind.health_check", ""),
}
#: What differs from one look to the next.
MOVES = re.compile(r"at$|_at$|_s$|per_minute$|queues.processing.waiting")


def leaves(found: Any, name: str = "") -> dict[str, Any]:
    """`a.b.c` → value."""
    if not isinstance(found, dict | list) or not found:
        return {name: found}
    rows = found.items() if isinstance(found, dict) else enumerate(found)
    return {leaf: at for key, row in rows for leaf, at in leaves(row, f"{name}.{key}" if name else str(key)).items()}


@pytest.mark.parametrize("key", COUNTED)
def test_statistics_and_metrics_tell_the_rest_and_name_the_damaged_key(
    key: str, client: TestClient, store: JobStore, worker: Worker
) -> None:
    worker.finish(post(client, "/jobs/scrape/company", {"company_url": "a.example"})["job_id"])
    worker.listen("scraping")
    before, told = leaves(client.get(f"{V1}/jobs/statistics").json()), client.get("/metrics").text
    unknown, samples = (text.split() for text in COUNTED[key])
    assert before["unreadable"] == [] and all(f"\n{sample} " in told for sample in samples)
    store.redis.delete(store.key(key))
    store.redis.set(store.key(key), "x")

    answer = client.get(f"{V1}/jobs/statistics")
    assert answer.status_code == 200, answer.text
    after = leaves(answer.json())
    assert after["unreadable.0"] == store.key(key) and "unreadable.1" not in after
    lost = {name for name, value in before.items() if value is not None and after.get(name) is None}
    expected = [re.compile(one.replace("*", "[^.]+") + r"(\.|$)") for one in unknown]
    assert {name for name in lost if not any(one.match(name) for one in expected)} == {"unreadable"}
    for one in expected:
        assert all(after[name] in (None, {}) for name in after if one.match(name)), one
    same = {name for name in before.keys() & after.keys() - lost if not MOVES.search(name)}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}

    metrics = client.get("/metrics")
    assert metrics.status_code == 200, metrics.text
    assert f'\nleadmill_unreadable_keys{{key="{store.key(key)}"}} 1.0\n' in metrics.text or key in ALARMS
    assert not [sample for sample in samples if f"\n{sample} " in metrics.text]
    assert 'leadmill_jobs{project="default",status="pending"}' in metrics.text


#: What /metrics does not ask for.
ALARMS = ("critical",)
