"""The server's clock is set back: what counts from an event is pulled in, what is a time of the wall stays."""

from __future__ import annotations

import pytest

from data import keys
from data.jobs import LIMITS, WORKER_GONE_S, JobStore
from data.notices.entries import Outcome, Target
from data.notices.outbox import LEASE_S, Outbox
from data.presence import StackProcess
from tests.data.jobs.acting import JOB, OTHER, begin, launched, new, pass_time

HOUR_S = 3_600


def clock(store: JobStore) -> int:
    assert store._clock is not None
    return store._clock()


def due(store: JobStore, unit: str, job: str = JOB) -> float:
    """Seconds from now until somebody looks at a unit."""
    assert store._clock is not None
    at = store.redis.zscore(store.key("due"), f"{job}|{unit}")
    assert at is not None
    return (at - store._clock()) / 1000


def test_units_are_due_as_before_and_wall_times_stay(store: JobStore) -> None:
    assert store._clock is not None
    start = store._clock()
    launched(store, 4, deadline_s=7_200)
    store.submit(new(OTHER, run_at=start / 1000 + 600))
    running = begin(store, "p0")
    store.fail(begin(store, "p1"), category="network", error="x", max=3, base=60_000, cap=60_000, jitter=1.0)
    store.commit(running)  # p0 waits in the queue of its second stage
    store.claim({}, node="dead", about="{}")
    grant = begin(store, "p0", 1)
    pass_time(store, 1)
    store.claim({"launch:3": True, "process:3": True})
    pass_time(store, -HOUR_S)
    store.claim({"launch:3": True, "process:3": True})
    assert due(store, "p0") == LIMITS["LEASE_MS"] / 1000
    assert due(store, "p1") == 59
    assert due(store, "launch", OTHER) == pytest.approx(600 + HOUR_S - 1), "run_at is a time of the wall"
    assert due(store, "~") == pytest.approx(7_200 + HOUR_S - 1), "a deadline is a time of the wall"
    seen = store.redis.zscore(store.key("workers"), "dead")
    assert seen is not None and seen <= store._clock(), "a dead worker lives for an hour"
    assert [event["kind"] for event in store.criticals()] == ["clock_went_back"]
    pass_time(store, 1)
    assert store.renew(grant) is None, "a run that lives keeps its unit"
    for _ in range(12):
        pass_time(store, 1)
        store.claim({"launch:3": True, "process:3": True})
    assert store.renew(grant) == "stale", "the units of a dead worker were due in an hour"
    assert store.redis.zscore(store.key("workers"), "dead") < store._clock() - WORKER_GONE_S * 1000
    assert len(store.criticals()) == 1


def test_a_message_lost_before_the_clock_went_back_is_sent_again(store: JobStore) -> None:
    store.submit(new())
    store.claim({})
    pass_time(store, -HOUR_S)
    sent = []
    for _ in range(5):
        pass_time(store, 1)
        sent += [out.unit for out in store.claim({}).send]
    assert sent == ["launch"]


def test_a_run_that_begins_after_the_step_keeps_its_lease(store: JobStore) -> None:
    store.submit(new())
    store.claim({})
    pass_time(store, -HOUR_S)
    begin(store, "launch")
    store.claim({})
    assert due(store, "launch") == LIMITS["LEASE_MS"] / 1000


def test_progress_is_told_again_after_the_step(store: JobStore) -> None:
    launched(store)
    grant = begin(store, "p0")
    store.renew(grant, progress=100)
    pass_time(store, -HOUR_S)
    told = len(store.events(JOB))
    store.renew(grant, progress=200)
    assert len(store.events(JOB)) == told + 1


def test_notices_are_due_as_before(store: JobStore) -> None:
    outbox = Outbox(store)
    store.redis.xadd(store.key(keys.NOTICES), {"more": '{"kind": "beat.gone"}'}, id=f"{clock(store)}-0")
    new = outbox.new()
    outbox.spread([(new[0], [Target("default:busy", True), Target("default:held", True)])])
    first = outbox.take("a")
    held = outbox.take("dies")
    assert first is not None and held is not None
    outbox.settle(first, "a", Outcome("failed", "busy", again_in_s=60))
    store.claim({})
    pass_time(store, -HOUR_S)
    store.claim({})
    pass_time(store, LEASE_S + 1)
    again = outbox.take("b")
    assert again is not None and again.delivery.id == held.delivery.id, "a channel was held for an hour"
    outbox.settle(again, "b", Outcome("sent"))
    pass_time(store, 60 - LEASE_S)
    assert (later := outbox.take("b")) is not None and later.delivery.id == first.delivery.id, "a retry waits an hour"


def test_a_notice_that_came_while_the_clock_went_back_has_waited(store: JobStore) -> None:
    store.redis.xadd(store.key(keys.NOTICES), {"more": '{"kind": "beat.gone"}'}, id=f"{clock(store)}-0")
    store.claim({})
    pass_time(store, -HOUR_S)
    assert store.claim({}).body.get("notices"), "a worker alone would tell in an hour"


def test_a_process_that_died_before_the_clock_went_back_is_missed(store: JobStore) -> None:
    store.claim({})
    store.redis.zadd(store.key(StackProcess.BEAT), {"h:1:a": clock(store)})
    pass_time(store, -HOUR_S)
    store.claim({})
    assert store.redis.zscore(store.key(StackProcess.BEAT), "h:1:a") == clock(store)
