"""Hosts that hang, take their time or take no connection: they cost the others nothing, and no longer than it takes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tasks.scraping import connections, places, scouts
from tasks.scraping.company_crawl import CompanyCrawl
from tasks.scraping.crawl import CrawlOptions, Seed
from tasks.scraping.places import CONCURRENCY
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import BEHAVIOURS, HostileServer, send


@contextmanager
def _taking_no_connection() -> Iterator[int]:
    """A port whose queue of connections is full: who dials it hears nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        try:
            yield listening.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


async def _late(asked: Any, writer: Any) -> None:
    await asyncio.sleep(0.4)
    send(writer)


def test_who_hangs_takes_no_place_and_who_is_late_is_a_good_row(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SLOW_S", 0.1)
    monkeypatch.setitem(BEHAVIOURS, "late", _late)
    hangs = [f"hang{n}" for n in range(CONCURRENCY + 6)]
    crawled = crawl(*hangs, "late", "plain", timeout_s=1.0, max_pages=2)
    assert [(row["domain"].partition(".")[0], row["pages"]) for row in crawled.result.rows] == [
        ("late", 2),
        ("plain", 2),
    ]
    assert set(crawled.company_errors()) == {"no answer in time"}
    asked = [request.host for request in server.asked]
    given_up = next(at for at, host in enumerate(asked) if host.startswith("www.hang"))
    assert asked.index(server.host("plain")) < given_up


def test_no_more_than_so_many_give_their_place_away() -> None:
    room: list[int] = []

    async def crawl() -> tuple[int, int]:
        held = places.Places()
        hang, sent = asyncio.Event(), 0

        async def request() -> None:
            nonlocal sent
            async with held.take(room.append):
                sent += 1
                await hang.wait()

        requests = [asyncio.create_task(request()) for _ in range(CONCURRENCY + places.MOST_SLOW + 10)]
        while sent < CONCURRENCY + places.MOST_SLOW:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        most = sent
        hang.set()
        await asyncio.gather(*requests)
        return most, held.slow

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "SLOW_S", 0.01)
        assert asyncio.run(crawl()) == (CONCURRENCY + places.MOST_SLOW, 0)
    assert sum(room) == 0 and len(room) >= 2 * places.MOST_SLOW


@pytest.mark.parametrize(("pause_s", "rows"), [(0.0, 1), (0.6, 0)])
def test_the_other_name_of_a_host_that_hangs_is_given_a_third_of_the_time(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, pause_s: float, rows: int
) -> None:
    async def other(asked: Any, writer: Any) -> None:
        await asyncio.sleep(pause_s)
        send(writer)

    monkeypatch.setitem(BEHAVIOURS, "www-hang", other)
    assert len(crawl("hang", timeout_s=0.75, max_pages=1).result.rows) == rows


def test_dialling_takes_less_than_an_answer_may(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECT_S", 0.2)
    with _taking_no_connection() as port:
        crawled = crawl(f"http://127.0.0.1:{port}/", timeout_s=60.0, respect_robots=False)
    assert crawled.company_errors() == ["no connection in time"]
    assert crawled.result.ended == "finished"


@contextmanager
def _taking_its_time_for_tls(pause_s: float) -> Iterator[int]:
    """A port behind which a busy server takes a connection at once, and comes to its handshake later."""
    context, over = hostile_server._self_signed(), threading.Event()

    def shake_hands(taken: socket.socket) -> None:
        over.wait(pause_s)
        with contextlib.suppress(OSError), taken:  # whoever dialled does not trust it
            context.wrap_socket(taken, server_side=True).close()

    def take() -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                threading.Thread(target=shake_hands, args=(listening.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=take, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("pause_s", "said"),
    [(0.4, "the TLS certificate is not valid: self-signed certificate"), (60, "no answer in time")],
)
def test_whoever_takes_a_connection_has_the_time_of_an_answer_for_tls(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, pause_s: float, said: str
) -> None:
    monkeypatch.setattr(connections, "CONNECT_S", 0.1)
    with _taking_its_time_for_tls(pause_s) as port:
        crawled = crawl(f"https://127.0.0.1:{port}/", timeout_s=0.9, respect_robots=False)
    assert crawled.company_errors() == [said]


def test_pages_that_hang_are_asked_once_and_soon_no_more(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("second-hangs", timeout_s=0.3, max_pages=50)
    assert [row["pages"] for row in crawled.result.rows] == [1]
    assert crawled.page_errors() == ["no answer in time"] * 2
    paths = [path for path in server.paths("second-hangs") if path not in ("/", "/robots.txt")]
    assert len(paths) == len(set(paths)) <= 4, "two at a time, and what was asked with the first of them"


def _companies(number: int) -> list[CompanyCrawl]:
    seeds = [Seed(f"comp_{n:016x}", f"c{n}.example", f"http://c{n}.example/") for n in range(number)]
    return [CompanyCrawl(seed, CrawlOptions(), n) for n, seed in enumerate(seeds)]


def test_hosts_are_asked_ahead_and_who_hangs_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scouts, "SILENT_S", 0.01)
    companies = _companies(scouts.AT_ONCE + 2 * scouts.SCOUTS + 2)
    *first, last = companies[scouts.AT_ONCE :]

    async def begun() -> list[str]:
        last_asked, asked = asyncio.Event(), 0

        async def answers(company: CompanyCrawl) -> bool:
            nonlocal asked
            asked += 1
            if company is last:
                last_asked.set()
                raise OSError("told by the company's own request")
            await last_asked.wait()  # all before it hang, more than are asked at a time
            return company is not first[0]

        order: list[str] = []
        async for company in scouts.in_turn(companies, answers):
            if len(order) < scouts.AT_ONCE:
                assert asked == 0, "the first begin at once"
            order.append(company.seed.domain)
        assert asked == len(first) + 1
        return order

    order = asyncio.run(begun())
    assert order[: scouts.AT_ONCE] == [company.seed.domain for company in companies[: scouts.AT_ONCE]]
    assert sorted(order) == sorted(company.seed.domain for company in companies)
    assert first[0].number < companies[0].number
    assert [company.number for company in (*first[1:], last)] == list(range(scouts.AT_ONCE + 1, len(companies)))


def test_many_companies_each_end_once_whatever_their_robots_txt_does(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BEHAVIOURS, "robots-hang", BEHAVIOURS["hang"])
    monkeypatch.setattr(BEHAVIOURS["hang"], "__name__", "robots_hang")
    names = [f"plain{n}" for n in range(scouts.AT_ONCE + 20)]
    crawled = crawl(*names, "robots-hang", timeout_s=0.5, max_pages=1)
    assert len(crawled.result.rows) == len(names)
    assert crawled.company_errors() == ["no answer in time"]
    assert "/" not in server.paths("robots-hang")


def test_a_stop_leaves_none_of_a_long_line_waiting(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BEHAVIOURS["hang"], "__name__", "robots_hang")
    crawled = crawl(*(f"hang{n}" for n in range(2 * CONCURRENCY)), deadline_s=0.3)
    assert crawled.result.ended == "deadline"
    assert len(crawled.company_errors()) == 2 * CONCURRENCY
