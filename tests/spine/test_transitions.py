"""Single moves of the record whose rules a random walk meets too seldom."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from data.jobs import Answer, Grant, JobStore, NewJob
from leadmill.errors import ConflictError, NotFoundError
from leadmill.ids import new_job_id
from tests.valkey import Valkey

STAGES = ("scrape", "process", "enrich", "score", "report")
_serial = itertools.count()


class Clock:
    now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def store(valkey: Valkey) -> Iterator[JobStore]:
    made = JobStore.connect(valkey.url, f"m{next(_serial)}:")
    made._clock = Clock()
    yield made
    made.redis.close()


def job(store: JobStore, **options: object) -> str:
    made = NewJob(new_job_id(), "pipeline", STAGES, STAGES[:3], {}, {}, **options)  # type: ignore[arg-type]
    return str(store.submit(made).body["job"])


def begin(store: JobStore, job_id: str, unit: str, epoch: int = 1, index: int = 0, owner: str = "a:1") -> Grant:
    grant = store.begin(job_id, unit, epoch, index, owner)
    assert isinstance(grant, Grant), grant
    return grant


def launched(store: JobStore, partitions: int = 2, **options: object) -> str:
    job_id = job(store, **options)
    close = "score;render:html,render:csv;publish"
    store.commit(begin(store, job_id, "launch"), fields={"pn": partitions, "w": 2, "nc": partitions, "close": close})
    return job_id


def test_an_old_owner_cannot_commit_the_next_stage_of_its_own_epoch(store: JobStore) -> None:
    job_id = launched(store)
    first = begin(store, job_id, "p0", owner="a:1")
    assert store.commit(first).refused is None
    begin(store, job_id, "p0", index=1, owner="b:2")
    answer = store.commit(first)
    assert answer.body.get("again") or answer.refused
    assert store.units(job_id)["p0"]["k"] == 1, "the second stage was committed by the owner of the first"


def test_a_repeated_commit_gets_the_same_hand_outs(store: JobStore) -> None:
    job_id = job(store)
    grant = begin(store, job_id, "launch")
    fields = {"pn": 3, "w": 2, "close": "score;publish"}
    first, second = store.commit(grant, fields=fields), store.commit(grant, fields=fields)
    assert [out.unit for out in first.send] == [out.unit for out in second.send] == ["p0", "p1"]


def test_only_reported_deaths_count_towards_poison_and_a_commit_resets_them(store: JobStore) -> None:
    job_id = launched(store)
    epoch = 1
    for _ in range(2):
        grant = begin(store, job_id, "p0", epoch)
        store.died(job_id, "p0", grant.owner, "killed")
        epoch += 1
    grant = begin(store, job_id, "p0", epoch)
    store.commit(grant)
    for _ in range(2):
        grant = begin(store, job_id, "p0", epoch, index=1)
        store.died(job_id, "p0", grant.owner, "killed")
        epoch += 1
    assert store.units(job_id)["p0"]["s"] == "h"
    grant = begin(store, job_id, "p0", epoch, index=1)
    store.died(job_id, "p0", grant.owner, "killed")
    assert store.units(job_id)["p0"]["s"] == "f"
    assert store.criticals()[0]["kind"] == "poison"


def test_a_release_costs_no_attempt(store: JobStore) -> None:
    job_id = launched(store)
    for epoch in range(1, 9):
        grant = begin(store, job_id, "p0", epoch)
        assert [out.unit for out in store.release(job_id, "p0", grant.owner).send] == ["p0"]
    unit = store.units(job_id)["p0"]
    assert unit["s"] == "h" and not unit.get("a") and not unit.get("p") and not unit.get("l")


def test_a_handed_unit_is_lost_only_by_evidence(store: JobStore) -> None:
    job_id = launched(store)
    clock = store._clock
    assert isinstance(clock, Clock)
    clock.now += 3_500
    busy = {"scrape:3": True}
    assert store.claim(busy).send == [], "waits in a queue that is not empty"
    assert store.units(job_id)["p0"]["x"] == 1


def test_a_handed_unit_is_lost_when_a_later_one_has_begun(store: JobStore) -> None:
    job_id = launched(store)
    clock = store._clock
    assert isinstance(clock, Clock)
    begin(store, job_id, "p1")
    clock.now += 3_500
    assert [out.unit for out in store.claim({"scrape:3": True}).send] == ["p0"]
    assert begin(store, job_id, "p0").epoch == 1, "a re-send keeps the epoch"


def test_low_work_that_waits_moves_up(store: JobStore) -> None:
    job_id = job(store, priority=2)
    clock = store._clock
    assert isinstance(clock, Clock)
    levels = set()
    for _ in range(400):
        clock.now += 1_000
        for out in store.claim({f"launch:{level}": True for level in range(6)}).send:
            levels.add(out.level)
    assert levels == {4, 3, 2}, "up to the front of normal, never before high"
    assert store.units(job_id)["launch"]["s"] == "h"


def test_an_idempotency_key_stands_for_one_body(store: JobStore) -> None:
    made = NewJob(new_job_id(), "pipeline", STAGES, STAGES[:3], {}, {}, idempotency_key="k", body_hash="1")
    again = NewJob(new_job_id(), "pipeline", STAGES, STAGES[:3], {}, {}, idempotency_key="k", body_hash="1")
    other = NewJob(new_job_id(), "pipeline", STAGES, STAGES[:3], {}, {}, idempotency_key="k", body_hash="2")
    assert store.submit(made).body["job"] == store.submit(again).body["job"] == made.job_id
    assert store.read(again.job_id) is None
    with pytest.raises(ConflictError):
        store.submit(other)


def test_illegal_moves_say_what_is_legal(store: JobStore) -> None:
    with pytest.raises(NotFoundError):
        store.cancel(new_job_id())
    job_id = job(store)
    with pytest.raises(ConflictError, match="cancel"):
        store.resume(job_id)
    store.cancel(job_id)
    with pytest.raises(ConflictError, match="resume"):
        store.cancel(job_id)
    assert store.resume(job_id).body["attempt"] == 2


def test_after_an_outage_running_leases_are_spared(store: JobStore) -> None:
    job_id = launched(store)
    clock = store._clock
    assert isinstance(clock, Clock)
    store.claim({})
    grant = begin(store, job_id, "p0")
    clock.now += 60_000  # nobody could claim or renew
    store.claim({})
    assert store.units(job_id)["p0"]["s"] == "r"
    assert store.renew(grant) is None
    for _ in range(12):  # claims go on and nobody renews: now it has lapsed
        clock.now += 1_000
        store.claim({})
    assert store.units(job_id)["p0"]["e"] == 2
    assert store.renew(grant) == "stale"


def test_a_claim_names_the_runs_that_hold_their_unit_no_more(store: JobStore) -> None:
    job_id, other = launched(store), launched(store)
    clock = store._clock
    assert isinstance(clock, Clock)
    for unit, owner in (("p0", "a:1"), ("p1", "b:2")):
        begin(store, job_id, unit, owner=owner)
    begin(store, other, "p0", owner="c:3")
    runs = [
        (job_id, "p0", "a:1"),
        (job_id, "p1", "b:2"),
        (other, "p0", "c:3"),
        (other, "p1", "d:4"),
        ("job_x", "p0", ""),
    ]
    assert store.claim({}, runs=runs[:3]).body.get("lost") is None
    store.release(job_id, "p1", "b:2")
    assert store.claim({}, runs=runs).body["lost"] == [[1, -1], [3, -1], [4, -1]]
    store.cancel(job_id)
    clock.now += 700
    assert store.claim({}, runs=runs[:3]).body["lost"] == [[0, 700], [1, 700]]
    for _ in range(9):
        clock.now += 1_000
        assert not store.claim({}, runs=runs[2:3]).body.get("lost")
    clock.now += 1_000
    assert store.claim({}, runs=runs[2:3]).body["lost"] == [[0, -1]], "it lapses in this very claim"


def struck(store: JobStore, job_id: str) -> None:
    """Let the deadline pass, with claims all the while and with every run renewed by nobody."""
    clock = store._clock
    assert isinstance(clock, Clock)
    clock.now += 5_000
    store.claim({})
    record = store.read(job_id)
    assert record and record["struck"]


def handed(answer: Answer) -> list[str]:
    return [out.unit for out in answer.send]


def test_a_deadline_waits_for_a_running_launch_whose_commit_leads_to_the_close(store: JobStore) -> None:
    job_id = job(store, deadline_s=4)
    grant = begin(store, job_id, "launch")
    struck(store, job_id)
    assert set(store.units(job_id)) == {"launch"}, "the close was handed out while launch ran"
    answer = store.commit(grant, fields={"pn": 3, "w": 2, "nc": 3, "close": "score;publish"})
    assert handed(answer) == ["score"], "a struck job handed out a partition"
    record = store.read(job_id)
    assert record and (record["px"], record["dpx"], record["pf"]) == ("3", "0", "3")
    store.commit(begin(store, job_id, "score", 0))
    store.commit(begin(store, job_id, "publish", 0), status="failed", fields={"coverage": 0})
    store.resume(job_id)
    answer = store.commit(begin(store, job_id, "launch", 0), fields={"pn": 3, "w": 9, "nc": 3, "close": "publish"})
    assert handed(answer) == ["p0", "p1", "p2"], "what launch had planned after the deadline was not resumed"


@pytest.mark.parametrize("end", ["died", "release", "fail", "lapse"])
@pytest.mark.parametrize("unit", ["launch", "p0"])
def test_after_a_deadline_neither_launch_nor_partition_is_handed_out_again(
    store: JobStore, unit: str, end: str
) -> None:
    job_id = job(store, deadline_s=4) if unit == "launch" else launched(store, 1, deadline_s=4)
    grant = begin(store, job_id, unit)
    struck(store, job_id)
    clock = store._clock
    assert isinstance(clock, Clock)
    if end == "died":
        answer = store.died(job_id, unit, grant.owner, "killed")
    elif end == "release":
        answer = store.release(job_id, unit, grant.owner)
    elif end == "fail":
        answer = store.fail(grant, category="network", error="away", max=3, base=1000, cap=1000, jitter=0.5)
    else:
        for _ in range(8):
            clock.now += 1_000
            answer = store.claim({})
            if answer.send:
                break
    assert handed(answer) == ["publish" if unit == "launch" else "score"]
    state = store.units(job_id)[unit]
    assert (state["s"], state["m"][0]) == ("f", "deadline")
    publish = begin(store, job_id, "publish", 0) if unit == "launch" else None
    if publish is not None:
        assert publish.category == "deadline"
        store.commit(publish, status="completed")
        record = store.read(job_id)
        assert record and record["status"] == "failed", "a job without its launch was completed"


def test_a_partition_that_runs_when_the_deadline_strikes_ends_with_its_stage_and_a_resume_goes_on(
    store: JobStore,
) -> None:
    job_id = launched(store, 1, deadline_s=4)
    grant = begin(store, job_id, "p0")
    struck(store, job_id)
    assert handed(store.commit(grant)) == handed(store.commit(grant)) == ["score"]
    state = store.units(job_id)["p0"]
    assert (state["s"], state["k"], state["c"], state["m"][0]) == ("f", 1, [1], "deadline")
    store.commit(begin(store, job_id, "score", 0))
    for fmt in ("render:html", "render:csv"):
        store.commit(begin(store, job_id, fmt, 0))
    store.commit(begin(store, job_id, "publish", 0), status="failed", fields={"coverage": 0})
    store.resume(job_id)
    answer = store.commit(begin(store, job_id, "launch", 0), fields={"pn": 1, "w": 2, "close": "publish"})
    assert [(out.unit, out.index) for out in answer.send] == [("p0", 1)], "what was scraped is not scraped again"


def test_a_resumed_job_whose_launch_runs_when_its_deadline_strikes_waits_for_it(store: JobStore) -> None:
    job_id = launched(store, 2, deadline_s=4)
    store.cancel(job_id)
    store.resume(job_id)
    store.redis.hset(store.key(f"job:{job_id}"), "deadline", store._clock.now + 4_000)  # type: ignore[misc]
    store.redis.zadd(store.key("due"), {f"{job_id}|~": store._clock.now + 4_000})  # type: ignore[misc]
    grant = begin(store, job_id, "launch", 0)
    struck(store, job_id)
    assert all(state["s"] == "f" for unit, state in store.units(job_id).items() if unit != "launch")
    assert handed(store.commit(grant, fields={"pn": 2, "w": 2, "close": "score;publish"})) == ["score"]


def test_the_close_is_handed_out_and_tried_again_after_a_deadline_as_ever(store: JobStore) -> None:
    job_id = launched(store, 1, deadline_s=4)
    struck(store, job_id)
    grant = begin(store, job_id, "score", 0)
    assert store.fail(grant, category="system", error="x", max=3, base=1000, cap=1000, jitter=1).body["retry_at"]
    clock = store._clock
    assert isinstance(clock, Clock)
    clock.now += 2_000
    assert handed(store.claim({})) == ["score"]
    grant = begin(store, job_id, "score", 0)
    assert handed(store.died(job_id, "score", grant.owner, "killed")) == ["score"]
