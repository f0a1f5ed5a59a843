"""A store says which form its records have; whoever does not know that form leaves it alone."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data import keys
from data.jobs import JobStore
from leadmill.errors import EarlierVersionError, EarlierWorkersError, NewerStoreError
from tests.data.jobs.acting import JOB, OTHER, begin, contents, new
from tests.valkey import Valkey

_serial = itertools.count()
LATER = keys.RECORD_VERSION + 1


@pytest.fixture
def connect(valkey: Valkey, tmp_path: Path) -> Iterator[Callable[[], JobStore]]:
    """Gives stores of one lake, each with connections of its own."""
    prefix = f"version{next(_serial)}:"
    made: list[JobStore] = []

    def connected() -> JobStore:
        made.append(JobStore.connect(valkey.url, prefix, lake=tmp_path))
        return made[-1]

    yield connected
    for store in made:
        store.redis.close()


def version(store: JobStore) -> str | None:
    found: Any = store.redis.get(store.key(keys.RECORD_VERSION_KEY))
    return found


@pytest.mark.parametrize("before", [None, "1", "what is no number"])
def test_who_connects_writes_the_version_unless_it_is_there(
    connect: Callable[[], JobStore], before: str | None
) -> None:
    """None: an empty server, or the records of 0.1.0."""
    store = connect()
    store.submit(new())
    store.redis.delete(store.key(keys.RECORD_VERSION_KEY))
    if before is not None:
        store.redis.set(store.key(keys.RECORD_VERSION_KEY), before)
    assert connect().record(JOB)
    assert version(store) == str(keys.OLDEST_BESIDE)


def test_the_first_job_of_another_project_raises_the_version_and_connecting_does_not_lower_it(
    connect: Callable[[], JobStore],
) -> None:
    """Whoever knows of no projects would drop the job's due entry."""
    store = connect()
    store.of("acme").submit(new())
    assert version(store) == str(keys.RECORD_VERSION)
    assert connect().of("acme").record(JOB)
    assert version(store) == str(keys.RECORD_VERSION)


def test_a_job_that_an_earlier_version_does_not_know_raises_the_version_until_it_ends(
    connect: Callable[[], JobStore],
) -> None:
    """Another one holds it up there; a resume raises it again; and so it is put back after Redis was emptied."""
    store = connect()
    for job in (JOB, OTHER):
        store.submit(new(job, later=True))
    assert version(store) == str(keys.RECORD_VERSION)
    store.cancel(JOB)
    assert version(store) == str(keys.RECORD_VERSION), "the other one goes on"
    store.cancel(OTHER)
    assert version(store) == str(keys.OLDEST_BESIDE)
    store.resume(JOB)
    assert version(store) == str(keys.RECORD_VERSION)
    begun = begin(store, "launch")
    store.fail(begun, category="data", error="x", max=1, base=1, cap=1, jitter=1)
    store.commit(begin(store, "publish"), status="failed")
    assert store.read(JOB)["status"] == "failed"  # type: ignore[index]
    assert version(store) == str(keys.OLDEST_BESIDE)
    assert store.redis.exists(store.key(keys.LATER_JOBS)) == 0


def test_workers_of_0_1_are_refused_by_name_before_anything_is_written(
    connect: Callable[[], JobStore], tmp_path: Path
) -> None:
    """Their store has no form. Dead ones hinder nobody."""
    store = connect()
    store.redis.ping()
    for key in store.redis.keys(store.key("*")):
        store.redis.delete(key)
    store.claim({}, node="w1@there", about='{"queues": ["scraping"], "processes": 1}')
    store.redis.delete(*map(store.key, (keys.RECORD_VERSION_KEY, keys.LAKE, keys.LAKE_PLACE)))
    before = contents(store)
    with pytest.raises(EarlierVersionError, match=r"workers of 0\.1\.0 are at work .*: w1@there\. .*stop them"):
        connect().submit(new())
    assert contents(store) == before
    store.redis.zadd(store.key(keys.WORKERS), {"w1@there": store.now_ms() - 11_000})
    connect().submit(new())
    assert version(store) == str(keys.OLDEST_BESIDE)


@pytest.mark.parametrize("asked", [("default", True), ("acme", False)], ids=["a later job", "another project"])
def test_what_a_living_worker_does_not_know_is_refused_until_it_has_left(
    connect: Callable[[], JobStore], asked: tuple[str, bool]
) -> None:
    """It would take messages and do nothing with them. One that knows the form is no hindrance."""
    project, later = asked
    store = connect()
    about = {"queues": ["scraping"], "processes": 1}
    store.claim({}, node="new@here", about=json.dumps({**about, "form": keys.RECORD_VERSION}))
    store.claim({}, node="old@here", about=json.dumps(about))
    before = contents(store)
    with pytest.raises(EarlierWorkersError, match=r"earlier version are still at work \(old@here\)") as refused:
        store.of(project).submit(new(later=later))
    assert refused.value.retry_after_s and contents(store) == before
    store.leave("old@here")
    store.of(project).submit(new(later=later))
    assert version(store) == str(keys.RECORD_VERSION)


def test_an_ended_job_lowers_no_version_that_projects_need(connect: Callable[[], JobStore]) -> None:
    store = connect()
    store.of("acme").submit(new())
    store.submit(new(OTHER, later=True))
    store.cancel(OTHER)
    assert version(store) == str(keys.RECORD_VERSION)


def test_a_later_store_is_refused_at_connect_with_a_clear_sentence(connect: Callable[[], JobStore]) -> None:
    store = connect()
    store.submit(new())
    store.redis.set(store.key(keys.RECORD_VERSION_KEY), LATER)
    before = contents(store)
    for look in (lambda late: late.read(JOB), lambda late: late.submit(new("job_00000000000000000001"))):
        with pytest.raises(NewerStoreError, match=rf"form {LATER}, this version knows up to {keys.RECORD_VERSION}"):
            look(connect())
    assert contents(store) == before


def test_who_works_already_makes_no_move_any_more_and_its_unit_goes_to_the_later_version(
    connect: Callable[[], JobStore],
) -> None:
    """The later version came while an old worker ran: its commit is refused, and the job does not fail by it."""
    old, later = connect(), connect()
    later.submit(new())
    grant = begin(old, "launch")
    for move in (
        lambda: old.renew(grant),
        lambda: old.commit(grant, fields={"pn": 1, "w": 2, "nc": 1, "close": "publish"}),
        lambda: old.fail(grant, category="data", error="x", max=1, base=1, cap=1, jitter=1),
        lambda: old.claim({}, node="old", about="{}"),
        lambda: old.cancel(JOB),
    ):
        later.redis.set(later.key(keys.RECORD_VERSION_KEY), LATER)
        before = contents(later)
        with pytest.raises(NewerStoreError):
            move()
        assert contents(later) == before
        later.redis.set(later.key(keys.RECORD_VERSION_KEY), keys.RECORD_VERSION)
        assert old.read(JOB), "connected again, to be refused by its next move"
    at = later.now_ms() + 11_000
    later._clock = lambda: at
    assert [out.unit for out in later.claim({}).send] == ["launch"]
    assert begin(later, "launch").tries == 0
