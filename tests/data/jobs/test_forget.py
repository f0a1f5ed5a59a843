"""Cleanup takes an ended job out of Redis."""

from __future__ import annotations

import pytest

from data.jobs import JobStore
from leadmill.errors import ConflictError, NotFoundError
from tests.data.jobs.acting import JOB, completed, launched


def test_nothing_of_it_stays_but_what_was_counted(store: JobStore) -> None:
    completed(store)
    store.forget(JOB)
    assert not [key for key in store.redis.keys(store.prefix + "*") if JOB in key]
    for index in ("s:completed", "k:pipeline", "t:t"):
        assert store.ids(index) == []
    counted = store.redis.hgetall(store.key("ended"))
    assert (counted["pipeline:completed"], counted["pipeline:forgotten"]) == ("1", "1")
    with pytest.raises(NotFoundError):
        store.forget(JOB)


def test_a_live_one_stays(store: JobStore) -> None:
    launched(store)
    with pytest.raises(ConflictError, match="it is running"):
        store.forget(JOB)
