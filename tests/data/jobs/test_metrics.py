"""What moves of a record count: once each, of the job's project, never less, and at the cost of no move."""

from __future__ import annotations

from typing import Any

import pytest

from data import keys
from data.jobs import JobStore
from data.jobs.metrics import counted, observed
from leadmill.metrics import JOBS, WAITS
from tests.data.jobs.acting import FAILING, JOB, begin, closed, completed, launched, new, pass_time


def fields(store: JobStore, project: str = "default") -> dict[str, int]:
    return counted(store, [project]).of[project]


def bucket(bounds: tuple[float, ...], seconds: float) -> int:
    """As `leadmill.metrics` has them: the first bound that is not below."""
    return next((n for n, bound in enumerate(bounds, 1) if seconds <= bound), len(bounds) + 1)


def test_a_life_counts_each_thing_once(store: JobStore) -> None:
    launched(store, 1)
    pass_time(store, 0.3)
    grant = begin(store, "p0")
    pass_time(store, 4)
    what: dict[str, Any] = {"rows_in": 5, "rows_out": 4, "errors": 1, "metrics": {"crawl_bytes": 70, "crawl_pages": 2}}
    store.commit(grant, **what)
    store.commit(grant, **what)  # its answer was lost
    found = fields(store)
    assert {name: n for name, n in found.items() if ":scrape" in name or "crawl" in name} == {
        f"unit_wait_seconds:scrape:{bucket(WAITS, 0.3)}": 1, "unit_wait_seconds:scrape:ms": 300,
        "units_ended:scrape:done:": 1, "rows:scrape:in": 5, "rows:scrape:out": 4, "rows:scrape:error": 1,
        "crawl_bytes": 70, "crawl_pages": 2,
    }  # fmt: skip
    begin(store, "p0", 1)
    begin(store, "p0", 1)  # the first answer was lost
    assert fields(store)["unit_wait_seconds:process:1"] == 1


def test_an_end_counts_its_duration_and_a_resume_takes_nothing_back(store: JobStore) -> None:
    grant = closed(store, "publish")
    pass_time(store, 42)
    store.commit(grant, status="completed", fields={"coverage": 0.5})
    before = fields(store)
    assert before["jobs_ended:pipeline:completed:"] == 1
    assert before[f"job_duration_seconds:pipeline:{bucket(JOBS, 42)}"] == 1
    assert before["job_duration_seconds:pipeline:ms"] == 42_000
    store.resume(JOB)
    store.cancel(JOB)
    store.forget(JOB)
    after = fields(store)
    assert {**after, **before} | {
        "jobs_resumed:pipeline": 1, "jobs_ended:pipeline:cancelled:": 1, "job_duration_seconds:pipeline:ms": 84_000,
        f"job_duration_seconds:pipeline:{bucket(JOBS, 42)}": 2,
    } == after  # fmt: skip


def test_failures_retries_deaths_and_lapses_each_count(store: JobStore) -> None:
    launched(store, 2)
    store.fail(begin(store, "p0"), max=3, metrics={"crawl_requests:none": 3}, **FAILING)
    store.died(JOB, "p1", begin(store, "p1").owner, "killed")
    pass_time(store, 2)
    begin(store, "p1")
    pass_time(store, 11)  # its lease lapses, and p0's pause is over
    store.claim({})
    store.claim({})
    pass_time(store, 0.2)
    begin(store, "p1")
    store.fail(begin(store, "p0"), max=1, **FAILING)
    found = fields(store)
    assert found["unit_retries:scrape:network"] == found["units_ended:scrape:failed:network"] == 1
    assert found["crawl_requests:none"] == 3
    assert found["process_deaths:scrape"] == found["lease_lapses:scrape"] == 1
    recovery = {name: n for name, n in found.items() if name.startswith("unit_recovery")}
    assert recovery == {
        f"unit_recovery_seconds:death:{bucket(WAITS, 2)}": 1, "unit_recovery_seconds:death:ms": 2_000,
        f"unit_recovery_seconds:lapse:{bucket(WAITS, 0.2)}": 1, "unit_recovery_seconds:lapse:ms": 200,
    }  # fmt: skip


def test_a_retry_after_a_death_is_no_recovery(store: JobStore) -> None:
    launched(store, 1)
    store.died(JOB, "p0", begin(store, "p0").owner, "killed")
    store.fail(begin(store, "p0"), max=3, **FAILING)
    pass_time(store, 2)
    store.claim({})
    begin(store, "p0")
    assert sum(n for name, n in fields(store).items() if name.startswith("unit_recovery_seconds:death:1")) == 1


def test_a_lost_message_counts_when_it_is_sent_again(store: JobStore) -> None:
    store.submit(new())
    pass_time(store, 4)
    assert store.claim({}).send and fields(store)["messages_resent:launch"] == 1
    pass_time(store, 10)
    assert not store.claim({"launch:3": True}).send and fields(store)["messages_resent:launch"] == 1


def test_each_project_has_its_own(store: JobStore) -> None:
    completed(store.of("acme"))
    assert fields(store, "acme")["jobs_ended:pipeline:completed:"] == 1
    assert fields(store) == {}, "a project's work counts for nobody else"


@pytest.mark.parametrize("planted", ["string", "set"])
def test_a_damaged_hash_costs_what_it_counts_and_no_move(store: JobStore, planted: str) -> None:
    key = store.key(keys.METRICS)
    store.redis.set(key, "x") if planted == "string" else store.redis.sadd(key, "x")
    completed(store)
    record = store.record(JOB)
    assert record is not None and record.status == "completed"
    assert counted(store, ["default", "acme"]) == ({"acme": {}}, (key,))


@pytest.mark.parametrize("wrong", ["x", "nan", "inf", "-inf", "-5", "1e300", ""])
def test_a_number_that_is_none_begins_anew(store: JobStore, wrong: str) -> None:
    store.redis.hset(store.key(keys.METRICS), "jobs_resumed:pipeline", wrong)
    completed(store)
    store.resume(JOB)
    assert fields(store)["jobs_resumed:pipeline"] == 1


def test_a_submit_costs_no_write_more(store: JobStore) -> None:
    store.submit(new())
    assert not store.redis.exists(store.key(keys.METRICS))


@pytest.mark.parametrize("seconds", [0, 0.05, 0.0501, 0.3, 60, 1_800, 5_000])
def test_python_and_the_script_choose_the_same_bucket(store: JobStore, seconds: float) -> None:
    store.submit(new(deadline_s=None))
    pass_time(store, seconds)
    begin(store, "launch")
    ms = int(seconds * 1000)
    assert (
        fields(store).items()
        >= {name: n for name, n in observed("unit_wait_seconds", WAITS, ms / 1000, "launch").items() if n}.items()
    )
