"""A store says which form its records have; whoever does not know that form leaves it alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data import keys
from data.jobs import JobStore
from leadmill.errors import NewerStoreError
from tests.data.jobs.acting import JOB, begin, contents, new
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
    assert version(store) == str(keys.WITHOUT_PROJECTS)


def test_the_first_job_of_another_project_raises_the_version_and_connecting_does_not_lower_it(
    connect: Callable[[], JobStore],
) -> None:
    """Whoever knows of no projects would drop the job's due entry."""
    store = connect()
    store.of("acme").submit(new())
    assert version(store) == str(keys.RECORD_VERSION)
    assert connect().of("acme").record(JOB)
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
