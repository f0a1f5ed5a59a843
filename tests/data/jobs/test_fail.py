"""A stage raised: the unit waits for its next try, or has failed for good."""

from __future__ import annotations

import pytest

from data.jobs import JobStore
from tests.data.jobs.acting import FAILING, JOB, begin, handed, launched, new, pass_time, state


def test_it_waits_longer_each_time_and_then_fails_for_good(store: JobStore) -> None:
    launched(store, 1)
    for tries, wait_ms in ((1, 500), (2, 1000)):
        grant = begin(store, "p0")
        assert store._clock is not None
        at = store.fail(grant, max=3, **{**FAILING, "cap": 60_000}).body["retry_at"]
        assert at - store._clock() == wait_ms
        assert (state(store)["s"], state(store)["a"], state(store)["m"]) == ("w", tries, ["network", "away"])
        record = store.record(JOB)
        assert record and record.status == "retry", "nothing runs"
        pass_time(store, wait_ms / 1000)
        assert handed(store.claim({})) == ["p0"]
    answer = store.fail(begin(store, "p0"), max=3, **FAILING)
    assert answer.body["final"] and handed(answer) == ["score"], "the job goes on without the partition"
    assert state(store)["s"] == "f"
    assert store.redis.zrange(store.key("dead"), 0, -1) == [f"{JOB}|p0"]


def test_what_it_read_is_damaged_so_it_starts_over(store: JobStore) -> None:
    launched(store, 1)
    for index in range(2):
        store.commit(begin(store, "p0", index), files="1")
    store.fail(begin(store, "p0", 2), max=3, restart=True, **FAILING)
    assert state(store)["k"] == 0 and "c" not in state(store) and "f" not in state(store)
    record = store.record(JOB)
    assert record and (record.stage("scrape").done, record.stage("process").done) == (0, 0)


@pytest.mark.parametrize("unit", ["launch", "score"])
def test_a_unit_of_the_whole_job_leads_to_publish(store: JobStore, unit: str) -> None:
    store.submit(new()) if unit == "launch" else launched(store, 0)
    answer = store.fail(begin(store, unit), max=1, **FAILING)
    assert handed(answer) == ["publish"]
    record = store.record(JOB)
    assert record and (record.error_category, record.error) == ("network", "away")
    assert begin(store, "publish").category == "network"
