"""Jobs of several projects in one store: each project sees its own, the work is done for all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data import keys
from data.jobs import Bounds, Grant, JobStore, Status
from data.jobs.counters import all_ids, counters
from data.jobs.dead_units import dead_units
from data.jobs.due import due_entries
from data.jobs.restored import RestoredJob
from leadmill.errors import NotFoundError, OverloadedError
from tests.data.jobs.acting import CLOSE, JOB, OTHER, begin, contents, handed, launched, new, pass_time


@pytest.fixture
def acme(store: JobStore) -> JobStore:
    return store.of("acme")


def submitted(store: JobStore, job: str) -> str:
    store.submit(new(job))
    return job


def through(store: JobStore, job: str) -> None:
    """Work a job off as workers do, who know its id alone."""
    store.commit(begin(store, "launch", job=job), fields={"pn": 1, "w": 2, "nc": 1, "close": CLOSE})
    for index in range(3):
        store.commit(begin(store, "p0", index, job))
    for unit in ("score", "render:html", "render:csv"):
        store.commit(begin(store, unit, job=job))
    store.commit(begin(store, "publish", job=job), status="completed", fields={"coverage": 1}, doc={"result": "{}"})


def test_a_job_of_another_project_is_worked_off_and_is_not_there_for_others(store: JobStore, acme: JobStore) -> None:
    acme.submit(new(JOB, idempotency_key="k"))
    assert begin(store, "launch").project == "acme"
    store.release(JOB, "launch", "a:1")
    through(store, JOB)
    record = acme.record(JOB)
    assert record is not None and record.status == Status.COMPLETED and record.project == "acme"
    assert acme.unit_states(JOB) and acme.events(JOB) and acme.asked(JOB) == ({"b": 2}, {"a": 1})
    assert acme.ids("s:completed") and acme.ids("k:pipeline") and acme.ids("t:t")
    for other in (store, store.of("other")):
        assert other.record(JOB) is None and not other.unit_states(JOB) and not other.events(JOB)
        assert other.asked(JOB) == ({}, {}) and not other.recorded([JOB]) and not other.with_units([JOB])
        assert not other.ids("s:completed") and not other.ids("k:pipeline") and not other.ids("t:t")
        assert not counters(other, ["pipeline"]).ended
        with pytest.raises(NotFoundError):
            other.cancel(JOB)
        with pytest.raises(NotFoundError):
            other.resume(JOB)
        with pytest.raises(NotFoundError):
            other.forget(JOB)


def test_a_project_that_is_not_used_leaves_nothing_behind(store: JobStore) -> None:
    launched(store)
    assert not [name for name in contents(store) if name.startswith("p:") or name in (keys.PROJECTS, keys.PROJECT_OF)]
    assert "project" not in (store.read(JOB) or {})
    assert store.projects() == ["default"]
    store.of("acme").record(JOB)
    assert store.projects() == ["default"]


def test_all_that_a_project_has_stands_behind_its_name(store: JobStore, acme: JobStore) -> None:
    through(store, submitted(acme, JOB))
    acme.critical("health", {})
    shared = {"due", "seq", "mark", keys.HELD, keys.PROJECTS, keys.PROJECT_OF, keys.RECORD_VERSION_KEY}
    assert {name for name in contents(store) if not name.startswith("p:acme:")} <= shared
    assert store.projects() == ["default", "acme"]


def test_live_jobs_are_counted_over_all_projects(store: JobStore, acme: JobStore) -> None:
    two = Bounds(2)
    store.submit(new(JOB), two)
    acme.submit(new(OTHER), two)
    for one in (store, acme, store.of("other")):
        with pytest.raises(OverloadedError):
            one.submit(new("job_00000000000000000002"), two)
    acme.cancel(OTHER)
    store.of("other").submit(new("job_00000000000000000002"), two)


def test_one_key_is_two_jobs_in_two_projects(store: JobStore, acme: JobStore) -> None:
    store.submit(new(JOB, idempotency_key="same", body_hash="x"))
    made = acme.submit(new(OTHER, idempotency_key="same", body_hash="y"))
    assert made.body["job"] == OTHER and "replayed" not in made.body
    assert acme.submit(new(JOB, idempotency_key="same", body_hash="y")).body == {**made.body, "replayed": True}


def test_claims_look_at_the_units_of_every_project(store: JobStore, acme: JobStore) -> None:
    launched(store, 1, JOB)
    launched(acme, 1, OTHER)
    lost = begin(store, "p0", job=OTHER)
    pass_time(store, 11)
    sent = store.claim({}).send
    assert sorted((out.job_id, out.unit) for out in sent) == [(JOB, "p0"), (OTHER, "p0")]
    assert store.commit(lost).refused == "stale"
    runs = [(JOB, "p0", "x:1"), (OTHER, "p0", "a:1"), ("job_99999999999999999999", "p0", "x:1")]
    assert store.claim({}, runs=runs).body["lost"] == [[0, -1], [1, -1], [2, -1]]
    acme.cancel(OTHER)
    assert store.claim({}, runs=runs).body["lost"][1] == [1, 0]
    assert {entry.job_id for entry in due_entries(store, 10)} == {JOB}


def test_a_clock_that_went_back_pulls_every_project_in(store: JobStore, acme: JobStore) -> None:
    launched(acme, 1)
    begin(store, "p0")
    store.claim({})
    pass_time(store, -300)
    sent = []
    for _ in range(7):  # without a gap, which would count as an outage
        sent += handed(store.claim({}))
        pass_time(store, 2)
    assert sent == ["p0"]
    assert [event["kind"] for event in store.criticals()] == ["clock_went_back"] and not acme.criticals()


def test_what_failed_for_good_is_told_to_its_project(store: JobStore, acme: JobStore) -> None:
    launched(acme, 1)
    for _ in range(3):
        store.died(JOB, "p0", begin(store, "p0").owner, "killed")
    assert [entry.unit for entry in dead_units(acme, None, 9)] == ["p0"] and not dead_units(store, None, 9)
    assert [event["kind"] for event in acme.criticals()] == ["poison"] and not store.criticals()
    acme.cancel(JOB)
    assert handed(acme.resume(JOB)) == ["launch"]
    assert not dead_units(acme, None, 9)


def test_a_damaged_key_of_a_project_stops_nobody_else(store: JobStore, acme: JobStore) -> None:
    launched(store, 1, JOB)
    launched(acme, 1, OTHER)
    store.redis.delete(acme.key(keys.DEAD))
    store.redis.set(acme.key(keys.DEAD), "x")
    pass_time(store, 4_000)  # beyond both deadlines
    assert JOB in {out.job_id for out in store.claim({}).send}
    assert acme.criticals()[0]["kind"] == "damaged_record" and not store.criticals()


def test_forgotten_and_restored_it_is_of_its_project_again(store: JobStore, acme: JobStore) -> None:
    through(store, submitted(acme, JOB))
    before = acme.record(JOB)
    acme.forget(JOB)
    assert not store.redis.exists(store.key(keys.PROJECT_OF))
    lost = RestoredJob.made(before, {"status": "completed"}, source={}, spec={}, error="", units={})
    assert acme.restore(JOB, lost) and all_ids(acme, "completed") == [JOB] and not all_ids(store, "completed")
    assert store.redis.hgetall(store.key(keys.PROJECT_OF)) == {JOB: "acme"}
    acme.resume(JOB, damaged=["p0"])
    assert isinstance(begin(store, "launch"), Grant)


@pytest.mark.parametrize("name", ["", "Acme", "a:b", "../x", "a" * 41, "a\n"])
def test_what_is_no_name_of_a_project_names_no_key(store: JobStore, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a project"):
        store.of(name)


def test_messages_of_a_project_look_like_any_others(store: JobStore, acme: JobStore) -> None:
    """What is sent names the job alone."""
    sent: Any = acme.submit(new()).send[0]
    assert "acme" not in json.dumps(sent.__dict__)
