"""Leases of hosts over a real server: who may ask a host, what is carried from one crawl to the next, what it costs."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from data.hosts import FAILURES, FRESH_S, BlockList, HostAnswer, HostLeases, HostNews
from data.hosts.leases import KEPT_S, MAX_PACKED, MOST_OPEN_S, packed, unpacked
from data.jobs import JobStore

HOST = "acme.example"
ORIGIN = f"https://{HOST}"


def crawl(store: JobStore, number: int, agent: str = "") -> HostLeases:
    return HostLeases(store, f"job_{number}|p0", f"run_{number}", agent)


def ask(leases: HostLeases, **news: Any) -> HostAnswer:
    (answer,) = leases.exchange([HostNews(HOST, **news)])
    return answer


def give_back(leases: HostLeases, **news: Any) -> None:
    assert not ask(leases, leave=True, **news).held


def change(store: JobStore, **fields: Any) -> None:
    """Write over what is kept of the host; a state whose lease has lapsed is made so."""
    key = store.key(f"host:{HOST}")
    state = json.loads(str(store.redis.get(key) or "{}"))
    store.redis.set(key, json.dumps({**state, **fields}), ex=600)


def test_one_run_holds_a_host_and_who_waits_first_is_let_in_first(store: JobStore) -> None:
    first, second, third = (crawl(store, n) for n in range(3))
    assert ask(first).held and ask(first).held
    assert not ask(second).held and not ask(third).held
    give_back(first)
    assert not ask(third).held
    assert ask(second).held
    give_back(second)
    assert ask(third).held


def test_hosts_are_taken_in_one_step_each_for_itself(store: JobStore) -> None:
    first, second = crawl(store, 1), crawl(store, 2)
    assert [one.held for one in first.exchange([HostNews("a.example"), HostNews("b.example")])] == [True, True]
    found = second.exchange([HostNews("b.example"), HostNews("c.example")])
    assert [one.held for one in found] == [False, True]


def test_a_lease_of_a_dead_owner_ends_and_what_it_may_have_asked_counts(store: JobStore) -> None:
    first, second = crawl(store, 1), crawl(store, 2)
    assert ask(first, delay_s=30.0).held
    assert not ask(second).held
    change(store, u=store.now_ms() - 1_000, w=None)
    answer = ask(second)
    assert answer.held and 28.0 < answer.next_in_s <= 29.0
    assert not ask(first).held, "who slept is told that it holds the host no more"


def test_the_next_run_of_a_unit_has_at_once_what_the_last_one_held(store: JobStore) -> None:
    assert ask(HostLeases(store, "job_1|p0", "dead"), delay_s=5.0).held
    answer = ask(HostLeases(store, "job_1|p0", "next"))
    assert answer.held and 4.5 < answer.next_in_s <= 5.0


def test_pace_and_quiet_go_from_one_crawl_to_the_next(store: JobStore) -> None:
    first, second = crawl(store, 1), crawl(store, 2)
    assert ask(first).held
    give_back(first, next_in_s=4.0, quiet_for_s=90.0, delay_s=4.0)
    answer = ask(second)
    assert answer.held and 3.5 < answer.next_in_s <= 4.0 and 89.0 < answer.quiet_for_s <= 90.0
    assert ask(second, quiet_for_s=1e9).quiet_for_s <= 86_400.0, "nobody is left alone for ever because it says so"


def test_a_host_that_fails_again_and_again_is_left_alone_by_all_and_longer_each_time(store: JobStore) -> None:
    first, second = crawl(store, 1), crawl(store, 2)
    assert ask(first, failures=FAILURES - 1, failure="HTTP 503").held
    give_back(first)
    answer = ask(second, failures=1, failure="HTTP 502")
    assert (answer.held, answer.failures, answer.failure) == (False, FAILURES, "HTTP 502")
    assert 59.0 < answer.open_for_s <= 60.0
    assert not ask(first).held
    for least in (119.0, 239.0):
        change(store, b=store.now_ms() - 1)
        assert ask(first).held, "it is asked again"
        assert ask(first, failures=1).open_for_s > least
    for _ in range(12):
        change(store, b=0)
        ask(first, failures=1)
    assert ask(first).open_for_s <= MOST_OPEN_S
    change(store, b=0)
    assert ask(first, answered=True).held
    assert ask(first, failures=FAILURES - 1).held, "one answer, and it begins from nothing"


def test_rules_are_told_once_a_day_and_kept_for_when_they_cannot_be_had(store: JobStore) -> None:
    first, second, other = crawl(store, 1), crawl(store, 2), crawl(store, 3, "a1b2")
    assert ask(first, origins=[ORIGIN]).robots == {}
    give_back(first, robots={ORIGIN: "Disallow: /x", "http://acme.example": ""})
    found = ask(second, origins=[ORIGIN, "http://acme.example", "https://www.acme.example"]).robots
    assert found == {ORIGIN: ("Disallow: /x", True), "http://acme.example": ("", True)}
    give_back(second)
    assert ask(other, origins=[ORIGIN]).robots == {}, "another User-Agent may be told otherwise"
    give_back(other)
    key = store.key(f"robots:{ORIGIN}")
    assert FRESH_S < store.redis.ttl(key) <= KEPT_S  # type: ignore[operator]
    store.redis.set(key, f"{store.now_ms() - 1000 * int(FRESH_S) - 1}:Disallow: /x")
    assert ask(first, origins=[ORIGIN]).robots == {ORIGIN: ("Disallow: /x", False)}


def test_rules_behind_a_nul_are_kept(store: JobStore) -> None:
    leases, rules = crawl(store, 1), "Disallow: /a\0b\nDisallow: /private"
    ask(leases, robots={ORIGIN: rules})
    give_back(leases)
    assert ask(leases, origins=[ORIGIN]).robots[ORIGIN].rules == rules


def test_rules_that_are_long_are_packed_and_too_long_ones_not_kept(store: JobStore) -> None:
    rules = "\n".join(f"Disallow: /shop/{n}/ümlaut" for n in range(2_000))
    leases = crawl(store, 1)
    ask(leases, robots={ORIGIN: rules})
    give_back(leases)
    assert ask(leases, origins=[ORIGIN]).robots[ORIGIN].rules == rules
    assert int(store.redis.strlen(store.key(f"robots:{ORIGIN}"))) <= MAX_PACKED  # type: ignore[arg-type]
    noise = "".join(string.printable[(n * n + 7 * n) % 94] for n in range(300_000))
    assert packed(noise * 3) is None or len(packed(noise * 3) or "") <= MAX_PACKED


def test_a_name_on_the_block_list_is_refused_with_all_below_it(store: JobStore) -> None:
    first = crawl(store, 1)
    assert ask(first).held
    store.redis.hset(
        store.key("blocks"), "acme.example", '{"reason": "they asked us to", "since": "2026-11-27T08:00:00Z"}'
    )
    assert ask(first).blocked == ("acme.example", "they asked us to")
    assert not ask(first).held
    names = ("shop.acme.example", "shop.acme.example:8080", "notacme.example", "example")
    found = first.exchange([HostNews(name) for name in names])
    assert [one.blocked is not None for one in found] == [True, True, False, False]
    store.redis.delete(store.key("blocks"))
    assert ask(crawl(store, 2)).held, "it was given back when it was blocked"


def test_a_key_of_another_type_costs_its_host_alone(store: JobStore) -> None:
    store.redis.rpush(store.key(f"host:{HOST}"), "?")
    store.redis.rpush(store.key(f"robots:{ORIGIN}"), "?")
    store.redis.rpush(store.key("blocks"), "?")
    found = crawl(store, 1).exchange([HostNews(HOST), HostNews("b.example", origins=[ORIGIN], robots={ORIGIN: "x"})])
    assert found[0].damaged_key.endswith(f"host:{HOST}") and not found[0].held
    assert found[1].held


@pytest.mark.parametrize(
    "state",
    [
        "", "x", "[]", "null", '"x"', "{", '{"u":"soon"}', '{"r":"run_9","u":1e308}', '{"b":1e15,"q":1e15,"n":1e15}',
        '{"f":"inf","b":NOW}', '{"f":"nan","b":NOW}', '{"f":-1e9,"b":NOW}', '{"f":1e308,"b":NOW}', '{"f":1,"t":1e999}',
        '{"f":"x","t":[],"why":{}}', '{"f":1e308,"t":1e308}', '{"d":-5,"x":null,"w":1}', '{"d":1e300,"r":1,"u":2}',
    ],
)  # fmt: skip
def test_a_state_that_is_none_holds_nobody_up(store: JobStore, state: str) -> None:
    store.redis.set(store.key(f"host:{HOST}"), state.replace("NOW", str(store.now_ms())))
    assert ask(crawl(store, 1)).held
    assert 0 < store.redis.pttl(store.key(f"host:{HOST}")) < 1000 * 86_400 * 3  # type: ignore[operator]


def test_what_is_no_text_costs_no_other_host_its_turn(store: JobStore, tmp_path: Path) -> None:
    later = b'"b":%d}' % (store.now_ms() + 9_000)
    store.redis.set(store.key(f"host:{HOST}"), b'{"f":1e400,"why":"\xff",' + later, ex=60)
    store.redis.set(store.key(f"robots:{ORIGIN}"), b"1:Disallow: /\xff", ex=60)
    store.redis.hset(store.key("blocks"), b"c.example", b"\xff")
    store.redis.hset(store.key("blocks"), b"\xff", b"\xff")
    news = [HostNews(HOST), HostNews("b.example", origins=[ORIGIN]), HostNews("c.example")]
    left_alone, held, blocked = crawl(store, 1).exchange(news)
    assert (left_alone.held, left_alone.failure, left_alone.failures) == (False, "\ufffd", 1)
    assert held.held and held.robots[ORIGIN].rules == "Disallow: /\ufffd"
    assert blocked.blocked == ("c.example", "")
    assert [one.domain for one in BlockList(store, tmp_path).all()] == ["c.example", "\ufffd"]


def test_a_clock_that_went_back_holds_nobody_up(store: JobStore) -> None:
    assert ask(crawl(store, 1)).held
    day = 86_400_000
    change(store, u=store.now_ms() + day, x=store.now_ms() + day, b=store.now_ms() + day, w="run_5")
    assert ask(crawl(store, 2)).held


def test_nothing_is_kept_of_a_host_that_nothing_is_to_be_remembered_of(store: JobStore) -> None:
    leases = crawl(store, 1)
    ask(leases, robots={ORIGIN: "Disallow: /wp-admin/"})
    give_back(leases)
    assert [str(key) for key in store.redis.keys("*")] == [store.key(f"robots:{ORIGIN}")]  # type: ignore[union-attr]


@given(st.text(max_size=2_000))
def test_what_is_packed_is_unpacked(rules: str) -> None:
    text = packed(rules)
    assert text is not None and (rules.startswith("~") or unpacked(text) == rules.encode("utf-8", "replace").decode())


@given(st.text(max_size=200))
def test_a_pack_that_is_none_is_none(text: str) -> None:
    found = unpacked(f"~{text}")
    assert found is None or len(found) <= 512_000


@pytest.fixture(scope="module")
def machine(valkey: Any) -> Any:
    found = JobStore.connect(valkey.url, "machine:")
    yield found
    found.redis.close()


def test_never_two_runs_hold_a_host_whatever_happens(machine: JobStore) -> None:
    """Runs ask, give back, die and come again, in any order: who is told that it holds is the only one."""

    class Runs(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            machine.redis.flushall()
            self.holder: int | None = None
            self.runs = {n: crawl(machine, n) for n in range(4)}
            self.count = 4

        @rule(n=st.integers(0, 3), failures=st.integers(0, 3), answered=st.booleans())
        def asks(self, n: int, failures: int, answered: bool) -> None:
            answer = ask(self.runs[n], failures=failures, answered=answered)
            assert not (answer.held and self.holder not in (None, n))
            assert not (answer.held and answer.open_for_s)
            if answer.held or self.holder == n:
                self.holder = n if answer.held else None

        @rule(n=st.integers(0, 3))
        def gives_back(self, n: int) -> None:
            give_back(self.runs[n])
            self.holder = None if self.holder == n else self.holder

        @rule(n=st.integers(0, 3))
        def dies_and_comes_again(self, n: int) -> None:
            self.count += 1
            self.runs[n] = HostLeases(machine, f"job_{n}|p0", f"run_{self.count}")

        @rule()
        def lapses(self) -> None:
            change(machine, u=machine.now_ms() - 1, x=0, b=0)
            self.holder = None

        @invariant()
        def ends_by_itself(self) -> None:
            for key in machine.redis.keys("*"):  # type: ignore[union-attr]
                assert machine.redis.pttl(key) > 0  # type: ignore[operator]

    Runs.TestCase.settings = settings(
        max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Runs.TestCase().runTest()
