"""Buckets: so many at once, so many a second, and what the caller is told of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from api import rate_limit
from api.rate_limit import Buckets, headers
from data.jobs import JobStore
from data.shared_buckets import Presence, SharedBuckets
from leadmill.rate import Rate


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("text", "rate"),
    [("20", Rate(20, 40)), ("0.5", Rate(0.5, 1)), ("20/100", Rate(20, 100)), ("1/1", Rate(1, 1)), ("0", None)],
)
def test_a_rate_as_text(text: str, rate: Rate | None) -> None:
    assert Rate.of(text) == rate


@pytest.mark.parametrize("text", ["", "x", "-1", "1/0", "1/", "1/2/3", "1e9", "nan"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="requests a second, like 20"):
        Rate.of(text)


def test_a_burst_and_then_so_many_a_second(clock: Clock) -> None:
    rate = Rate(2, 5)
    buckets = Buckets(rate, clock)
    taken = [buckets.take("a") for _ in range(6)]
    assert [one.allowed for one in taken] == [True] * 5 + [False]
    assert [one.left for one in taken] == [4, 3, 2, 1, 0, 0]
    assert taken[-1].free_in_s == pytest.approx(0.5) and taken[-1].full_in_s == pytest.approx(2.5)
    assert headers(rate, taken[1]) == [
        (b"ratelimit-policy", b'"requests";q=5;w=3'),
        (b"ratelimit", b'"requests";r=3;t=1'),
    ]
    clock.now += 0.5
    assert [buckets.take("a").allowed for _ in range(2)] == [True, False]
    clock.now += 100
    assert [buckets.take("a").allowed for _ in range(6)] == [True] * 5 + [False]


def test_one_empties_no_others(clock: Clock) -> None:
    buckets = Buckets(Rate(1, 1), clock)
    assert buckets.take("a").allowed and not buckets.take("a").allowed
    assert buckets.would("b").allowed and buckets.would("b").allowed and buckets.take("b").allowed
    assert not buckets.would("b").allowed


def test_no_more_buckets_are_kept_than_may_be_and_the_emptiest_stay(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "MAX_BUCKETS", 10)
    buckets = Buckets(Rate(1, 5), clock)
    for _ in range(5):
        buckets.take("worst")
    for n in range(100):
        buckets.take(f"one of many {n}")
    assert not buckets.take("worst").allowed and len(buckets._full_at) <= 10


def test_processes_share_a_bucket(store: JobStore) -> None:
    rate, sides = Rate(0.01, 20), [SharedBuckets(store), SharedBuckets(store)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: sides[n % 2].take("a", rate), range(60)))
    assert sum(one.allowed for one in taken) == 20
    assert sorted(one.left for one in taken if one.allowed) == list(range(20))
    assert sides[0].take("b", rate).left == 19
    assert store.redis.pttl(store.key("rate:b")) > 0


def test_who_lives_is_known(store: JobStore) -> None:
    first, second = Presence(store), Presence(store)
    assert (first.tell(), second.tell(), first.tell()) == (1, 2, 2)
    second.leave()
    assert first.tell() == 1
