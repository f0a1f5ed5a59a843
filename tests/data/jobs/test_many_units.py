"""A job of very many partitions: what ends it does not look at each, and finds all that are on their way."""

from __future__ import annotations

import json

import pytest

from data.jobs import LIMITS, JobStore
from tests.data.jobs.acting import CLOSE, FAILING, JOB, OTHER, begin, handed, launched, new, pass_time, state, widen

MANY = int(LIMITS["MANY_UNITS"]) + 10


@pytest.fixture
def big(store: JobStore) -> JobStore:
    """p0 runs, p1 waits for its next try, the rest is done; beside it another job."""
    launched(store, MANY, deadline_s=60)
    launched(store, job=OTHER)
    done = {f"p{n}": json.dumps({"s": "d", "e": 1, "k": 2, "c": [1, 1, 1]}) for n in range(2, MANY)}
    store.redis.hset(store.key(f"units:{JOB}"), mapping=done)
    store.redis.hset(store.key(f"job:{JOB}"), mapping={"px": MANY, "pd": MANY - 2})
    begin(store, "p0")
    store.fail(begin(store, "p1"), max=3, **{**FAILING, "base": 600_000, "cap": 600_000})
    return store


def open_of(store: JobStore, job: str = JOB) -> dict[str, str]:
    return {unit: state["s"] for unit, state in store.units(job).items() if state["s"] not in "df"}


def test_a_cancel_and_a_resume(big: JobStore) -> None:
    beside = open_of(big, OTHER)
    big.cancel(JOB)
    assert open_of(big) == {"p0": "p", "p1": "p"}
    assert [member for member in big.redis.zrange(big.key("due"), 0, -1) if member.startswith(JOB)] == []
    assert open_of(big, OTHER) == beside
    assert handed(big.resume(JOB)) == ["launch"]
    fields = {"pn": MANY, "nc": MANY, "close": CLOSE}
    (first,) = handed(big.commit(begin(big, "launch"), fields=fields))
    assert first in ("p0", "p1") and big.redis.llen(big.key(f"todo:{JOB}")) == 1
    big.cancel(JOB)
    assert open_of(big) == {"p0": "p", "p1": "p"}, "one was handed out, one stood in `todo`"


def test_a_deadline(big: JobStore) -> None:
    for _ in range(7):
        pass_time(big, 9)
        assert big.renew(begin(big, "p0")) is None
        big.claim({"scrape:3": True})
    assert state(big, "p0")["s"] == "r", "it ends its stage"
    assert state(big, "p1")["m"][0] == "deadline"
    assert [out.unit for out in big.commit(begin(big, "p0")).send if out.job_id == JOB] == ["score"]


def test_a_resume_that_makes_many_again(big: JobStore) -> None:
    """One move that changes a field of the record once a unit: more often than a call of Redis takes values."""
    big.cancel(JOB)
    every = [f"p{n}" for n in range(MANY)]
    assert handed(big.resume(JOB, damaged=every)) == ["launch"]
    assert sorted(big.redis.lrange(big.key(f"todo:{JOB}"), 0, -1)) == sorted(every)
    assert {unit: state["k"] for unit, state in big.units(JOB).items()} == dict.fromkeys(["launch", *every], 0)
    assert big.redis.hget(big.key(f"job:{JOB}"), "pd") == "0"


def test_a_wide_window_and_its_deadline(store: JobStore) -> None:
    partitions = 2 * MANY
    store.submit(new(deadline_s=60))
    widen(store, partitions)
    fields = {"pn": partitions, "nc": partitions, "close": CLOSE}
    assert len(handed(store.commit(begin(store, "launch"), fields=fields))) == partitions
    pass_time(store, 100)
    store.claim({}, limit=1_000_000)
    assert store.redis.hget(store.key(f"job:{JOB}"), "pf") == str(partitions)
    assert state(store, "score")["s"] == "h"


@pytest.mark.parametrize("partitions", [3, MANY])
@pytest.mark.parametrize("state_of_p1", ["", "x", "7", "{}"])
def test_a_unit_that_cannot_be_read_does_not_keep_its_job_from_ending(
    store: JobStore, state_of_p1: str, partitions: int
) -> None:
    launched(store, partitions, deadline_s=5)
    launched(store, partitions, job=OTHER)
    if partitions > 3:
        done = {f"p{n}": json.dumps({"s": "d", "e": 1, "k": 2}) for n in range(2, partitions)}
        for job in (JOB, OTHER):
            store.redis.hset(store.key(f"units:{job}"), mapping=done)
    for job in (JOB, OTHER):
        store.redis.hset(store.key(f"units:{job}"), "p1", state_of_p1)
    pass_time(store, 6)
    store.claim({})
    fields = dict(zip(("struck", "pf"), store.redis.hmget(store.key(f"job:{JOB}"), "struck", "pf"), strict=True))
    assert fields["struck"] and int(fields["pf"]) >= 1, "p0 was given up"
    store.cancel(OTHER)
    store.cancel(JOB)
    assert store.redis.zrange(store.key("idx:s:cancelled"), 0, -1) == [JOB, OTHER]
