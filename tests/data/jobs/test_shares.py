"""Whoever waits for room gets some: beside a flood of small jobs, and beside work that begins at a later queue."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from data.jobs import JobStore
from tests.data.jobs.acting import begin, launched, new, widen
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
