"""`GET /metrics`: every metric that is declared, for whom, in which form; and what a fault of one thing costs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import Metric as Family
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from data import keys
from data.api_keys import KeyRegistry
from data.jobs import JobStore
from data.notices.entries import Outcome, Target
from data.notices.outbox import Outbox
from data.notices.wanted import put_wanted
from data.presence import GONE_MS, Presence, StackProcess
from leadmill.access import Role
from leadmill.metrics import METRICS, NAMED_PROJECTS, MetricType
from leadmill.settings import Settings
from tests.api.conftest import V1, Valkey, Worker, post
from tests.api.test_keys import bearer
from tests.deploy.monitoring.prometheus import needs

CRAWL = {
    "crawl_requests:2xx": 3, "crawl_requests:none": 1, "crawl_bytes": 900, "crawl_pages": 2, "crawl_refused:robots": 1,
    "unit_duration_seconds:scrape:3": 1, "unit_duration_seconds:scrape:ms": 240, "lake_written_parts:scrape": 2,
    "lake_written_bytes:scrape": 900,
}  # fmt: skip


def families(text: str) -> dict[str, Family]:
    """By the name that is declared."""
    parsed = text_string_to_metric_families(text)
    return {f"{one.name}_total" if one.type == "counter" else one.name: one for one in parsed}


def scrape(client: TestClient, headers: Mapping[str, str] | None = None) -> dict[str, Family]:
    answer = client.get("/metrics", headers=dict(headers or {}))
    assert answer.status_code == 200, answer.text
    return families(answer.text)


def values(family: Family, **fixed: str) -> dict[str, float]:
    """Samples with these labels, by their suffix and their other labels in the order of the declaration."""
    name = family.name + ("_total" if family.type == "counter" else "")
    order = [label for label in (*METRICS[name].labels, "le") if label not in fixed]
    return {
        ",".join(
            [one.name.removeprefix(name), *(one.labels[label] for label in order if label in one.labels)]
        ): one.value
        for one in family.samples
        if fixed.items() <= one.labels.items()
    }


def busy(client: TestClient, store: JobStore, worker: Worker) -> None:
    """Something of everything that a job can meet, without waiting for it."""
    worker.listen("scraping", "processing", "analytics", "maintenance")
    job = post(client)["job_id"]
    worker.launch(job, 4)
    worker.commit(job, "p0", rows_in=3, rows_out=2, errors=1, metrics=CRAWL)
    store.died(job, "p1", worker.begin(job, "p1").owner, "killed")
    worker.begin(job, "p1")
    worker.fail(job, "p1", final=False)
    worker.fail(job, "p0", 1)
    store.cancel(job)
    store.resume(job)
    put_wanted(store, {"job.completed"})
    worker.finish(post(client)["job_id"])
    outbox = Outbox(store)
    outbox.spread([(new, [Target("default:callback:job_1", groups=False)]) for new in outbox.new()])
    taken = outbox.take("me")
    assert taken is not None
    outbox.settle(taken, "me", Outcome("failed", "away"))
    store.redis.xadd(store.key(keys.AUDIT), {"e": "[]"})
    store.redis.zadd(store.key(keys.ASIDE), {"job_x": 1})
    thrown = '{"queues":["scraping"],"processes":1,"pid":1,"host":"h","started":1,"thrown_away":{"unsigned":3}}'
    store.redis.hset(store.key(keys.WORKER), "w2", thrown)
    store.redis.zadd(store.key(keys.WORKERS), {"w2": store.now_ms()})


#: Declared, and not moved by `busy`: why, and what shows it instead.
NOT_HERE = {
    "leadmill_lease_lapses_total": "takes a lease's ten seconds: tests/data/jobs/test_metrics.py",
    "leadmill_messages_resent_total": "takes three seconds: the same",
    "leadmill_launches_left_to_workers_total": "the API has a broker here",
    "leadmill_api_limited_total": "no rate limit is set: test_what_an_api_process_counts_is_of_all",
    "leadmill_audit_entries_not_kept_total": "the audit can be kept here: the same",
    "leadmill_redis_memory_max_bytes": "no limit is set: test_a_limit_of_memory_is_told",
    "leadmill_company_table_ready": "built later: tests/api/company_view/test_views.py",
    "leadmill_company_table_companies": "the same",
    "leadmill_company_table_age_seconds": "the same",
    "leadmill_unreadable_keys": "nothing is damaged: tests/api/test_damaged_records.py",
    "leadmill_metrics_failed": "nothing fails: test_without_redis_what_is_known_is_told",
}


@pytest.fixture
def busy_client(client: TestClient, store: JobStore, worker: Worker) -> Iterator[TestClient]:
    busy(client, store, worker)
    yield client


def test_every_declared_metric_is_filled_and_no_other(busy_client: TestClient) -> None:
    busy_client.get(f"{V1}/jobs/list")
    found = scrape(busy_client)
    assert found.keys() == METRICS.keys() - NOT_HERE.keys()
    for name, family in found.items():
        metric = METRICS[name]
        assert (family.type, family.documentation) == (metric.type, metric.help)
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == set(metric.labels), name
        if metric.type is not MetricType.GAUGE:
            assert any(sample.value > 0 for sample in family.samples), name


def test_schedulers_that_live_are_counted(client: TestClient, store: JobStore) -> None:
    assert values(scrape(client)["leadmill_beats"]) == {"": 0}
    beat = Presence(store, StackProcess.BEAT)
    beat.tell()
    assert values(scrape(client)["leadmill_beats"]) == {"": 1}
    store.redis.zadd(store.key(StackProcess.BEAT), {"died": store.now_ms() - GONE_MS - 1})
    assert values(scrape(client)["leadmill_beats"]) == {"": 1}
    beat.leave()
    assert values(scrape(client)["leadmill_beats"]) == {"": 0}


def test_histograms_are_cumulative_and_whole(busy_client: TestClient) -> None:
    found = scrape(busy_client)
    for name, metric in METRICS.items():
        if metric.type is not MetricType.HISTOGRAM:
            continue
        series: dict[tuple[str, ...], dict[str, float]] = {}
        for sample in found[name].samples:
            labels = tuple(sample.labels[label] for label in metric.labels)
            series.setdefault(labels, {})[sample.labels.get("le", sample.name.rpartition("_")[2])] = sample.value
        for labels, told in series.items():
            buckets = [told[str(bound)] for bound in metric.buckets]
            assert buckets == sorted(buckets) and told["+Inf"] == told["count"] >= buckets[-1], (name, labels)
            assert told["count"] > 0 and told["sum"] >= 0, (name, labels)


def test_counters_survive_cleanup_and_a_resume(busy_client: TestClient, store: JobStore) -> None:
    def counted() -> dict[str, float]:
        return {
            f"{sample.name}{sample.labels}": sample.value
            for name, family in scrape(busy_client).items()
            if METRICS[name].type is not MetricType.GAUGE
            for sample in family.samples
        }

    before = counted()
    for job, _ in store.ids("s:completed", limit=10):
        store.forget(job)
    for job, _ in store.ids("s:pending", limit=10):
        store.cancel(job)
    after = counted()
    assert {name: (n, after.get(name)) for name, n in before.items() if after.get(name, -1) < n} == {}


def test_the_form_is_the_one_that_is_asked_for(busy_client: TestClient) -> None:
    plain = "text/plain; version=0.0.4; charset=utf-8"
    asked = {
        "": plain,
        "text/html, nonsense;version=x": plain,
        "application/openmetrics-text;version=what": plain,
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": "application/openmetrics-text",
    }
    for accept, media_type in asked.items():
        answer = busy_client.get("/metrics", headers={"Accept": accept})
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(media_type), accept
    found = {family.name for family in openmetrics.text_string_to_metric_families(answer.text)}
    assert found >= {"leadmill_jobs", "leadmill_rows"} and answer.text.endswith("# EOF\n")


@needs("prometheus")
def test_promtool_finds_no_fault(busy_client: TestClient) -> None:
    text = busy_client.get("/metrics").text
    ended = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_a_project_is_told_of_itself_and_default_of_all(settings: Settings, app: FastAPI, store: JobStore) -> None:
    registry = KeyRegistry(settings.data_dir)
    projects = ("default", "acme", "other")
    secrets = {project: registry.create("watch", Role.VIEWER, project)[1] for project in projects}
    operators = {project: registry.create("work", Role.OPERATOR, project)[1] for project in projects}
    with TestClient(app, "http://localhost") as client:
        for number, project in enumerate(projects, 1):
            for _ in range(number):
                job = post(client, headers=bearer(operators[project]))["job_id"]
                store.of(project).cancel(job)
        told = {project: scrape(client, bearer(secret)) for project, secret in secrets.items()}
    ended = {name: values(found["leadmill_jobs_ended_total"], kind="pipeline") for name, found in told.items()}
    assert ended == {
        "default": {f",{name},cancelled,": n for n, name in enumerate(projects, 1)},
        "acme": {",acme,cancelled,": 2}, "other": {",other,cancelled,": 3},
    }  # fmt: skip
    for project in ("acme", "other"):
        named = {one.labels.get("project") for family in told[project].values() for one in family.samples}
        assert named == {None, project}
        assert not {
            name for name in told[project] if name.startswith(("leadmill_redis", "leadmill_api", "leadmill_disk"))
        }
    durations = {
        name: values(found["leadmill_job_duration_seconds"])["_count,pipeline"] for name, found in told.items()
    }
    assert durations == {"default": 6, "acme": 2, "other": 3}


def test_projects_behind_the_first_are_one(client: TestClient, store: JobStore) -> None:
    for number in range(NAMED_PROJECTS + 5):
        store.redis.zadd(store.key(keys.PROJECTS), {f"p{number}": number})
        store.redis.hset(store.of(f"p{number}").key(keys.METRICS), "jobs_resumed:pipeline", number + 1)
    for hostile in ("Évil", 'x"} 1\n', "_others", "default:x"):
        store.redis.zadd(store.key(keys.PROJECTS), {hostile: 5_000})
    found = values(scrape(client)["leadmill_jobs_resumed_total"], kind="pipeline")
    assert len(found) == NAMED_PROJECTS, "all but default have a resume; one stands for those behind"
    assert found[",_others"] == sum(range(NAMED_PROJECTS, NAMED_PROJECTS + 6)) and found[",p0"] == 1


def test_what_anybody_wrote_there_becomes_no_label(client: TestClient, store: JobStore) -> None:
    hostile = 'x"} 1\nleadmill_evil 1\n'
    fields = {
        f"rows:{hostile}:out": 3, "rows:scrape:out": 4, f"jobs_ended:{hostile}:{hostile}:{hostile}": 5, "rows": 1,
        "rows:a:b:c:d": 1, "jobs": 7, "unit_wait_seconds:scrape:99": 1, "unit_wait_seconds:scrape:0": 1, hostile: 2,
        "unit_wait_seconds:scrape": 1, "unit_wait_seconds": 1, "rows:render:out": 6, "": 1, "rows:scrape:in": "nan",
        "rows:scrape:error": -4, "notice_deliveries:gone:sent": 3, f"notice_deliveries:{hostile}:sent": 3,
        "notice_deliveries:callback:sent": 2,
    }  # fmt: skip
    store.redis.hset(store.key(keys.METRICS), mapping=dict[str, str | int](fields))
    found = scrape(client)
    assert values(found["leadmill_rows_total"], project="default") == {
        ",other,out": 3, ",scrape,out": 4, ",report,out": 6,
    }  # fmt: skip
    assert values(found["leadmill_jobs_ended_total"]) == {",default,other,other,other": 5}
    assert "leadmill_unit_wait_seconds" not in found and "leadmill_evil" not in found
    assert values(found["leadmill_notice_deliveries_total"]) == {",default,callback,sent": 2}


def test_an_address_with_an_id_is_its_route(client: TestClient) -> None:
    for number in range(30):
        client.get(f"{V1}/jobs/status/job_{number:020d}")
        client.get(f"/nowhere/{number}")
        client.request(f"M{number}", f"{V1}/jobs/list")
    counts = values(scrape(client)["leadmill_api_request_duration_seconds"])
    counts = {name: n for name, n in counts.items() if name.startswith("_count")}
    assert counts["_count,GET,/api/v1/jobs/status/{job_id},4xx"] == 30
    assert counts["_count,GET,other,4xx"] == 30
    assert sum(n for name, n in counts.items() if name.startswith("_count,other,")) == 30
    assert len(counts) < 10


def test_what_an_api_process_counts_is_of_all(settings: Settings, app: FastAPI) -> None:
    """Two processes behind one address: whichever is met tells of both, and no figure falls."""
    from api.app import create_app

    limited = create_app(settings.model_copy(update={"rate_limit": "0.001/1"}))
    with TestClient(app, "http://localhost") as one, TestClient(limited, "http://localhost") as other:
        for _ in range(3):
            one.get(f"{V1}/jobs/list")
        assert [other.get(f"{V1}/jobs/list").status_code for _ in range(4)] == [200, 429, 429, 429]
        limited.state.meter.add_counters({"audit_entries_not_kept": lambda: 7, "launches_left_to_workers": lambda: 2})
        limited.state.meter.add_to(limited.state.installation.store)
        found = scrape(one)
        counts = values(found["leadmill_api_request_duration_seconds"], method="GET", route=f"{V1}/jobs/list")
        assert (counts["_count,2xx"], counts["_count,4xx"]) == (4, 3)
        assert values(found["leadmill_api_limited_total"]) == {"": 3}
        assert values(found["leadmill_audit_entries_not_kept_total"]) == {"": 7}
        assert values(found["leadmill_launches_left_to_workers_total"]) == {"": 2}
        limited.state.meter.add_to(limited.state.installation.store)
        assert values(scrape(one)["leadmill_api_limited_total"]) == {"": 3}, "added once"


def test_what_redis_does_not_take_is_told_later(client: TestClient, valkey: Valkey) -> None:
    client.get(f"{V1}/jobs/list")
    valkey.client.config_set("maxmemory", 1)
    try:
        for _ in range(2):
            found = scrape(client)
            assert "leadmill_api_request_duration_seconds" not in found
            assert values(found["leadmill_redis_memory_max_bytes"]) == {"": 1}
            assert values(found["leadmill_redis_up"]) == {"": 1}
    finally:
        valkey.client.config_set("maxmemory", 0)
    counts = values(scrape(client)["leadmill_api_request_duration_seconds"], method="GET", route=f"{V1}/jobs/list")
    assert counts["_count,2xx"] == 1


def test_a_damaged_key_costs_what_it_counts(busy_client: TestClient, store: JobStore) -> None:
    lost: dict[str, set[str]] = {
        keys.METRICS: {name for name in METRICS if name.split("_")[1] in ("unit", "crawl", "rows")}
        | {"leadmill_units_ended_total", "leadmill_jobs_ended_total", "leadmill_jobs_resumed_total",
           "leadmill_job_duration_seconds", "leadmill_process_deaths_total", "leadmill_lake_written_parts_total",
           "leadmill_lake_written_bytes_total",
           "leadmill_notices_total", "leadmill_notice_deliveries_total"},
        keys.API_METRICS: {"leadmill_api_request_duration_seconds"},
        keys.DUE: {"leadmill_units_live", "leadmill_units_overdue_seconds", "leadmill_jobs_set_aside"},
        keys.DEAD: {"leadmill_units_dead"},
        keys.AUDIT: {"leadmill_audit_backlog"},
        keys.PROJECTS: set(),
    }  # fmt: skip
    before = scrape(busy_client)
    for key, names in lost.items():
        full, aside = store.key(key), store.key("aside:test")
        there = store.redis.exists(full) and store.redis.rename(full, aside)
        store.redis.set(full, "planted")
        after = scrape(busy_client)
        assert before.keys() - after.keys() == names
        assert values(after["leadmill_unreadable_keys"]) == {f",{full}": 1}
        store.redis.delete(full)
        if there:
            store.redis.rename(aside, full)
    assert before.keys() == scrape(busy_client).keys()


def test_without_redis_what_is_known_is_told(settings: Settings, valkey: Valkey) -> None:
    from api.app import create_app

    with TestClient(create_app(settings), "http://localhost") as client:
        port = valkey.port
        valkey.client.config_set("port", 0)
        try:
            valkey.client.client_kill_filter(_type="normal", skipme=True)
            found = scrape(client)
        finally:
            valkey.client.config_set("port", port)
    assert values(found["leadmill_redis_up"]) == {"": 0}
    assert values(found["leadmill_metrics_failed"]) == {",redis": 1}
    assert found.keys() == {
        "leadmill_redis_up", "leadmill_disk_size_bytes", "leadmill_disk_free_bytes", "leadmill_build_info",
        "leadmill_metrics_failed", "leadmill_metrics_seconds",
    }  # fmt: skip
