"""Companies that a crawl leaves for later: when it does, when it waits, and what of them is asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tasks.scraping import leaving
from tasks.scraping.contract import CrawlOptions, CrawlResult
from tasks.scraping.crawl import crawl_companies
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.harness import LOOPBACK, Crawl, Crawled, check
from tests.tasks.scraping.hostile_server import Asked, HostileServer

#: What a host asks for that is waited for in no test, seconds; a crawl would last longer.
LONG = "50"
Leaving = Callable[..., Crawled]


@pytest.fixture
def leaving_crawl(crawl: Crawl) -> Leaving:
    """Crawls names; whatever waits may be left, unless `may_leave` says no."""

    def one(*names: str, may_leave: leaving.MayLeave = lambda until: True, **options: Any) -> Crawled:
        seeds, pages, told = [crawl.seed(name) for name in names], list[Any](), list[Any]()
        chosen = CrawlOptions(**{"deadline_s": 60.0, "max_pages": 3, **options})
        result = crawl_companies(
            seeds, chosen, on_pages=pages.extend, on_progress=told.append, stop=threading.Event(),
            egress_allow=LOOPBACK, may_leave=may_leave,
        )  # fmt: skip
        crawled = Crawled(result, pages, [], told)
        check(crawled, seeds, chosen.max_pages)
        return crawled

    return one


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A host named by the paths at which it says "later" the first time; robots.txt is what `robots` says."""

    def host(name: str, *paths: str, pause: str = LONG, robots: str = "") -> None:
        left = set(paths)

        async def robots_and_pages(asked: Asked, writer: asyncio.StreamWriter) -> None:
            if asked.path in left:
                left.discard(asked.path)
                hostile_server.send(writer, b"later", 429, {"Retry-After": pause})
            else:
                hostile_server.robots(asked, writer, robots.encode())

        monkeypatch.setitem(hostile_server.BEHAVIOURS, name, robots_and_pages)

    return host


def left(result: CrawlResult) -> dict[str, int | None]:
    """Companies that are asked again later, and what their hosts answered."""
    found = (error for error in result.errors if error["deferred_until"])
    return {str(error["domain"]).partition(".")[0]: error["status"] for error in found}


def test_a_crawl_of_which_only_those_are_left_that_wait_ends_without_them(
    leaving_crawl: Leaving, says: Callable[..., None], server: HostileServer
) -> None:
    says("shy", "/")
    says("shy2", "/")
    crawled = leaving_crawl("plain", "shy", "shy2")
    assert crawled.result.ended == "finished"
    assert left(crawled.result) == {"shy": 429, "shy2": 429}
    assert all("asks to be left alone until " in error for error in crawled.company_errors())
    assert [(row["domain"], row["pages"]) for row in crawled.result.rows] == [("plain.localhost", 3)]
    assert server.paths("shy") == ["/robots.txt", "/"], "never before its time"


def test_while_anything_else_is_under_way_a_pause_is_waited_for(
    leaving_crawl: Leaving, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch, server: HostileServer
) -> None:
    monkeypatch.setattr(leaving, "SHORT_S", 0.2)
    says("shy", "/", pause="1")

    async def robots_of_pace_and_pages_after_shy(asked: Asked, writer: asyncio.StreamWriter) -> None:
        while asked.path not in ("/", "/robots.txt") and server.paths("shy").count("/") < 2:
            await asyncio.sleep(0.01)
        hostile_server.robots(asked, writer, b"User-agent: *\nCrawl-delay: 0.4\n")

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "works", robots_of_pace_and_pages_after_shy)
    crawled = leaving_crawl("shy", "works", max_pages=2)
    assert [row["pages"] for row in crawled.result.rows] == [2, 2] and not crawled.result.errors


def test_who_may_not_be_left_is_waited_for_and_all_others_with_it(
    leaving_crawl: Leaving, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "SHORT_S", 0.2)
    says("shy", "/", pause="1")
    crawled = leaving_crawl("shy", max_pages=1, may_leave=lambda until: False)
    assert [row["pages"] for row in crawled.result.rows] == [1] and not crawled.result.errors


def test_a_short_pause_is_waited_for(leaving_crawl: Leaving, says: Callable[..., None], server: HostileServer) -> None:
    says("shy", "/", pause="1")
    says("soon", "/", pause="0")
    crawled = leaving_crawl("shy", "soon", max_pages=1)
    assert len(crawled.result.rows) == 2 and not crawled.result.errors
    assert server.paths("shy") == ["/robots.txt", "/", "/"]


def test_of_a_company_with_a_page_the_others_are_waited_for(
    leaving_crawl: Leaving, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch, server: HostileServer
) -> None:
    monkeypatch.setattr(leaving, "SHORT_S", 0.05)
    says("paced", robots="User-agent: *\nCrawl-delay: 0.3\n")
    crawled = leaving_crawl("paced", max_pages=3)
    assert [row["pages"] for row in crawled.result.rows] == [3] and not crawled.result.errors
    assert server.paths("paced").count("/") == 1


def test_what_leads_to_a_host_that_waits_is_kept(
    leaving_crawl: Leaving, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch, server: HostileServer
) -> None:
    """The page that leads on is a page, too: it is not asked for a second time."""
    monkeypatch.setattr(leaving, "SHORT_S", 0.2)
    says("goal", "/start", pause="1")
    goal = server.url("goal", "/start", scheme="http")

    async def leads(asked: Asked, writer: asyncio.StreamWriter) -> None:
        page = f'<html><title>Acme</title><meta http-equiv="refresh" content="0; url={goal}"><p>Acme</p></html>'
        hostile_server.send(writer, page.encode())

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "leads", leads)
    crawled = leaving_crawl("leads", max_pages=1)
    assert [row["url"] for row in crawled.result.rows] == [goal] and not left(crawled.result)
    assert server.paths("leads").count("/") == 1


def test_a_robots_txt_that_waits_is_left_too_also_of_companies_in_line(
    leaving_crawl: Leaving, says: Callable[..., None], server: HostileServer
) -> None:
    names = [f"shy{number}" for number in range(40)]
    for name in names:
        says(name, "/robots.txt")
    crawled = leaving_crawl(*names, "plain")
    assert left(crawled.result).keys() == set(names)
    assert [row["domain"] for row in crawled.result.rows] == ["plain.localhost"]
    assert all(server.paths(name) == ["/robots.txt"] for name in names)
