"""A worker says goodbye."""

from __future__ import annotations

from data.jobs import JobStore

ABOUT = '{"queues": ["scraping"], "processes": 2, "pid": 7, "host": "h", "started": 1.5}'


def test_who_left_is_not_told_of_any_more(store: JobStore) -> None:
    now_ms = store.redis.time()[0] * 1000
    store._clock = lambda: now_ms  # `workers` compares with the server's own
    for node in ("a", "b"):
        store.claim({}, node=node, about=ABOUT)
    assert set(store.workers()) == {"a", "b"}
    store.leave("a")
    assert set(store.workers()) == {"b"}
    assert store.redis.hkeys(store.key("worker")) == ["b"]
