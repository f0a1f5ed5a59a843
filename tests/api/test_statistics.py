"""Statistics after a mixed life equal a full scan, and their cost does not grow; alarms beside them."""

from __future__ import annotations

import json
import random
import statistics as plain
import time
from collections import Counter
from typing import Any

from fastapi.testclient import TestClient

from data.jobs import LIMITS, JobRecord, JobStore, NewJob
from data.message_queues import MessageQueues
from leadmill.ids import new_job_id
from pipelines.stages import KINDS, partition_stages
from pipelines.views import throughput
from pipelines.views.statistics import statistics
from tests.api.conftest import V1, Worker, post


def figures(client: TestClient) -> dict[str, Any]:
    answer = client.get(f"{V1}/jobs/statistics")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def quantile_of(values: list[float], share: float) -> float:
    """The smallest value below which a share of all lies, from the values themselves."""
    ranked = sorted(values)
    return next(value for n, value in enumerate(ranked, 1) if n >= share * len(ranked))


def test_after_a_mixed_life_all_figures_equal_a_full_scan(store: JobStore, lake: Any, settings: Any) -> None:
    """A clock of its own lets jobs take minutes."""
    now_ms = int(time.time() * 1000)
    store._clock = lambda: now_ms
    worker = Worker(store, lake)
    jobs: list[str] = []
    chance = random.Random(7)

    def submit(kind: str, stages: tuple[str, ...]) -> str:
        job = new_job_id()
        store.submit(NewJob(job, kind, stages, partition_stages(stages), {}, {}))
        jobs.append(job)
        return job

    for n in range(60):
        kind = "pipeline" if n % 3 else "scrape"
        job = submit(kind, KINDS[kind].stage_names)
        end = n % 6
        if end == 5:  # waits
            continue
        if end == 4:
            store.cancel(job)
            continue
        worker.launch(job)
        now_ms += chance.randrange(200, 400_000)
        if end == 3:
            if n % 4 == 3:
                worker.begin(job, "p0")
            else:  # nothing but a retry is left of it
                worker.partitions(job, "p1")
                worker.fail(job, "p0", final=False)
            continue
        if end == 2:  # fails, is resumed, and fails again or completes
            worker.fail(job, "p0", final=True)
            store.cancel(job)
            store.resume(job)
            worker.commit(job, "launch", fields={"pn": 2, "w": 2, "nc": 2})
        worker.partitions(job, "p0", "p1")
        for unit in ("score", "render:html", "render:csv") if kind == "pipeline" else ():
            worker.commit(job, unit)
        worker.publish(job, "failed" if n % 4 == 1 else "completed", 0.5)
    worker.listen("scraping", "processing", node="w1", processes=3)
    worker.listen("analytics", node="w2", processes=2)

    records = [record for record in store.records(jobs) if isinstance(record, JobRecord)]
    found = statistics(store, MessageQueues.beside(store))
    by_status = Counter(record.status for record in records)
    assert {name: n for name, n in found["totals"]["by_status"].items() if n} == by_status
    assert {name: n for name, n in found["totals"]["by_kind"].items() if n} == Counter(r.kind for r in records)
    assert found["totals"]["jobs"] == 60 and len(by_status) == 6
    good, bad = by_status["completed"], by_status["failed"]
    assert good and bad
    assert found["rates"] == {"success": round(good / (good + bad), 4), "failure": round(bad / (good + bad), 4)}
    for kind in ("pipeline", "scrape"):
        took = [r.took_ms / 1000 for r in records if r.kind == kind and r.took_ms is not None]
        shown = found["durations"][kind]
        assert shown["count"] == len(took)
        assert abs(shown["mean_s"] - plain.fmean(took)) < 0.002
        assert (shown["p50_s"] is None) == (shown["p95_s"] is None) == (len(took) < 20)
        shares = {"p50_s": 0.5, "p95_s": 0.95} if len(took) >= 20 else {}
        for name, share in {**shares, "fastest_s": 0.0, "slowest_s": 1.0}.items():
            exact = quantile_of(took, share)
            assert exact / LIMITS["BUCKET"] - 0.001 <= shown[name] <= exact * LIMITS["BUCKET"] + 0.001, (kind, name)
    assert [(w["name"], w["processes"]) for w in found["workers"]] == [("w1", 3), ("w2", 2)]
    assert [found["queues"][q]["processes"] for q in ("scraping", "processing", "analytics", "maintenance")] == [
        3, 3, 2, 0
    ]  # fmt: skip


def test_queue_lengths_and_ages_equal_the_lists(client: TestClient, store: JobStore, worker: Worker) -> None:
    for n in range(7):
        post(client, body={"company_urls": ["a.example"], "priority": ("high", "normal", "low")[n % 3]})
        time.sleep(0.01)
    for _ in range(200):
        found = figures(client)["queues"]["processing"]
        if found["waiting"] == 7:
            break
        time.sleep(0.02)
    lists = [key for key in store.redis.keys("*") if key.startswith(store.key("processing"))]
    assert found["waiting"] == sum(store.redis.llen(key) for key in lists) == 7 and len(lists) == 3
    oldest = min(created for _, created in store.ids("s:pending"))
    assert abs(found["oldest_s"] - (time.time() - oldest / 1000)) < 0.5


def test_the_cost_does_not_grow(client: TestClient, store: JobStore, worker: Worker) -> None:
    def commands() -> int:
        before = store.redis.info("stats")["total_commands_processed"]
        statistics(store, MessageQueues.beside(store))
        return int(store.redis.info("stats")["total_commands_processed"] - before)

    few = commands()
    for _ in range(40):
        worker.finish(post(client, "/jobs/scrape/company", {"company_url": "a.example"})["job_id"])
    assert commands() <= few + 8, "a message at each queue's head is looked at, no more"


def test_units_a_minute(store: JobStore, worker: Worker, client: TestClient) -> None:
    store.redis.delete(store.key("flow"))
    job = post(client, "/jobs/scrape/company", {"company_url": "a.example"})["job_id"]
    worker.launch(job)
    assert throughput.look(store, 1_000.0)["launch"] == {"begun": 1, "per_minute": None}
    for n in range(2):
        worker.commit(job, f"p{n}")
    assert throughput.look(store, 1_003.0)["scrape"] == {"begun": 2, "per_minute": None}, "too soon to say"
    assert throughput.look(store, 1_030.0)["scrape"] == {"begun": 2, "per_minute": 4.0}
    assert throughput.look(store, 1_030.0)["launch"] == {"begun": 1, "per_minute": 0.0}
    other = post(client, "/jobs/scrape/company", {"company_url": "a.example"})["job_id"]
    worker.launch(other)
    assert throughput.look(store, 1_090.0)["launch"] == {"begun": 2, "per_minute": 1.0}
    assert throughput.look(store, 1_100.0)["launch"]["per_minute"] == round(1 / (70 / 60), 2)
    assert throughput.look(store, 900.0)["launch"]["per_minute"] is None, "a clock that went back"
    for n in range(100):
        throughput.look(store, 2_000.0 + 20 * n)
    assert store.redis.llen(store.key("flow")) <= 20


def test_a_store_that_takes_no_writes_is_read(client: TestClient, store: JobStore, worker: Worker) -> None:
    job = post(client, "/jobs/scrape/company", {"company_url": "a.example"})["job_id"]
    worker.launch(job)
    store.redis.delete(store.key("flow"))
    store.redis.config_set("min-replicas-to-write", 1)
    try:
        assert figures(client)["stages"]["launch"] == {"begun": 1, "per_minute": None}
        reads = ("jobs/list", f"jobs/status/{job}", f"jobs/{job}/errors", "jobs/dead", "schedules", "companies")
        assert {path: client.get(f"{V1}/{path}").status_code for path in reads} == dict.fromkeys(reads, 200)
        refused = client.post(f"{V1}/jobs/scrape/company", json={"company_url": "a.example"})
        assert refused.status_code == 503 and "Redis says: NOREPLICAS" in refused.json()["detail"], refused.text
    finally:
        store.redis.config_set("min-replicas-to-write", 0)


def test_what_a_worker_threw_away_is_told_with_it(client: TestClient, store: JobStore, worker: Worker) -> None:
    worker.listen("scraping")
    assert figures(client)["workers"][0]["thrown_away"] == {}
    about = {"queues": ["scraping"], "processes": 2, "pid": 1, "host": "here", "started": 1.0}
    for told, shown in (({"unsigned": 3, "odd": -1, "odder": "x"}, {"unsigned": 3}), (["a"], {}), (5, {})):
        store.call("claim", queued={}, node="w1", about=json.dumps(about | {"thrown_away": told}), limit=0)
        assert figures(client)["workers"][0]["thrown_away"] == shown
        assert ('leadmill_messages_thrown_away{reason="unsigned"} 3.0' in client.get("/metrics").text) == bool(shown)


def test_alarms_beside_the_figures(client: TestClient, store: JobStore, worker: Worker) -> None:
    empty = figures(client)
    assert empty["critical_events"] == [] and empty["health"] is None
    for n in range(30):
        store.critical("missed_ticks", {"name": f"s{n}", "missed": n})
    running, checked = (post(client, "/jobs/maintenance/health-check", {})["job_id"] for _ in range(2))
    worker.commit(checked, "launch", fields={"close": "health_check;publish"})
    worker.commit(checked, "health_check")
    checks = [{"name": "disk", "status": "ok", "message": "fine", "advice": None},
              {"name": "redis", "status": "warn", "message": "no AOF", "advice": "redis-cli CONFIG SET"}]  # fmt: skip
    result = json.dumps({"status": "warn", "checked_at": "2026-11-24T12:00:00+00:00", "checks": checks})
    worker.commit(checked, "publish", status="completed", fields={"coverage": 1}, doc={"result": result})
    found = figures(client)
    assert len(found["critical_events"]) == 20
    newest = found["critical_events"][0]
    assert (newest["kind"], newest["name"], newest["missed"]) == ("missed_ticks", "s29", 29)
    assert newest["at"].endswith("Z")
    assert found["health"] == {
        "status": "warn", "checked_at": "2026-11-24T12:00:00+00:00", "job_id": checked, "findings": checks[1:]
    }  # fmt: skip
    assert running
