"""Companies whose hosts said "later": launch runs again and plans them, and the close waits for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data.jobs import LIMITS, Answer, JobStore
from data.jobs.entries import unit_state
from tests.data.jobs.acting import FAILING, JOB, begin, handed, launched, partition_done, pass_time, state


def scraped(store: JobStore, unit: str, deferred: int = 0) -> Answer:
    """A partition to its end."""
    store.commit(begin(store, unit), rows_in=1, deferred=deferred or None)
    store.commit(begin(store, unit, 1))
    return store.commit(begin(store, unit, 2))


def fields(store: JobStore) -> dict[str, str]:
    record = store.read(JOB)
    assert record
    return record


def now(store: JobStore) -> int:
    assert store._clock is not None
    return store._clock()


def planned(store: JobStore, *after_s: float, companies: int = 2, hosts: int = 1) -> Answer:
    """The launch of a wave, with a partition for each of these times."""
    grant = begin(store, "launch")
    return store.commit(
        grant,
        fields={"partitions": grant.partitions + len(after_s)},
        waves=[[now(store) + int(1000 * after), companies, hosts] for after in after_s],
    )


def claimed(store: JobStore, seconds: float) -> list[str]:
    """What a claim hands out after so long."""
    pass_time(store, seconds)
    return handed(store.claim({}))


def in_wave(store: JobStore, *after_s: float) -> None:
    """A job of one partition whose wave waits so long."""
    launched(store, 1)
    scraped(store, "p0", deferred=2)
    planned(store, *after_s)


def test_launch_comes_again_before_the_close_and_what_it_plans_waits_for_its_time(store: JobStore) -> None:
    launched(store, 2)
    assert handed(scraped(store, "p0", deferred=2)) == [], "another partition is under way"
    assert handed(scraped(store, "p1")) == ["launch"]
    assert begin(store, "launch").wave == 1
    store.release(JOB, "launch", "a:1")
    assert handed(planned(store, 30, 60)) == []
    assert [state(store, unit)["s"] for unit in ("p2", "p3")] == ["w", "w"]
    assert fields(store)["status"] == "retry" and fields(store)["pn"] == "4"
    events = [data for _, kind, data in store.events(JOB) if kind == "stage" and data.get("state") == "deferred"]
    assert events == [
        {"stage": "scrape", "state": "deferred", "companies": 4, "wave": 1, "retry_at": now(store) + 30_000}
    ]
    assert claimed(store, 29) == [] and claimed(store, 1) == ["p2"]
    assert fields(store)["status"] == "running"
    assert "w" not in state(store, "p2")
    assert handed(scraped(store, "p2")) == [], "the close was handed out while a partition waits"
    assert claimed(store, 30) == ["p3"]
    assert handed(scraped(store, "p3")) == ["score"]


def test_a_job_that_waits_does_not_say_that_it_is_done(store: JobStore) -> None:
    def told() -> int:
        store.claim({})
        record = store.record(JOB)
        assert record
        return record.progress

    launched(store, 1)
    scraped(store, "p0", deferred=2)
    before = told()
    planned(store, 30, 60)
    assert told() == pytest.approx(before / 3, abs=1), "one partition of three is done"
    assert claimed(store, 30) == ["p1"]
    scraped(store, "p1")
    assert told() == pytest.approx(2 * before / 3, abs=1)


def test_hosts_are_told_where_one_partition_waits_for_them(store: JobStore) -> None:
    in_wave(store, 30)
    told = [data for _, kind, data in store.events(JOB) if kind == "stage" and data.get("state") == "deferred"]
    assert [(data["companies"], data["hosts"]) for data in told] == [(2, 1)]


def test_a_job_without_such_hosts_keeps_nothing_of_it(store: JobStore) -> None:
    launched(store, 1)
    assert handed(scraped(store, "p0")) == ["score"]
    assert not {"df", "wv"} & fields(store).keys()


def test_there_are_three_waves_and_no_more(store: JobStore) -> None:
    in_wave(store, 1)
    for number in (1, 2, 3):
        assert claimed(store, 1) == [f"p{number}"]
        assert begin(store, f"p{number}").may_defer == (number < 3)
        store.release(JOB, f"p{number}", "a:1")
        answer = scraped(store, f"p{number}", deferred=2)
        assert handed(answer) == (["launch"] if number < 3 else ["score"]), "waves without end"
        if number < 3:
            planned(store, 1)
    assert fields(store)["wv"] == str(LIMITS["MOST_WAVES"])


def test_those_whose_time_has_come_take_turns_in_the_window(store: JobStore) -> None:
    in_wave(store, 5, 5, 5, 5)
    assert claimed(store, 5) == ["p1", "p2"], "the window is two"
    assert [state(store, unit)["s"] for unit in ("p3", "p4")] == ["p", "p"]
    assert partition_done(store, "p1") == ["p3"]
    assert partition_done(store, "p2") == ["p4"]
    assert handed(scraped(store, "p3")) == [] and handed(scraped(store, "p4")) == ["score"]


def test_a_wave_of_nobody_leads_to_the_close(store: JobStore) -> None:
    launched(store, 1)
    scraped(store, "p0", deferred=1)
    assert handed(planned(store)) == ["score"]


def test_a_launch_of_a_wave_that_fails_costs_the_wave_alone(store: JobStore) -> None:
    launched(store, 1)
    scraped(store, "p0", deferred=1)
    answer = store.fail(begin(store, "launch"), max=1, **FAILING)
    assert handed(answer) == ["score"]
    assert not fields(store).get("category"), "the job failed of it"


def test_a_launch_that_dies_is_handed_out_again_and_plans_once(store: JobStore) -> None:
    launched(store, 1)
    scraped(store, "p0", deferred=1)
    lost = begin(store, "launch")
    assert handed(store.died(JOB, "launch", lost.owner, "killed")) == ["launch"]
    planned(store, 1)
    late = store.commit(lost, fields={"partitions": 9}, waves=[[now(store), 1, 1]])
    assert late.refused == "stale" and fields(store)["pn"] == "2"


def test_a_cancel_while_it_waits_and_a_resume_that_does_not(store: JobStore) -> None:
    in_wave(store, 3600)
    store.cancel(JOB)
    assert fields(store)["status"] == "cancelled" and store.redis.zcard(store.key("due")) == 0
    store.resume(JOB)
    assert not {"df", "wv"} & fields(store).keys()
    answer = store.commit(begin(store, "launch"), fields={"partitions": 2, "window": 2})
    assert handed(answer) == ["p1"], "a resume asks again at once"
    assert begin(store, "p1").may_defer
    store.release(JOB, "p1", "a:1")
    assert handed(scraped(store, "p1", deferred=1)) == ["launch"], "a resumed job has waves of its own"


@pytest.mark.parametrize("at", ["waits", "launch handed", "launch runs", "in line"])
def test_a_deadline_ends_the_waiting(store: JobStore, at: str) -> None:
    launched(store, 1, deadline_s=8)
    scraped(store, "p0", deferred=1)
    grant = begin(store, "launch") if at == "launch runs" else None
    if at == "waits":
        planned(store, 3600, 3600)
    elif at == "in line":
        planned(store, 2, 2, 2)
        assert claimed(store, 2) == ["p1", "p2"]
        begin(store, "p1")
        begin(store, "p2")
    pass_time(store, 9 if at != "in line" else 7)
    answer = store.claim({})
    if grant is not None:
        assert handed(answer) == []
        answer = store.commit(grant, fields={"partitions": 2}, waves=[[now(store), 1, 1]])
        assert fields(store)["dpx"] == "1", "a resume would not hand out what was planned"
    if at == "in line":
        assert state(store, "p3")["s"] == "f" and fields(store)["win"] == "2"
        assert handed(scraped_struck(store, "p1")) == [] and handed(scraped_struck(store, "p2")) == ["score"]
    else:
        assert handed(answer)[-1] == "score"
    assert fields(store)["win"] == "0"


def scraped_struck(store: JobStore, unit: str) -> Answer:
    """A running partition after the deadline: its stage ends, and nothing follows."""
    return store.commit(begin(store, unit, owner=state(store, unit)["o"]), rows_in=1)


def test_a_partition_set_aside_behind_its_scrape_loses_nobody(store: JobStore) -> None:
    launched(store, 1)
    store.commit(begin(store, "p0"), deferred=1)
    assert handed(store.fail(begin(store, "p0", 1), max=1, **FAILING)) == ["launch"]


def test_a_clock_set_back_does_not_prolong_the_wait(store: JobStore) -> None:
    in_wave(store, 30)
    store.claim({})
    pass_time(store, -3600)
    store.claim({})
    assert claimed(store, 31) == ["p1"]


@pytest.mark.parametrize("odd", [3, "x", [1], [1, "x"], [-1, 2], {}])
def test_a_unit_that_says_nonsense_of_it_is_none(store: JobStore, odd: Any) -> None:
    assert unit_state('{"s": "w", "e": 1, "w": [2, 1]}')
    assert unit_state(json.dumps({"s": "w", "e": 1, "w": odd})) is None
