"""A deadline strikes: what has not begun is given up, what runs ends its stage, and the close goes on as ever."""

from __future__ import annotations

import pytest

from data.jobs import JobStore
from tests.data.jobs.acting import FAILING, JOB, begin, handed, launched, new, pass_time, state, widen


def struck(store: JobStore) -> None:
    """Let the deadline pass, with claims all the while and with every run renewed by nobody."""
    pass_time(store, 5)
    store.claim({})
    record = store.read(JOB)
    assert record and record["struck"]


def test_a_deadline_waits_for_a_running_launch_whose_commit_leads_to_the_close(store: JobStore) -> None:
    store.submit(new(deadline_s=4))
    grant = begin(store, "launch")
    struck(store)
    assert set(store.units(JOB)) == {"launch"}, "the close was handed out while launch ran"
    answer = store.commit(grant, fields={"pn": 3, "w": 2, "nc": 3, "close": "score;publish"})
    assert handed(answer) == ["score"], "a struck job handed out a partition"
    record = store.read(JOB)
    assert record and (record["px"], record["dpx"], record["pf"]) == ("3", "0", "3")
    store.commit(begin(store, "score"))
    store.commit(begin(store, "publish"), status="failed", fields={"coverage": 0})
    store.resume(JOB)
    widen(store, 9)
    answer = store.commit(begin(store, "launch"), fields={"pn": 3, "nc": 3, "close": "publish"})
    assert handed(answer) == ["p0", "p1", "p2"], "what launch had planned after the deadline was not resumed"


@pytest.mark.parametrize("end", ["died", "release", "fail", "lapse"])
@pytest.mark.parametrize("unit", ["launch", "p0"])
def test_after_a_deadline_neither_launch_nor_partition_is_handed_out_again(
    store: JobStore, unit: str, end: str
) -> None:
    store.submit(new(deadline_s=4)) if unit == "launch" else launched(store, 1, deadline_s=4)
    grant = begin(store, unit)
    struck(store)
    if end == "died":
        answer = store.died(JOB, unit, grant.owner, "killed")
    elif end == "release":
        answer = store.release(JOB, unit, grant.owner)
    elif end == "fail":
        answer = store.fail(grant, max=3, **FAILING)
    else:
        for _ in range(8):
            pass_time(store, 1)
            answer = store.claim({})
            if answer.send:
                break
    assert handed(answer) == ["publish" if unit == "launch" else "score"]
    left = state(store, unit)
    assert (left["s"], left["m"][0]) == ("f", "deadline")
    publish = begin(store, "publish") if unit == "launch" else None
    if publish is not None:
        assert publish.category == "deadline"
        store.commit(publish, status="completed")
        record = store.read(JOB)
        assert record and record["status"] == "failed", "a job without its launch was completed"


def test_a_partition_that_runs_when_the_deadline_strikes_ends_with_its_stage_and_a_resume_goes_on(
    store: JobStore,
) -> None:
    launched(store, 1, deadline_s=4)
    grant = begin(store, "p0")
    struck(store)
    assert handed(store.commit(grant)) == handed(store.commit(grant)) == ["score"]
    left = state(store)
    assert (left["s"], left["k"], left["c"], left["m"][0]) == ("f", 1, [1], "deadline")
    store.commit(begin(store, "score"))
    for fmt in ("render:html", "render:csv"):
        store.commit(begin(store, fmt, 0))
    store.commit(begin(store, "publish"), status="failed", fields={"coverage": 0})
    store.resume(JOB)
    answer = store.commit(begin(store, "launch"), fields={"pn": 1, "w": 2, "close": "publish"})
    assert [(out.unit, out.index) for out in answer.send] == [("p0", 1)], "what was scraped is not scraped again"


def test_a_resumed_job_whose_launch_runs_when_its_deadline_strikes_waits_for_it(store: JobStore) -> None:
    launched(store, 2, deadline_s=4)
    store.cancel(JOB)
    store.resume(JOB)
    store.redis.hset(store.key(f"job:{JOB}"), "deadline", store._clock.now + 4_000)  # type: ignore[misc]
    store.redis.zadd(store.key("due"), {f"{JOB}|~": store._clock.now + 4_000})  # type: ignore[misc]
    grant = begin(store, "launch")
    struck(store)
    assert all(left["s"] == "f" for unit, left in store.units(JOB).items() if unit != "launch")
    assert handed(store.commit(grant, fields={"pn": 2, "w": 2, "close": "score;publish"})) == ["score"]


def test_the_close_is_handed_out_and_tried_again_after_a_deadline_as_ever(store: JobStore) -> None:
    launched(store, 1, deadline_s=4)
    struck(store)
    grant = begin(store, "score")
    assert store.fail(grant, category="system", error="x", max=3, base=1000, cap=1000, jitter=1).body["retry_at"]
    pass_time(store, 2)
    assert handed(store.claim({})) == ["score"]
    grant = begin(store, "score")
    assert handed(store.died(JOB, "score", grant.owner, "killed")) == ["score"]
