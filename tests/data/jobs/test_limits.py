"""Quotas of a project and the bound on live jobs: counted where the move is made, and never gone over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from data.jobs import Answer, Bounds, JobStore
from data.jobs.restored import RestoredJob
from leadmill.errors import OverloadedError, QuotaError
from leadmill.ids import new_job_id
from leadmill.quotas import Quotas
from tests.data.jobs.acting import CLOSE, JOB, OTHER, begin, completed, contents, launched, new, pass_time, running

DAY_S = 86_400


def submit(
    store: JobStore, job: str = JOB, *, quotas: Quotas, companies: int = 0, size: int = 0, **more: Any
) -> Answer:
    asked = {
        "companies_per_job": companies,
        "companies_per_day": max(1, companies),
        "pages_per_day": 1,
        "upload_bytes": size,
        "upload_bytes_per_day": size,
    }
    return store.submit(new(job, **more), Bounds(None, quotas, asked))


def used(store: JobStore) -> dict[str, int]:
    assert store._clock is not None
    found = store.redis.hgetall(store.key(f"used:{store._clock() // (DAY_S * 1000)}"))
    return {name: int(number) for name, number in found.items()}  # type: ignore[union-attr]


def launch(store: JobStore, companies: int, job: str = JOB) -> None:
    grant = begin(store, "launch", job=job)
    assert grant.has_quotas
    store.settle(grant, companies)
    store.commit(grant, fields={"pn": 2, "w": 2, "nc": companies, "close": CLOSE})


@pytest.mark.parametrize(
    ("quotas", "first", "second", "told"),
    [
        (Quotas(live_jobs=1), {}, {}, ("live_jobs", 1, 0, 1)),
        (Quotas(companies_per_job=9), {"companies": 9}, {"companies": 10}, ("companies_per_job", 9, 9, 10)),
        (Quotas(companies_per_day=9), {"companies": 5}, {"companies": 5}, ("companies_per_day", 9, 4, 5)),
        (Quotas(companies_per_day=9), {"companies": 9}, {}, ("companies_per_day", 9, 0, 1)),
        (Quotas(upload_bytes=10), {"size": 10}, {"size": 11}, ("upload_bytes", 10, 10, 11)),
        (Quotas(upload_bytes_per_day=10), {"size": 6}, {"size": 5}, ("upload_bytes_per_day", 10, 4, 5)),
    ],
)
def test_what_would_go_over_a_quota_leaves_nothing(
    store: JobStore, quotas: Quotas, first: dict[str, int], second: dict[str, int], told: tuple[Any, ...]
) -> None:
    submit(store, quotas=quotas, **first)
    before = contents(store)
    with pytest.raises(QuotaError) as raised:
        submit(store, OTHER, quotas=quotas, idempotency_key="k", body_hash="b", **second)
    error = raised.value
    assert (error.quota, error.limit, error.left, error.asked) == told
    assert contents(store) == before
    daily = error.quota.endswith("_per_day")
    assert error.resets_at == (datetime(2027, 1, 16, tzinfo=UTC) if daily else None)
    if daily:
        pass_time(store, error.retry_after_s or 0)
        submit(store, OTHER, quotas=quotas, idempotency_key="k", body_hash="b", **second)


def test_a_repeat_costs_nothing(store: JobStore) -> None:
    quotas = Quotas(live_jobs=1, companies_per_day=5, upload_bytes_per_day=10)
    for _ in range(3):
        submit(store, quotas=quotas, companies=5, size=10, idempotency_key="k", body_hash="b")
    assert used(store) == {"companies": 5, "upload_bytes": 10}


def test_without_quotas_nothing_is_counted(store: JobStore) -> None:
    completed(store)
    assert not [key for key in store.redis.keys(store.prefix + "*") if "used" in key]
    assert not {"quota", "charged"} & set(contents(store)[f"job:{JOB}"])


def test_launch_counts_what_was_not_known(store: JobStore) -> None:
    quotas = Quotas(companies_per_day=100)
    submit(store, quotas=quotas, companies=10)
    assert used(store) == {"companies": 10}
    launch(store, 30)
    assert used(store) == {"companies": 30}
    submit(store, OTHER, quotas=quotas, companies=10)
    launch(store, 8, OTHER)
    assert used(store) == {"companies": 38}, "two addresses of one company were one"


@pytest.mark.parametrize("quotas", [Quotas(companies_per_job=20), Quotas(companies_per_day=20)])
def test_a_job_of_too_many_companies_fails_before_anything_is_fetched(store: JobStore, quotas: Quotas) -> None:
    submit(store, quotas=quotas)
    grant = begin(store, "launch")
    with pytest.raises(QuotaError, match="this needs 21"):
        store.settle(grant, 21)
    store.settle(grant, 20)
    store.settle(grant, 20)  # a launch that died behind it does it again
    assert used(store).get("companies", 20) == 20


def test_who_lost_its_unit_counts_nothing(store: JobStore) -> None:
    submit(store, quotas=Quotas(companies_per_day=100))
    grant = begin(store, "launch")
    store.cancel(JOB)
    assert store.settle(grant, 50).refused == "ended" and not used(store)


def test_what_ends_before_launch_has_planned_it_is_given_back_on_its_day(store: JobStore) -> None:
    quotas = Quotas(companies_per_day=10)
    submit(store, quotas=quotas, companies=10)
    store.settle(begin(store, "launch"), 9)
    store.cancel(JOB)
    assert used(store) == {"companies": 0}
    submit(store, OTHER, quotas=quotas, companies=10)
    pass_time(store, DAY_S)
    store.cancel(OTHER)
    assert not used(store), "the day it was counted on is over"


def test_a_job_is_counted_once_however_often_it_is_resumed(store: JobStore) -> None:
    bounds = Bounds(None, Quotas(companies_per_day=10))
    submit(store, quotas=bounds.quotas, companies=10)
    launch(store, 10)
    for _ in range(2):
        store.cancel(JOB)
        assert "quota" not in contents(store)[f"job:{JOB}"]
        store.resume(JOB, bounds=bounds)
        store.settle(begin(store, "launch"), 10)
    assert used(store) == {"companies": 10}
    store.cancel(JOB)
    pass_time(store, DAY_S)
    store.resume(JOB, bounds=bounds)
    store.settle(begin(store, "launch"), 10)
    assert not used(store)


def test_a_resume_that_would_be_a_live_job_too_many(store: JobStore) -> None:
    bounds = Bounds(None, Quotas(live_jobs=1))
    submit(store, quotas=bounds.quotas)
    store.cancel(JOB)
    submit(store, OTHER, quotas=bounds.quotas)
    before = contents(store)
    with pytest.raises(QuotaError):
        store.resume(JOB, bounds=bounds)
    with pytest.raises(OverloadedError):
        store.resume(JOB, bounds=Bounds(1))
    assert contents(store) == before


def test_pages_are_counted_as_they_are_fetched_and_then_there_are_none_left(store: JobStore) -> None:
    quotas = Quotas(pages_per_day=5)
    submit(store, quotas=quotas)
    launch(store, 3)
    grant = begin(store, "p0")
    assert grant.pages_left == 5
    store.renew(grant, 100, "x", 2)
    store.commit(grant, pages=2)
    assert used(store) == {"pages": 4} and begin(store, "p1").pages_left == 1
    store.commit(begin(store, "p0", 1), pages=3)
    with pytest.raises(QuotaError):
        submit(store, OTHER, quotas=quotas)
    pass_time(store, DAY_S)
    submit(store, OTHER, quotas=quotas)


def test_what_an_emptied_server_gets_back_counts_on_its_day(store: JobStore) -> None:
    quotas = Quotas(companies_per_day=10, pages_per_day=100)
    assert store._clock is not None
    fields = {
        "kind": "pipeline",
        "status": "failed",
        "stages": "scrape",
        "ps": "scrape",
        "nc": 7,
        "pages": 20,
        "took": 1,
    }
    for job, created in ((JOB, store._clock()), (OTHER, store._clock() - DAY_S * 1_000)):
        assert store.restore(job, RestoredJob({**fields, "created": created}, {}, {}, True), quotas)
    assert used(store) == {"companies": 7, "pages": 20}
    store.redis.flushall()
    today = store._clock() // (DAY_S * 1_000)
    for job, created, day in ((JOB, store._clock() - DAY_S * 1_000, today), (OTHER, store._clock(), today - 1)):
        counted = {**fields, "created": created, "charged": f"7@{day}"}  # as an ended record has it
        assert store.restore(job, RestoredJob(counted, {}, {}, True), quotas)
    assert used(store) == {"companies": 7, "pages": 20}
    with pytest.raises(QuotaError):
        submit(store, new_job_id(), quotas=quotas, companies=4)


def test_at_once_no_more_are_taken_than_the_quota(store: JobStore) -> None:
    def taken(_: int) -> bool:
        try:
            submit(store, new_job_id(), quotas=Quotas(companies_per_day=50), companies=5)
        except QuotaError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(taken, range(100))) == 10
    assert used(store) == {"companies": 50}


def test_a_job_without_quotas_is_none_of_their_business(store: JobStore) -> None:
    grant = running(store)
    assert not grant.has_quotas and grant.pages_left is None
    launched(store, job=OTHER)
