"""What else writes over what the turns are made of, or a version without them leaves, starves and stops no job."""

from __future__ import annotations

import pytest

from data import keys
from data.jobs import LIMITS, JobStore
from tests.data.jobs.acting import begin, launched, new, pass_time
from tests.data.jobs.test_turns import job_of, many, out_of, work

RING = keys.ring("scraping", 1)


def test_a_ring_that_an_ended_job_was_left_in_does_not_keep_it_out_when_it_is_resumed(store: JobStore) -> None:
    """A version without rings ends a job and leaves all three."""
    many(store, 9, 9)
    later, member = job_of(1), f"{job_of(1)}|+"
    store.cancel(later)
    store.redis.hset(store.key(keys.record(later)), "rg", 1)
    store.redis.zadd(store.key(RING), {later: 5})
    store.redis.zadd(store.key(keys.DUE), {member: 1})
    store.resume(later)
    todo = [(0, "p0"), (0, "p1")]
    assert 1 not in work(store, todo, 2), "its launch has not ended"
    store.commit(begin(store, "launch", job=later), fields={"pn": 9, "nc": 9, "close": "publish"})
    assert 1 in work(store, todo, 4)


def test_an_ended_job_in_a_ring_is_taken_out_and_told_to_nobody(store: JobStore) -> None:
    many(store, 9, 9)
    store.cancel(job_of(1))
    store.redis.zadd(store.key(RING), {job_of(1): -5, "job_x": -6})
    assert work(store, [(0, "p0"), (0, "p1")], 7) == [0] * 7
    assert not {job_of(1), "job_x"} & set(store.redis.zrange(store.key(RING), 0, -1))
    store.claim({"scrape:3": True, "process:3": True})
    assert not store.criticals()


def test_a_job_that_lost_its_place_gets_one_at_its_next_move(store: JobStore) -> None:
    many(store, 9, 9, 9)
    todo = [(0, "p0"), (0, "p1")]
    work(store, todo, 2)
    number = todo[0][0]
    store.redis.zrem(store.key(RING), job_of(number))
    store.redis.zrem(store.key(keys.DUE), f"{job_of(number)}|+")
    assert number in work(store, todo, 6)
    assert store.redis.zscore(store.key(keys.DUE), f"{job_of(number)}|+") is not None


def test_who_was_served_is_looked_at_a_minute_later(store: JobStore) -> None:
    """A version without rings takes its entry away."""
    many(store, 9, 9)
    store.redis.zrem(store.key(keys.DUE), f"{job_of(1)}|+")
    assert 1 in work(store, [(0, "p0"), (0, "p1")], 2)
    due = store.redis.zscore(store.key(keys.DUE), f"{job_of(1)}|+")
    assert due == store._clock() + LIMITS["AGING_MS"]


@pytest.mark.parametrize("unit", ['{"s":"p","e":1,"k":99}', "[", "7"])
def test_a_unit_of_which_no_message_can_be_made_is_told_and_keeps_nobody_waiting(store: JobStore, unit: str) -> None:
    many(store, 3, 3, 3)
    store.redis.hset(store.key(keys.units(job_of(1))), "p0", unit)
    assert set(work(store, [(0, "p0"), (0, "p1")], 4)) == {0, 2}
    for _ in range(20):
        pass_time(store, 2)
        store.claim({"scrape:3": True, "process:3": True})
    assert [event["job"] for event in store.criticals()] == [job_of(1)], "told once, and by whom it is"


@pytest.mark.parametrize("score", ["-inf", "inf", "1e300", "-1e300"])
@pytest.mark.parametrize(("key", "member"), [(RING, job_of(1)), (keys.turns("scraping"), "1:default")])
def test_a_place_that_no_turn_would_change_is_set_right(store: JobStore, key: str, member: str, score: str) -> None:
    many(store, 60, 60, 60)
    todo = [(0, "p0"), (0, "p1")]
    work(store, todo, 20)
    store.redis.zadd(store.key(key), {member: score})
    launched(store, 60, job=job_of(5), deadline_s=None)
    acme = store.of("acme")
    acme.submit(new(job_of(7)))
    acme.commit(begin(acme, "launch", job=job_of(7)), fields={"pn": 60, "nc": 9, "close": "score;publish"})
    for _ in range(7):
        pass_time(store, LIMITS["AGING_MS"] / 6000)
        store.claim({"scrape:3": True, "process:3": True})
    served = work(store, todo, 40)
    assert set(served) == {0, 1, 2, 5, 7}, served
    assert 15 <= served.count(7) <= 25, "projects have equal shares"


def test_a_time_of_the_last_count_that_is_no_number_is_none(store: JobStore) -> None:
    for at in ("nan", "inf", "-inf", "x"):
        store.redis.hset(store.key(keys.WINDOW), mapping={"at": at, "scraping": "1e9"})
        store.claim({}, node="a", about='{"queues": ["scraping"], "processes": 1}')
        assert store.redis.hget(store.key(keys.WINDOW), "scraping") == "2", at
        assert out_of(store.claim({})) == []


def claims(store: JobStore, seconds: float) -> None:
    for _ in range(int(seconds / 2)):
        pass_time(store, 2)
        store.claim({"scrape:3": True, "scrape:5": True, "process:3": True})


def test_a_lost_turn_comes_back_within_a_minute_also_after_a_clock_that_was_set_back(store: JobStore) -> None:
    many(store, 9, 9)
    store.claim({})
    pass_time(store, -300)
    claims(store, 2)
    store.redis.delete(store.key(keys.turns("scraping")))
    claims(store, LIMITS["AGING_MS"] / 1000)
    assert store.redis.zrange(store.key(keys.turns("scraping")), 0, -1) == ["1:default"]


def test_who_leaves_a_ring_that_lost_him_leaves_the_turn_of_who_stands_there(store: JobStore) -> None:
    many(store, 9, 9)
    store.redis.zrem(store.key(RING), job_of(0))
    store.cancel(job_of(0))
    assert store.redis.zrange(store.key(keys.turns("scraping")), 0, -1) == ["1:default"]
    assert out_of(store.claim({}))[0] == (1, "p0")


def test_a_ring_of_another_type_keeps_nobody_waiting_but_who_stands_there(store: JobStore) -> None:
    acme = store.of("acme")
    acme.submit(new(job_of(7)))
    acme.commit(begin(acme, "launch", job=job_of(7)), fields={"pn": 60, "nc": 9, "close": "score;publish"})
    many(store, 9, 9)
    store.redis.set(store.key(RING), "planted")
    todo = [(7, "p0"), (7, "p1")]
    assert set(work(store, todo, 6)) == {7}
    claims(store, LIMITS["AGING_MS"] / 1000 + 2)
    assert {event["key"] for event in store.criticals()} == {store.key(RING)}
    store.redis.delete(store.key(RING))
    claims(store, LIMITS["ASIDE_MS"] / 1000 + 2)
    assert {0, 1} <= set(work(store, todo, 6))
