"""When a job's turn comes, in words and in numbers, where jobs share the processes of a queue."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data import keys
from data.jobs import JobStore
from tests.api.conftest import Worker, post, status

ALL_QUEUES = ("scraping", "processing", "analytics", "maintenance")


def submit(client: TestClient, **more: Any) -> str:
    time.sleep(0.002)
    return str(post(client, body={"company_urls": ["a.example"], **more})["job_id"])


def lined_up(client: TestClient, worker: Worker, jobs: int, **more: Any) -> list[str]:
    """Jobs of ten partitions each, launched on two processes: the first has the queue's four places."""
    worker.listen(*ALL_QUEUES)
    worker.places = 4
    names = [submit(client, **more) for _ in range(jobs)]
    for job in names:
        worker.launch(job, partitions=10)
    return names


def take(store: JobStore, seconds: float) -> None:
    """So long partitions have lately taken."""
    store.redis.hset(store.key(keys.HELD), "scraping", int(1000 * seconds))


def test_the_place_in_line_is_told_in_numbers_and_in_words(client: TestClient, worker: Worker, store: JobStore) -> None:
    first, second, third = lined_up(client, worker, 3)
    take(store, 12)
    seen = [status(client, job) for job in (second, third)]
    assert sorted((one["turn"]["place"], one["turn"]["seconds"]) for one in seen) in (
        [(1, 3.0), (2, 6.0)],
        [(2, 6.0), (3, 9.0)],
    )
    for one in seen:
        assert one["turn"]["jobs"] == 3 and one["turn"]["processes"] == 2
        about = f"3 jobs share 2 processes; next in about {one['turn']['seconds']:.0f} s"
        assert one["waiting_for"] == f"its turn on `scraping`: {about}"
    worker.begin(first, "p0")
    moving = status(client, first)
    assert moving["waiting_for"] is None and moving["turn"]["jobs"] == 3, "it moves, and has its turn later"


def test_nothing_is_told_of_a_time_that_nobody_measured(client: TestClient, worker: Worker, store: JobStore) -> None:
    _, second = lined_up(client, worker, 2)
    seen = status(client, second)
    assert (seen["turn"], seen["waiting_for"]) == (None, "its turn on `scraping`")


def test_what_partitions_take_is_measured_where_they_leave_their_first_queue(
    client: TestClient, worker: Worker, store: JobStore
) -> None:
    first, second = lined_up(client, worker, 2)
    time.sleep(0.05)
    worker.commit(first, "p0")
    held = int(store.redis.hget(store.key(keys.HELD), "scraping"))
    assert held >= 50
    worker.commit(first, "p0", 1)
    assert int(store.redis.hget(store.key(keys.HELD), "scraping")) == held, "only the first stage counts"
    assert status(client, second)["turn"]["jobs"] == 2


@pytest.mark.parametrize("damage", ["a text", b"-5", b"nan", b"1e300", ""])
def test_a_measure_that_is_none_is_made_anew(
    client: TestClient, worker: Worker, store: JobStore, damage: str | bytes
) -> None:
    first, second = lined_up(client, worker, 2)
    store.redis.hset(store.key(keys.HELD), "scraping", damage)
    seen = status(client, second)
    assert (seen["turn"], seen["waiting_for"]) == (None, "its turn on `scraping`")
    worker.commit(first, "p0")
    assert 0 < int(store.redis.hget(store.key(keys.HELD), "scraping")) < 60_000


def test_a_measure_of_another_type_fails_no_move(client: TestClient, worker: Worker, store: JobStore) -> None:
    first, second = lined_up(client, worker, 2)
    store.redis.set(store.key(keys.HELD), "a text")
    worker.commit(first, "p0")
    assert status(client, second)["turn"] is None


def test_a_job_alone_waits_for_nobody(client: TestClient, worker: Worker, store: JobStore) -> None:
    (job,) = lined_up(client, worker, 1)
    take(store, 12)
    assert status(client, job)["turn"] is None
    worker.store.cancel(job)
    assert (status(client, job)["turn"], status(client, job)["waiting_for"]) == (None, None)


def test_a_better_priority_goes_first_whatever_it_takes(client: TestClient, worker: Worker, store: JobStore) -> None:
    lined_up(client, worker, 1, priority="high")
    normal, other = lined_up(client, worker, 2)
    take(store, 12)
    for job in (normal, other):
        seen = status(client, job)
        assert (seen["turn"], seen["waiting_for"]) == (
            None,
            "its turn on `scraping`, after jobs of higher priority",
        )


def test_projects_take_turns_before_jobs_do(client: TestClient, worker: Worker, store: JobStore) -> None:
    """Another project's jobs are in the time, and are not counted."""
    lined_up(client, worker, 3)
    elsewhere = store.of("acme")
    for number in range(2):
        elsewhere.redis.zadd(elsewhere.key(keys.ring("scraping", 1)), {f"job_{number:020d}": 5})
    store.redis.zadd(store.key(keys.turns("scraping")), {"1:acme": 1e12 - 1})
    take(store, 12)
    turns = [one["turn"] for one in client.get("/api/v1/jobs/list").json()["items"]]
    assert {turn["jobs"] for turn in turns} == {3}
    assert sorted(turn["place"] for turn in turns) == [2, 4, 6]
