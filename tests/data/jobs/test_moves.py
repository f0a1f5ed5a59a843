"""The stream of jobs that came to another status: nothing is missed unnoticed, and no move fails of it."""

from __future__ import annotations

import pytest

from data import keys
from data.jobs import LIMITS, JobStore, moves
from data.jobs.moves import moves_behind, running
from tests.data.jobs.acting import JOB, closed, completed


def test_each_status_is_told_once_and_in_order(store: JobStore) -> None:
    assert moves_behind(store, running(store)[1]).of == {}
    grant = closed(store, "publish")
    jobs, place = running(store)
    assert jobs == {JOB}
    store.commit(grant, status="completed", fields={"coverage": 0.5})
    ended = moves_behind(store, place)
    assert (ended.of, ended.whole) == ({JOB: "completed"}, True)
    assert moves_behind(store, ended.place) == ({}, ended.place, True)
    store.resume(JOB)
    store.cancel(JOB)
    store.forget(JOB)
    assert moves_behind(store, ended.place).of == {JOB: "gone"}
    other = store.of("other")
    assert moves_behind(other, running(other)[1]).of == {}


def test_who_is_behind_by_too_much_is_told(store: JobStore) -> None:
    completed(store)
    _, place = running(store)
    stream = store.key(keys.MOVES)
    for n in range(2 * int(LIMITS["MOVES_KEPT"])):
        store.redis.xadd(stream, {"job": f"job_{n:020d}", "status": "completed"}, maxlen=int(LIMITS["MOVES_KEPT"]))
    assert not moves_behind(store, place).whole
    store.redis.delete(stream)
    assert moves_behind(store, place) == ({}, "", False)


def test_a_key_of_another_type_fails_no_move(store: JobStore) -> None:
    store.redis.set(store.key(keys.MOVES), "x")
    completed(store)
    assert store.record(JOB).status == "completed"  # type: ignore[union-attr]


def test_of_very_many_some_are_told_and_that_there_may_be_more(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "_MOST", 4)
    place = running(store)[1]
    for n in range(5):
        store.redis.xadd(store.key(keys.MOVES), {"job": f"job_{n:020d}", "status": "running"})
    first = moves_behind(store, place)
    assert (len(first.of), first.whole) == (3, False)
    rest = moves_behind(store, first.place)
    assert ([*rest.of], rest.whole) == ([f"job_{3:020d}", f"job_{4:020d}"], True)
