"""Whoever waits for room gets some: beside a flood of small jobs, and beside work that begins at a later queue."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from data import keys
from data.jobs import JobStore
from tests.data.jobs.acting import STAGES, begin, launched, new, widen
from tests.data.jobs.test_turns import job_of, many, out_of, work


def planned(store: JobStore, number: int, stages: tuple[str, ...], partitions: int) -> list[tuple[int, str]]:
    """A job whose partitions run these stages; what its launch hands out."""
    store.submit(replace(new(job_of(number), deadline_s=None), partition_stages=stages))
    fields = {"pn": partitions, "nc": partitions, "close": "publish"}
    return out_of(store.commit(begin(store, "launch", job=job_of(number)), fields=fields))


def test_a_flood_of_small_jobs_leaves_a_large_one_its_share(store: JobStore) -> None:
    launched(store, 60)
    todo = [(0, "p0"), (0, "p1")]
    work(store, todo, 6)
    served = []
    for number in range(1, 30):
        launched(store, 2, job=job_of(number))
        served += work(store, todo, 2)
    assert Counter(served)[0] >= len(served) / 5, served


def test_one_that_begins_at_a_later_queue_does_not_shut_out_those_before_it(store: JobStore) -> None:
    todo = planned(store, 0, ("process",), 400)
    todo += planned(store, 1, ("scrape", "process"), 40)
    done: Counter[int] = Counter()
    for _ in range(60):
        job, unit = todo.pop(0)
        index = store.units(job_of(job))[unit]["k"]
        done[job] += 1
        out = out_of(store.commit(begin(store, unit, index, job=job_of(job))))
        if job == 1 and index == 0:
            todo.append((job, unit))
        todo += [one for one in out if one[1] != "publish"]
    assert done[1] >= 15, done


def test_a_small_job_stands_behind_no_new_one_with_any_of_its_partitions(store: JobStore) -> None:
    many(store, *[30] * 20, 2)
    assert work(store, [(0, "p0"), (0, "p1")], 4).count(20) == 2, "its second one waited behind the first of others"


def test_a_window_that_one_had_alone_is_made_good_for(store: JobStore) -> None:
    widen(store, 8)
    many(store, *[20] * 6)
    served = Counter(work(store, [(0, f"p{number}") for number in range(8)], 60))
    had = Counter({0: 8}) + served
    assert max(had.values()) - min(had.values()) <= 2, had


def test_who_needs_the_first_queue_alone_is_not_kept_by_who_waits_for_a_full_one(store: JobStore) -> None:
    """What it gets meanwhile takes no turn of those, and it takes turns with its like of all projects."""
    planned(store, 0, STAGES[:2], 40)
    planned(store, 1, STAGES[:2], 40)
    acme = store.of("acme")
    for number in (2, 3):
        planned(store, number, STAGES[:1], 40)
    acme.submit(replace(new(job_of(4), deadline_s=None), partition_stages=STAGES[:1]))
    acme.commit(begin(acme, "launch", job=job_of(4)), fields={"pn": 40, "nc": 40, "close": "publish"})
    todo, held = [(0, "p0"), (0, "p1")], []
    served: Counter[int] = Counter()
    for _ in range(30):
        job, unit = todo.pop(0)
        found = out_of(store.commit(begin(store, unit, job=job_of(job))))
        held += [(job, unit)] * (job < 2)
        todo += found
        served += Counter(job for job, _ in found)
    assert len(held) in (2, 3), "scrapes worked ahead of a full stage"
    assert served[0] + served[1] <= 3
    assert served[4] >= 10 and min(served[2], served[3]) >= 5, served
    for job, unit in held:
        store.commit(begin(store, unit, 1, job=job_of(job)))
    job, unit = todo.pop(0)
    assert [job < 2 for job, _ in out_of(store.commit(begin(store, unit, job=job_of(job))))] == [True]


def test_both_lanes_are_left_together(store: JobStore) -> None:
    planned(store, 0, STAGES[:1], 4)
    planned(store, 1, STAGES[:1], 1)
    lanes = [keys.turns("scraping"), keys.turns(f"scraping{keys.ONLY_LANE}")]
    assert all(store.redis.exists(store.key(lane)) for lane in lanes)
    for number in (0, 1):
        store.cancel(job_of(number))
    assert not store.redis.keys(store.prefix + "*turns*") + store.redis.keys(store.prefix + "*ring*")
