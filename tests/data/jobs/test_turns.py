"""One window a queue over all jobs: whose turn it is, what takes a place, and what heals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from data import keys
from data.jobs import LIMITS, Answer, JobStore
from tests.data.jobs.acting import (
    FAILING,
    JOB,
    begin,
    handed,
    launched,
    new,
    pass_time,
    state,
    widen,
)

AGING_S = LIMITS["AGING_MS"] / 1000


def job_of(number: int) -> str:
    return f"job_{number:020d}"


def out_of(answer: Answer) -> list[tuple[int, str]]:
    """What an answer hands out: (number of the job, unit)."""
    return [(int(out.job_id[4:]), out.unit) for out in answer.send]


def at(store: JobStore, queue: str = "scraping") -> set[str]:
    return {f"{int(member[4:24])}|{member[25:]}" for member in store.redis.smembers(store.key(keys.window_of(queue)))}


def scraped(store: JobStore, number: int, unit: str) -> list[tuple[int, str]]:
    """A partition goes on to another queue, and to its end; what that hands out of the queue it leaves."""
    out = out_of(store.commit(begin(store, unit, job=job_of(number))))
    for index in (1, 2):
        out += out_of(store.commit(begin(store, unit, index, job=job_of(number))))
    return out


def work(store: JobStore, todo: list[tuple[int, str]], steps: int) -> list[int]:
    """Scrape what is handed out, the first first; the jobs of what follows, in order."""
    served = []
    for _ in range(steps):
        found = [(job, unit) for job, unit in scraped(store, *todo.pop(0)) if unit.startswith("p")]
        todo += [one for one in found if one[1][1:].isdigit()]
        served += [job for job, unit in found if unit[1:].isdigit()]
    return served


def many(store: JobStore, *partitions: int, **options: object) -> None:
    for number, count in enumerate(partitions):
        launched(store, count, job=job_of(number), **options)


def test_a_tiny_job_is_next_though_many_wait(store: JobStore) -> None:
    many(store, *[30] * 20)
    todo = [(0, "p0"), (0, "p1")]
    work(store, todo, 60)
    pass_time(store, 1)
    launched(store, 2, job=job_of(99))
    assert work(store, todo, 4).count(99) == 2, "it waited behind others"


def test_each_is_served_once_in_a_turn(store: JobStore) -> None:
    many(store, *[12] * 5)
    todo = [(0, "p0"), (0, "p1")]
    first = Counter(work(store, todo, 24))
    assert min(first[job] for job in range(1, 5)) >= LIMITS["FIRST_TURNS"] > first[0] - 4, first
    served = work(store, todo, 25)
    for turn in range(0, 25, 5):
        assert sorted(served[turn : turn + 5]) == [0, 1, 2, 3, 4], served


def test_equal_jobs_end_together(store: JobStore) -> None:
    many(store, *[9] * 6)
    todo = [(0, "p0"), (0, "p1")]
    served = work(store, todo, 52)
    last = {job: place for place, job in enumerate(served)}
    assert min(last.values()) >= len(served) - 12, served


def test_projects_have_equal_shares_before_jobs_do(store: JobStore) -> None:
    many(store, *[9] * 4)
    acme = store.of("acme")
    acme.submit(new(job_of(7)))
    acme.commit(begin(acme, "launch", job=job_of(7)), fields={"pn": 9, "nc": 9, "close": "score;publish"})
    todo = [(0, "p0"), (0, "p1")]
    served = work(store, todo, 12)
    assert Counter(served)[7] == 6, served
    assert not [job for job, after in pairwise(served) if job == after == 7]


def test_a_job_by_itself_has_the_whole_window(store: JobStore) -> None:
    widen(store, 4)
    launched(store, 6)
    assert at(store) == {"0|p0", "0|p1", "0|p2", "0|p3"}
    assert handed(store.commit(begin(store, "p0"))) == ["p4"]
    assert handed(store.commit(begin(store, "p1"))) == ["p5"]
    assert not {"rg", "sv"} & (store.read(JOB) or {}).keys(), "it stands in line for nothing"
    assert not store.redis.exists(store.key(keys.turns("scraping")))
    assert store.redis.zscore(store.key("due"), f"{JOB}|+") is None


def test_high_work_comes_first_and_low_work_that_waits_moves_up(store: JobStore) -> None:
    launched(store, 40, priority=1)
    launched(store, 9, job=job_of(1), priority=2, deadline_s=None)
    launched(store, 3, job=job_of(2), priority=0)
    todo = [(0, "p0"), (0, "p1")]
    assert work(store, todo, 6) == [2, 2, 2, 0, 0, 0]
    for _ in range(2):
        pass_time(store, AGING_S / 2)
        store.renew(begin(store, todo[0][1]))
        store.renew(begin(store, todo[1][1]))
        store.claim({"scrape:3": True})
    assert store.read(job_of(1)), "it is low"
    assert work(store, todo, 4).count(1) == 1, "low work that waits long has no turn, or keeps it"


def test_a_slow_stage_is_not_worked_ahead_of(store: JobStore) -> None:
    launched(store, 20)
    for number in range(3):
        store.commit(begin(store, f"p{number}"))
    assert at(store) == set() and at(store, "processing") == {"0|p0", "0|p1", "0|p2"}
    assert not handed(store.claim({"process:3": True}))
    store.commit(begin(store, "p0", 1))
    assert not handed(store.commit(begin(store, "p0", 2))), "two of two are left"
    store.commit(begin(store, "p1", 1))
    assert handed(store.commit(begin(store, "p1", 2))) == ["p3", "p4"]


def test_a_partition_that_stays_at_its_queue_keeps_its_place(store: JobStore) -> None:
    for number in (0, 1):
        store.submit(replace(new(job_of(number)), partition_stages=("process", "enrich")))
        store.commit(begin(store, "launch", job=job_of(number)), fields={"pn": 3, "nc": 3, "close": "publish"})
    assert at(store, "processing") == {"0|p0", "0|p1"}
    assert out_of(store.commit(begin(store, "p0"))) == []
    assert out_of(store.commit(begin(store, "p0", 1))) == [(1, "p0")]
    assert out_of(store.commit(begin(store, "p1"))) == []
    assert out_of(store.commit(begin(store, "p1", 1))) == [(1, "p1")]


# ---- waiting ------------------------------------------------------------------------------------------


def test_a_partition_that_waits_takes_no_place_and_comes_first_in_its_jobs_turn(store: JobStore) -> None:
    many(store, 4, 2)
    assert out_of(store.fail(begin(store, "p0"), max=9, **FAILING)) == [(1, "p0")]
    assert at(store) == {"0|p1", "1|p0"}
    pass_time(store, 1)
    assert handed(store.claim({"scrape:3": True})) == [] and state(store)["s"] == "p", "there is no room"
    todo = [(0, "p1"), (1, "p0")]
    assert work(store, todo, 2) == [1, 0] and todo == [(1, "p1"), (0, "p0")]


def test_a_job_whose_partitions_fail_does_not_burn_its_others(store: JobStore) -> None:
    launched(store, 50)
    for number in range(2):
        store.fail(begin(store, f"p{number}"), max=9, **{**FAILING, "base": 60_000, "cap": 60_000})
    assert at(store) == {"0|p2"}
    assert not handed(store.commit(begin(store, "p2"))), "what fails two may fail all"
    for index in (1, 2):
        store.commit(begin(store, "p2", index))
    pass_time(store, 60)
    assert {"p0", "p1"} <= set(handed(store.claim({})))
    assert handed(store.commit(begin(store, "p0"))) == ["p3"]


def test_a_cancel_leaves_its_room_to_others(store: JobStore) -> None:
    many(store, 3, 3)
    store.cancel(JOB)
    assert at(store) == set()
    assert out_of(store.claim({})) == [(1, "p0"), (1, "p1")]
    store.cancel(job_of(1))
    assert at(store) == set() and not store.redis.exists(store.key(keys.turns("scraping")))
    assert store.redis.zcard(store.key("due")) == 0


# ---- faults -------------------------------------------------------------------------------------------


def lost_message(store: JobStore) -> str:
    """A partition of another job that an end has handed out, whose message nobody has sent."""
    many(store, 2, 4)
    grant = begin(store, "p0")
    assert out_of(store.commit(grant)) == [(1, "p0")]
    return grant.owner


def test_a_message_of_another_job_is_sent_when_it_is_due(store: JobStore) -> None:
    lost_message(store)
    pass_time(store, LIMITS["HANDOUT_MS"] / 1000)
    assert (1, "p0") in out_of(store.claim({}))


def test_a_death_before_it_was_sent_sends_it_at_once(store: JobStore) -> None:
    owner = lost_message(store)
    assert out_of(store.died(JOB, "p0", owner, "killed")) == [(0, "p0"), (1, "p0")]


def test_one_after_the_end_of_a_partition_too(store: JobStore) -> None:
    for number in (0, 1):
        store.submit(replace(new(job_of(number)), partition_stages=("scrape",)))
        store.commit(begin(store, "launch", job=job_of(number)), fields={"pn": 2, "nc": 2, "close": "publish"})
    grant = begin(store, "p0")
    assert out_of(store.commit(grant)) == [(1, "p0")]
    assert state(store)["z"] == [f"{job_of(1)}|p0"]
    assert out_of(store.commit(grant)) == [(1, "p0")], "a repeat is answered as the first time"
    assert out_of(store.died(JOB, "p0", grant.owner, "killed")) == [(1, "p0")]
    begin(store, "p0", job=job_of(1))
    assert out_of(store.died(JOB, "p0", grant.owner, "killed")) == [], "it has begun"


def test_it_is_sent_again_whosever_project_it_is(store: JobStore) -> None:
    acme = store.of("acme")
    launched(store, 2)
    acme.submit(new(job_of(1)))
    acme.commit(begin(acme, "launch", job=job_of(1)), fields={"pn": 1, "nc": 1, "close": "publish"})
    grant = begin(store, "p0")
    assert out_of(store.commit(grant)) == [(1, "p0")]
    assert (1, "p0") in out_of(store.died(JOB, "p0", grant.owner, "killed"))
    theirs = begin(acme, "p0", job=job_of(1))
    for index in (1, 2):
        store.commit(begin(store, "p0", index))
    launched(store, 2, job=job_of(2))
    assert out_of(acme.commit(theirs)) == [(2, "p0")]
    assert (2, "p0") in out_of(acme.died(job_of(1), "p0", theirs.owner, "killed"))


DAMAGES: dict[str, Callable[[JobStore, str], object]] = {
    "record": lambda store, key: store.redis.set(key.replace("%", "job:"), "x"),
    "units": lambda store, key: store.redis.set(key.replace("%", "units:"), "x"),
    "unit": lambda store, key: store.redis.hset(key.replace("%", "units:"), "p0", "7"),
    "todo": lambda store, key: store.redis.set(key.replace("%", "todo:"), "x"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_job_is_passed_over(store: JobStore, damage: str) -> None:
    many(store, 3, 3, 3)
    before = {name: store.redis.dump(store.key(f"{name}{job_of(1)}")) for name in ("job:", "units:")}
    if damage in ("record", "units"):
        store.redis.delete(store.key(f"{'job:' if damage == 'record' else 'units:'}{job_of(1)}"))
    DAMAGES[damage](store, store.key(f"%{job_of(1)}"))
    answer = store.commit(begin(store, "p0"))
    assert answer.refused is None and out_of(answer) == [(2, "p0")], "another job's damage failed a move"
    assert state(store)["k"] == 1
    store.claim({"scrape:3": True})
    assert job_of(1) in store.redis.zrange(store.key(keys.ASIDE), 0, -1), "nobody is told"
    for name in ("job:", "units:"):
        store.redis.restore(store.key(f"{name}{job_of(1)}"), 0, before[name], replace=True)
    if damage == "todo":
        store.redis.delete(store.key(f"todo:{job_of(1)}"))
    pass_time(store, LIMITS["ASIDE_MS"] / 1000)
    store.claim({"scrape:3": True})
    for index in (1, 2):
        store.commit(begin(store, "p0", index))
    assert (1, "p0") in out_of(store.commit(begin(store, "p1"))), "once it is mended it has its turn"


def test_a_lost_ring_is_made_again(store: JobStore) -> None:
    many(store, 3, 3)
    ring = store.key(keys.ring("scraping", 1))
    store.redis.delete(store.key(keys.turns("scraping")), ring)
    pass_time(store, AGING_S)
    store.claim({"scrape:3": True, "scrape:2": True})
    assert set(store.redis.zrange(ring, 0, -1)) == {job_of(0), job_of(1)}
    assert scraped(store, 0, "p0")


def test_a_lost_count_heals(store: JobStore) -> None:
    many(store, 3, 9)
    window = store.key(keys.window_of("scraping"))
    begin(store, "p1")
    store.redis.delete(window)
    store.redis.sadd(window, f"{job_of(0)}|p7", "job_x|p0", "no member", f"{job_of(0)}|launch")
    pass_time(store, LIMITS["RECOUNT_MS"] / 1000)
    assert not [one for one in out_of(store.claim({"scrape:3": True})) if one[0] == 1], "there was no room"
    assert at(store) == {"0|p0", "0|p1"}


def test_jobs_of_a_version_without_rings_go_on(store: JobStore) -> None:
    many(store, 4, 4)
    for number in (0, 1):
        store.redis.hset(store.key(f"job:{job_of(number)}"), "w", 2)
        store.redis.hdel(store.key(f"job:{job_of(number)}"), "rg", "sv")
        store.redis.zrem(store.key("due"), f"{job_of(number)}|+")
    store.redis.delete(*store.redis.keys(store.prefix + "window*"), *store.redis.keys(store.prefix + "*ring*"))
    store.redis.delete(store.key(keys.turns("scraping")))
    assert set(out_of(store.commit(begin(store, "p0")))) == {(0, "p2"), (0, "p3")}, "what runs is not known yet"
    store.claim({"scrape:3": True})
    assert at(store) == {"0|p1", "0|p2", "0|p3"} and at(store, "processing") == {"0|p0"}


# ---- how wide it is -----------------------------------------------------------------------------------


def places(store: JobStore) -> dict[str, str]:
    found = store.redis.hgetall(store.key(keys.WINDOW))
    return {name: number for name, number in found.items() if name != "at"}


def signed_on(store: JobStore, node: str, processes: object, *queues: str) -> Answer:
    return store.claim({}, node=node, about=json.dumps({"queues": queues, "processes": processes}))


def test_a_window_has_two_places_for_each_living_process(store: JobStore) -> None:
    launched(store, 30)
    answer = signed_on(store, "a", 3, "scraping")
    assert places(store) == {"scraping": "6"} and len(handed(answer)) == 4, "a worker that comes gets work at once"
    signed_on(store, "b", 2, "scraping", "processing")
    assert places(store) == {"scraping": "10", "processing": "4"}
    store.leave("b")
    pass_time(store, 5)
    signed_on(store, "a", 3, "scraping")
    assert places(store) == {"scraping": "6"}
    pass_time(store, 11)
    store.claim({})
    assert places(store) == {}
    assert len(at(store)) > 2 and not handed(store.commit(begin(store, "p0"))), "above the window after a recount"


@pytest.mark.parametrize("about", ["7", "{}", '{"queues": "x", "processes": 3}', '{"queues": [7, "scraping"]}', "{"])
def test_a_worker_that_tells_nonsense_counts_for_nothing(store: JobStore, about: str) -> None:
    launched(store, 9)
    store.claim({}, node="a", about=about)
    assert set(places(store).values()) <= {"2"} and len(at(store)) == 2
