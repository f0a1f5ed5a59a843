"""A submission: recorded once, whatever is repeated."""

from __future__ import annotations

import pytest

from data.jobs import JobStore
from leadmill.errors import ConflictError
from leadmill.ids import new_job_id
from tests.data.jobs.acting import JOB, OTHER, begin, handed, new, pass_time, state


def test_an_idempotency_key_stands_for_one_body(store: JobStore) -> None:
    made = new(new_job_id(), idempotency_key="k", body_hash="1")
    again = new(new_job_id(), idempotency_key="k", body_hash="1")
    other = new(new_job_id(), idempotency_key="k", body_hash="2")
    assert store.submit(made).body["job"] == store.submit(again).body["job"] == made.job_id
    assert store.read(again.job_id) is None
    with pytest.raises(ConflictError):
        store.submit(other)


def test_a_half_made_record_is_completed_by_the_repeat(store: JobStore) -> None:
    """As 0.1.0 left it when a key in the middle was of another type."""
    store.submit(new(idempotency_key="k", body_hash="b"))
    for key in (f"units:{JOB}", f"doc:{JOB}"):
        store.redis.delete(store.key(key))
    store.redis.delete(store.key("due"))
    with_other_id = store.submit(new(OTHER, idempotency_key="k", body_hash="b"))
    assert with_other_id.body["lost"] and with_other_id.body["job"] == JOB
    assert with_other_id.send == [] and store.read(OTHER) is None
    again = store.submit(new(idempotency_key="k", body_hash="b"))
    assert [out.unit for out in again.send] == ["launch"]
    assert begin(store, "launch").spec == {"a": 1}
    assert store.submit(new(idempotency_key="k", body_hash="b")).body["replayed"]


def test_it_hands_out_its_launch_at_its_priority(store: JobStore) -> None:
    answer = store.submit(new(priority=0))
    assert [(out.unit, out.level, out.stage) for out in answer.send] == [("launch", 1, "launch")]
    record = store.record(JOB)
    assert record and (record.status, record.attempt, record.stages) == ("pending", 1, new().stages)
    assert store.ids("k:pipeline") == store.ids("t:t") == store.ids("s:pending") == [(JOB, record.created_ms)]


def test_one_for_later_waits_until_then(store: JobStore) -> None:
    assert store._clock is not None
    assert store.submit(new(run_at=store._clock() / 1000 + 60)).send == []
    assert state(store, "launch")["s"] == "w"
    pass_time(store, 59)
    assert store.claim({}).send == []
    pass_time(store, 1)
    assert handed(store.claim({})) == ["launch"]
