"""Crawls of several runs at once over one store: what the server sees of them all together."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from data.hosts import FAILURES, HostLeases, HostNews
from data.jobs import JobStore
from tasks.scraping.contract import CrawlOptions
from tasks.scraping.crawl import CrawlResult, crawl_companies
from tasks.scraping.hosts import Hosts, host_name
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.harness import LOOPBACK, Crawl
from tests.tasks.scraping.hostile_server import Asked, HostileServer

#: How often the thread of leases looks, in the place of the unit's own.
LOOK_S = 0.05


@contextmanager
def shared(store: JobStore, number: int) -> Iterator[Hosts]:
    """The hosts of a run, looked after as the thread of its unit's lease does."""
    hosts = Hosts(HostLeases(store, f"job_{number}|p0", f"run_{number}"))
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_S):
            hosts.look()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield hosts
    finally:
        is_over.set()
        thread.join()
        hosts.close()


@pytest.fixture
def run(store: JobStore, crawl: Crawl) -> Callable[..., CrawlResult]:
    def one(number: int, *names: str, **options: Any) -> CrawlResult:
        seeds = [crawl.seed(name) for name in names]
        with shared(store, number) as hosts:
            hosts.want(seed.url for seed in seeds)
            return crawl_companies(
                seeds, CrawlOptions(**{"deadline_s": 30.0, "timeout_s": 5.0, **options}), on_pages=lambda rows: None,
                on_progress=lambda progress: None, stop=threading.Event(), egress_allow=LOOPBACK, hosts=hosts,
            )  # fmt: skip

    return one


def errors(result: CrawlResult) -> list[str]:
    return [error["error"] for error in result.errors]


def test_many_crawls_together_keep_the_pace_that_a_host_asked_one_of_them_for(
    run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda number: run(number, "delay", f"plain{number}", max_pages=2), range(3)))
    assert [len(result.rows) for result in results] == [2] * 3
    assert server.paths("delay").count("/robots.txt") == 1
    pages = [asked.at for asked in server.asked if asked.host.startswith("delay") and asked.path != "/robots.txt"]
    assert len(pages) == 6
    assert min(after - before for before, after in itertools.pairwise(pages)) >= 0.4
    assert all(len(server.paths(f"plain{number}")) == 3 for number in range(3)), "other hosts went on"


def test_many_crawls_together_ask_two_things_at_a_time(
    run: Callable[..., CrawlResult], server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    under_way, most = 0, 0

    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        hostile_server.send(writer)

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "slow", slow)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda number: run(number, "slow"), range(6)))
    assert all(result.rows for result in results) and most <= 2
    assert len(server.paths("slow")) > 30


def test_rules_and_quiet_hold_for_the_next_crawl(run: Callable[..., CrawlResult], server: HostileServer) -> None:
    run(1, "deny", "busy-long")
    asked = len(server.asked)
    found = sorted(errors(run(2, "deny", "busy-long")))
    assert len(server.asked) == asked
    assert found[1] == "robots.txt forbids /"
    assert "asks to be left alone for" in found[0] and "(Retry-After)" in found[0]


def test_rules_that_are_old_count_while_the_new_ones_cannot_be_had(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    origin = server.url("robots-503", "", scheme="http").rstrip("/")
    store.redis.set(store.key(f"robots:{origin}"), "1:Disallow: /contact", ex=60)
    result = run(1, "robots-503")
    assert result.rows and "robots.txt forbids /contact" in errors(result)
    assert "/robots.txt" in server.paths("robots-503")


def test_a_host_that_fails_all_the_time_is_left_alone_by_the_next_crawl(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    name = host_name(f"reset.localhost:{server.port}")
    for number in range(3):
        store.redis.set(store.key(f"host:{name}"), f'{{"f":{FAILURES - 1}}}', ex=60)
        run(number, *(["plain"] if number else []), "reset", max_pages=1)
        assert "/robots.txt" in server.paths("reset"), "where nobody answers it may be our side, which is not counted"
        if number:
            break
    server.asked.clear()
    (error,) = errors(run(9, "plain", "reset", max_pages=1))
    assert error.startswith(f"{name} is left alone for ")
    assert error.endswith("requests in a row failed, the last: the connection broke off")
    assert not server.paths("reset")


def test_a_block_ends_a_crawl_that_runs(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    with ThreadPoolExecutor(1) as pool:
        crawled = pool.submit(run, 1, "delay", "plain")
        while "/" not in server.paths("delay"):
            time.sleep(0.01)
        store.redis.hset(store.key("blocks"), "localhost", "")
        result = crawled.result()
    assert "localhost is on the block list of this installation" in errors(result)
    assert len(server.paths("delay")) <= 7
    assert errors(run(2, "plain")) == ["localhost is on the block list of this installation"]


def test_who_waits_in_vain_says_so_and_its_other_hosts_go_on(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    host = host_name(f"plain.localhost:{server.port}")
    assert HostLeases(store, "job_0|p0", "run_0").exchange([HostNews(host)])[0].held
    result = run(1, "plain", "plain2", deadline_s=1.0)
    assert [row["domain"] for row in result.rows] == ["plain2.localhost"]
    assert errors(result) == [f"no turn within 1 s: other jobs were asking {host}"]
    assert "plain" not in {asked.host.partition(".")[0] for asked in server.asked}


def test_what_was_given_back_is_free_at_once_and_nothing_is_left(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    assert run(1, "plain", "moved").rows and run(2, "plain", "moved").rows
    assert not store.redis.keys("test:host:*")


@pytest.mark.parametrize(
    ("netloc", "name"),
    [
        ("Acme.Example", "acme.example"),
        ("www.acme.example:443", "acme.example"),
        ("acme.example:80", "acme.example"),
        ("acme.example.", "acme.example"),
        ("user:pass@acme.example:8080", "acme.example:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("\udcff" + "x" * 999, "\\udcff" + "x" * 279),
    ],
)
def test_a_host_has_one_name(netloc: str, name: str) -> None:
    assert host_name(netloc) == name
