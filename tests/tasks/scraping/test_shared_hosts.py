"""Crawls of several runs at once over one store: what the server sees of them all together."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from data.hosts import FAILURES, HostLeases, HostNews
from data.jobs import JobStore
from tasks.scraping import hosts as hosts_module
from tasks.scraping.company_crawl import CompanyCrawl
from tasks.scraping.contract import CrawlOptions, CrawlResult, Seed
from tasks.scraping.crawl import crawl_companies
from tasks.scraping.hosts import Hosts, host_name
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.harness import LOOPBACK, Crawl
from tests.tasks.scraping.hostile_server import Asked, HostileServer
from tests.valkey import Valkey

#: How often the thread of leases looks, in the place of the unit's own.
LOOK_S = 0.05
#: Between two requests to the host `delay-short`, seconds.
PACE_S = 0.12


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


def crawl_shared(store: JobStore, number: int, seeds: list[Seed], **options: Any) -> CrawlResult:
    """The crawl of a run."""
    with shared(store, number) as hosts:
        hosts.want(seed.url for seed in seeds)
        return crawl_companies(
            seeds, CrawlOptions(**{"deadline_s": 30.0, "timeout_s": 5.0, **options}), on_pages=lambda rows: None,
            on_progress=lambda progress: None, stop=threading.Event(), egress_allow=LOOPBACK, hosts=hosts,
        )  # fmt: skip


@pytest.fixture
def run(store: JobStore, crawl: Crawl) -> Callable[..., CrawlResult]:
    def one(number: int, *names: str, **options: Any) -> CrawlResult:
        return crawl_shared(store, number, [crawl.seed(name) for name in names], **options)

    return one


def errors(result: CrawlResult) -> list[str]:
    return [error["error"] for error in result.errors]


@pytest.fixture(autouse=True)
def _paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host `delay-short` that wants `PACE_S` between two requests."""

    async def delay_short(asked: Asked, writer: asyncio.StreamWriter) -> None:
        hostile_server.robots(asked, writer, f"User-agent: *\nCrawl-delay: {PACE_S}\n".encode())

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "delay-short", delay_short)


def pages_at(server: HostileServer, name: str) -> list[float]:
    """When each page of a host was asked for."""
    return [asked.at for asked in server.asked if asked.host.startswith(name) and asked.path != "/robots.txt"]


def test_many_crawls_together_keep_the_pace_that_a_host_asked_one_of_them_for(
    run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda number: run(number, "delay-short", f"plain{number}", max_pages=2), range(4)))
    assert [len(result.rows) for result in results] == [2] * 4
    assert server.paths("delay-short").count("/robots.txt") == 1
    at = pages_at(server, "delay-short")
    assert len(at) == 8
    assert min(after - before for before, after in itertools.pairwise(at)) >= PACE_S
    assert all("/" in server.paths(f"plain{number}") for number in range(4)), "other hosts went on"


def test_without_the_store_nothing_is_sent_beyond_the_lease(
    crawl: Crawl, server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever might take the host over could ask it by then."""
    monkeypatch.setattr(hosts_module, "LEASE_S", 0.15)
    monkeypatch.setattr(hosts_module, "RENEW_S", 0.0)
    with Valkey(tmp_path, aof=False) as own:
        kept = JobStore.connect(own.url, "test:", timeout_s=0.2)
        with ThreadPoolExecutor(1) as pool:
            crawled = pool.submit(crawl_shared, kept, 1, [crawl.seed("delay-short")])
            while "/robots.txt" not in server.paths("delay-short"):
                time.sleep(0.01)
            own.kill(signal.SIGSTOP)
            stopped = time.monotonic()
            time.sleep(1.0)
            own.kill(signal.SIGCONT)
            result = crawled.result()
    assert result.rows and result.ended == "finished"
    at = [moment - stopped for moment in pages_at(server, "delay-short")]
    assert not [moment for moment in at if 0.2 < moment < 0.95]
    assert at[-1] > 1.0, "it went on"


def test_many_crawls_together_ask_two_things_at_a_time(
    run: Callable[..., CrawlResult], server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert "asks to be left alone until " in found[0] and "(Retry-After)" in found[0]


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
    name = host_name("http", f"reset.localhost:{server.port}")
    for number in range(3):
        store.redis.set(store.key(f"host:{name}"), f'{{"f":{FAILURES - 1}}}', ex=60)
        run(number, *(["plain"] if number else []), "reset", max_pages=1)
        assert "/robots.txt" in server.paths("reset"), "where nobody answers it may be our side, which is not counted"
        if number:
            break
    server.asked.clear()
    (error,) = errors(run(9, "plain", "reset", max_pages=1))
    assert error.startswith(f"{name} is left alone until ")
    assert error.endswith("requests in a row failed, the last: the connection broke off")
    assert not server.paths("reset")


def test_what_others_lead_to_and_fails_says_nothing_of_the_host(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def to_reset(asked: object, writer: object) -> None:
        hostile_server.redirect(writer, server.url("reset", "/x", scheme="http"))  # type: ignore[arg-type]

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "to-reset", to_reset)
    key = store.key(f"host:{host_name('http', f'reset.localhost:{server.port}')}")
    store.redis.set(key, f'{{"f":{FAILURES - 1}}}', ex=60)
    run(1, "plain", "to-reset", max_pages=1)
    assert server.paths("reset")
    kept = json.loads(str(store.redis.get(key)))
    assert (kept["f"], kept.get("b")) == (FAILURES - 1, None)


def test_a_block_ends_a_crawl_that_runs(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts_module, "RENEW_S", 0.1)
    with ThreadPoolExecutor(1) as pool:
        crawled = pool.submit(run, 1, "delay-short", "plain")
        while "/" not in server.paths("delay-short"):
            time.sleep(0.01)
        store.redis.hset(store.key("blocks"), "localhost", "")
        result = crawled.result()
    assert "localhost is on the block list of this installation" in errors(result)
    assert len(pages_at(server, "delay-short")) < 6
    assert errors(run(2, "plain")) == ["localhost is on the block list of this installation"]


def test_who_waits_in_vain_says_so_and_its_other_hosts_go_on(
    store: JobStore, run: Callable[..., CrawlResult], server: HostileServer
) -> None:
    host = host_name("http", f"plain.localhost:{server.port}")
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


def test_a_site_that_leads_to_another_keeps_no_other_job_from_it() -> None:
    company = CompanyCrawl(Seed("c", "acme.example", "http://acme.example/"), CrawlOptions())
    host = Hosts().of("http://victim.example:8080/")
    host.users.add(company)
    assert not host.is_in_use
    company.note_home("http://www.victim.example:8080/")
    assert host.is_in_use, "its home page was found there"
    company.done = True
    assert not host.is_in_use


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://Acme.Example", "acme.example"),
        ("https://www.acme.example:443", "acme.example"),
        ("http://acme.example:80", "acme.example"),
        ("https://acme.example:80", "acme.example:80"),
        ("http://acme.example:443", "acme.example:443"),
        ("https://acme.example.", "acme.example"),
        ("https://www.acme.example.:8443", "acme.example:8443"),
        ("http://acme.example..:80", "acme.example"),
        ("http://acme.example:", "acme.example"),
        ("http://user:pass@acme.example:8080", "acme.example:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://[::1]", "[::1]"),
        ("http://\udcff" + "x" * 999, "\\udcff" + "x" * 279),
    ],
)
def test_a_host_has_one_name(address: str, name: str) -> None:
    assert host_name(*urlsplit(address)[:2]) == name
