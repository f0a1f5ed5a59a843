"""A stage ends well: who may say so, what follows, and what a repeat is told."""

from __future__ import annotations

import json

from data.jobs import JobStore
from tests.data.jobs.acting import JOB, begin, closed, completed, handed, launched, new, partition_done, state


def test_an_old_owner_cannot_commit_the_next_stage_of_its_own_epoch(store: JobStore) -> None:
    launched(store)
    first = begin(store, "p0", owner="a:1")
    assert store.commit(first).refused is None
    begin(store, "p0", 1, owner="b:2")
    answer = store.commit(first)
    assert answer.body.get("again") or answer.refused
    assert state(store)["k"] == 1, "the second stage was committed by the owner of the first"


def test_a_repeated_commit_gets_the_same_hand_outs(store: JobStore) -> None:
    store.submit(new())
    grant = begin(store, "launch")
    fields = {"pn": 3, "w": 2, "close": "score;publish"}
    first, second = store.commit(grant, fields=fields), store.commit(grant, fields=fields)
    assert handed(first) == handed(second) == ["p0", "p1"]


def test_the_last_partition_leads_to_the_close_and_its_steps_follow_each_other(store: JobStore) -> None:
    launched(store, 1)
    partition_done(store, "p0")
    assert state(store)["s"] == "d"
    assert handed(store.commit(begin(store, "score"))) == ["render:html", "render:csv"]
    assert handed(store.commit(begin(store, "render:csv"))) == []
    assert handed(store.commit(begin(store, "render:html"))) == ["publish"]


def test_what_it_counts_is_in_the_record(store: JobStore) -> None:
    launched(store)
    for unit, rows in (("p0", 5), ("p1", 7)):
        store.commit(begin(store, unit), rows_in=rows, rows_out=rows - 1, errors=1, pages=3)
    record = store.record(JOB)
    assert record and record.pages == 6
    counts = record.stage("scrape")
    assert (counts.done, counts.rows_in, counts.rows_out, counts.errors) == (2, 12, 10, 2)


def test_publish_ends_the_job(store: JobStore) -> None:
    completed(store, 0.5)
    record = store.record(JOB)
    assert record and (record.status, record.coverage, record.progress) == ("completed", 0.5, 1000)
    assert record.result == {} and not any(unit["s"] in "hrw" for unit in store.units(JOB).values())


def test_a_close_that_names_a_unit_twice_ends_the_job_as_failed(store: JobStore) -> None:
    """Another step that begins it again would be no legal move."""
    closed(store, "score")
    store.redis.hset(store.key(f"job:{JOB}"), "close", "score;score;publish")
    store.commit(begin(store, "score"))  # the repeat of a begin is answered as the first time
    record = store.record(JOB)
    assert record and record.status == "failed" and record.error == "the job's record is wrong: close: score"


def test_a_partition_that_is_done_is_not_handed_out_again_whatever_the_record_counts(store: JobStore) -> None:
    """As a record may be that an earlier version restored."""
    launched(store, 4)
    done = store.units(JOB)["p1"] | {"s": "d", "k": 2}
    store.redis.hset(store.key(f"units:{JOB}"), "p2", json.dumps(done))
    store.redis.rpush(store.key(f"todo:{JOB}"), "p2")
    partition_done(store, "p0")
    assert {name: unit["s"] for name, unit in store.units(JOB).items()} == {
        "launch": "d", "p0": "d", "p1": "h", "p2": "d", "p3": "h",
    }  # fmt: skip
    assert store.redis.exists(store.key(f"todo:{JOB}")) == 0
