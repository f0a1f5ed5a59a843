"""Buckets: so many at once, so many a second, and what the caller is told of it."""

from __future__ import annotations

import pytest

from api import rate_limit
from api.rate_limit import Buckets, Rate


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_and_then_so_many_a_second(clock: Clock) -> None:
    buckets = Buckets(Rate(2, 5), clock)
    taken = [buckets.take("a") for _ in range(6)]
    assert [one.allowed for one in taken] == [True] * 5 + [False]
    assert [one.remaining for one in taken] == [4, 3, 2, 1, 0, 0]
    assert taken[-1].free_in_s == pytest.approx(0.5) and taken[-1].full_in_s == pytest.approx(2.5)
    assert taken[1].headers(buckets.rate) == [
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
    assert buckets.take("b").allowed


def test_a_look_takes_nothing(clock: Clock) -> None:
    buckets = Buckets(Rate(1, 2), clock)
    assert [buckets.look("a").remaining for _ in range(3)] == [2, 2, 2]
    buckets.take("a")
    buckets.take("a")
    assert not buckets.look("a").allowed and buckets.look("a").free_in_s == pytest.approx(1)


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
    clock.now += 10
    buckets.take("x")
    for n in range(10):
        buckets.take(f"later {n}")
    assert "worst" not in buckets._full_at
