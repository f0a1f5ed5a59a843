"""Buckets: so many at once, so many a second, and what the caller is told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import rate_limit
from api.app import create_app
from api.keyring import GUESSES
from api.rate_limit import Buckets, headers
from data.api_keys import KeyRegistry
from data.jobs import JobStore
from data.presence import Presence, StackProcess
from data.shared_buckets import SharedBuckets
from leadmill.access import Role
from leadmill.rate import Rate
from leadmill.settings import Settings
from tests.api.conftest import V1


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
    assert buckets.take("b").allowed and not buckets.take("b").allowed


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
    first, second = Presence(store, StackProcess.API), Presence(store, StackProcess.API)
    assert (first.tell(), second.tell(), first.tell()) == (1, 2, 2)
    second.leave()
    assert first.tell() == 1


# ---- at the door ---------------------------------------------------------------------------------------


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def asked(client: TestClient, secret: str | None = None, path: str = f"{V1}/jobs/list") -> Any:
    return client.get(path, headers=bearer(secret) if secret else {})


@pytest.fixture
def secrets(settings: Settings) -> list[str]:
    registry = KeyRegistry(settings.data_dir)
    return [registry.create(name, Role.ADMIN)[1] for name in ("one", "two")]


@pytest.fixture
def slow(settings: Settings, secrets: list[str]) -> Iterator[TestClient]:
    """An API that allows each key three requests at once, and then hardly any."""
    with TestClient(create_app(settings.model_copy(update={"rate_limit": "0.01/3"})), "http://localhost") as client:
        yield client


def test_each_key_has_its_rate_and_is_told_of_it(slow: TestClient, secrets: list[str]) -> None:
    first = [asked(slow, secrets[0]) for _ in range(4)]
    assert [answer.status_code for answer in first] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"][:15] for answer in first] == [f'"requests";r={n};' for n in (2, 1, 0, 0)]
    assert first[0].headers["RateLimit-Policy"] == '"requests";q=3;w=300'
    told = first[3]
    assert told.json()["code"] == "rate_limited" and 90 < int(told.headers["Retry-After"]) <= 100
    assert asked(slow, secrets[1]).status_code == 200, "another key is none of its business"
    for path in ("/healthz", "/readyz"):
        answer = slow.get(path, headers=bearer(secrets[0]))
        assert answer.status_code != 429 and "RateLimit" not in answer.headers


def test_without_keys_there_is_no_rate_but_one_that_is_set(settings: Settings) -> None:
    for given, wanted in ((None, [200] * 4), ("0", [200] * 4), ("0.01/3", [200] * 3 + [429])):
        with TestClient(create_app(settings.model_copy(update={"rate_limit": given})), "http://localhost") as client:
            answers = [asked(client) for _ in range(4)]
        assert [answer.status_code for answer in answers] == wanted
        assert ("RateLimit" in answers[0].headers) == (given == "0.01/3")


def test_two_processes_give_no_more_than_one(settings: Settings, secrets: list[str], store: JobStore) -> None:
    limited = settings.model_copy(update={"rate_limit": "0.01/20"})
    with (
        TestClient(create_app(limited), "http://localhost") as one,
        TestClient(create_app(limited), "http://localhost") as two,
    ):
        until = time.monotonic() + 20
        while asked(one, secrets[0]).status_code == 200 and not store.redis.keys(store.key("rate:*")):
            assert time.monotonic() < until
            time.sleep(0.4)
        while asked(two, secrets[1]).status_code == 200 and len(store.redis.keys(store.key("rate:*"))) < 2:
            assert time.monotonic() < until
            time.sleep(0.4)
        left = [asked(client, secrets[0]).headers["RateLimit"] for client in (one, two, one, two)]
    numbers = [int(text.split("r=")[1].split(";")[0]) for text in left]
    assert numbers == list(range(numbers[0], numbers[0] - 4, -1))


def test_whoever_guesses_has_to_wait_and_nobody_else(settings: Settings, secrets: list[str]) -> None:
    app = create_app(settings)
    with TestClient(app, "http://localhost", client=("203.0.113.7", 1)) as client:
        unknown = "lm_00000000_" + "x" * 43
        guesses = [asked(client, unknown) for _ in range(GUESSES.burst + 1)]
        assert [answer.status_code for answer in guesses] == [401] * GUESSES.burst + [429]
        assert guesses[-1].json()["code"] == "too_many_wrong_keys" and int(guesses[-1].headers["Retry-After"]) >= 1
        assert asked(client, secrets[0][:-2] + "xx").status_code == 429, "no answer tells which ids there are"
        assert asked(client, secrets[0]).status_code == 200, "who guesses at a key does not keep its owner out"
        elsewhere = TestClient(app, "http://localhost", client=("203.0.113.8", 1))
        assert asked(elsewhere, secrets[0]).status_code == 200 and asked(elsewhere, unknown).status_code == 401


def test_a_network_of_ipv6_is_one_place(settings: Settings, secrets: list[str]) -> None:
    with TestClient(create_app(settings), "http://localhost") as client:
        for n in range(GUESSES.burst):
            guess = TestClient(client.app, "http://localhost", client=(f"2001:db8::{n}", 1))
            assert asked(guess, "lm_x").status_code == 401
        assert asked(TestClient(client.app, "http://localhost", client=("2001:db8::ffff", 1)), "x").status_code == 429
        assert asked(TestClient(client.app, "http://localhost", client=("2001:db8:0:1::1", 1)), "x").status_code == 401
