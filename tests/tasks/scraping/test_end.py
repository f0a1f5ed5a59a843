"""How a crawl ends, and that every company is accounted for whatever happens."""

from __future__ import annotations

import gc
import re
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadmill.errors import ConfigError, InputError, WorkError
from tasks.scraping import spider
from tasks.scraping.crawl import CrawlOptions, Seed
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import BEHAVIOURS, HostileServer

SLOW = {"broken", "reset", "busy-once", "hang", "drip", "second-hangs", "refresh-to-hang", "delay", "delay-long"}
QUICK = sorted(BEHAVIOURS.keys() - SLOW)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(QUICK), max_size=8), st.integers(1, 8), st.integers(0, 3))
def test_every_company_ends_once(crawl: Crawl, names: list[str], max_pages: int, max_depth: int) -> None:
    crawl(*names, max_pages=max_pages, max_depth=max_depth)  # the fixture checks the account


def test_a_batch_of_everything_ends_once_each(crawl: Crawl) -> None:
    crawled = crawl(*BEHAVIOURS, deadline_s=30.0, timeout_s=1.0)
    assert crawled.result.ended in ("finished", "deadline")
    assert len(crawled.result.rows) > 20


def test_no_companies_is_an_empty_result(crawl: Crawl) -> None:
    assert crawl().result.rows == []


def test_limits_of_pages_and_depth(crawl: Crawl, server: HostileServer) -> None:
    assert [page["depth"] for page in crawl("plain", max_depth=0).pages] == [0]
    assert len(crawl("plain", max_pages=3).pages) == 3
    farm = crawl("farm", max_pages=30, max_depth=2)
    assert len(farm.pages) == 30
    assert max(page["depth"] for page in farm.pages) <= 2


def test_best_kinds_come_first_and_missing_pages_cost_no_place(crawl: Crawl) -> None:
    assert sorted(crawl("plain", max_pages=5).kinds()) == ["about", "careers", "contact", "home", "imprint"]
    crawled = crawl("half-missing", max_pages=4)
    assert crawled.kinds() == ["home", "about"]
    assert "the page does not exist (HTTP 404)" in crawled.page_errors()
    assert crawled.company_errors() == []


def test_the_first_companies_are_done_while_the_last_have_not_begun(crawl: Crawl, server: HostileServer) -> None:
    names = [f"plain{n}" for n in range(1, 91)]
    crawl(*names, max_pages=2, respect_robots=False)
    asked = [request.host.partition(".")[0] for request in server.asked]
    last_of_first = len(asked) - asked[::-1].index(names[0])
    assert last_of_first < asked.index(names[-1])


def test_failing_site_is_left_alone(crawl: Crawl, server: HostileServer) -> None:
    crawl("forbids", max_pages=50)
    assert not {"/z1", "/z2"} & set(server.paths("forbids"))


def test_deadline_keeps_what_was_got(crawl: Crawl) -> None:
    began = time.monotonic()
    crawled = crawl("second-hangs", "hang", "plain", deadline_s=0.8)
    assert time.monotonic() - began < 2.0
    assert crawled.result.ended == "deadline"
    assert [row["pages"] for row in crawled.result.rows] == [1, 6]
    (error,) = crawled.result.errors
    assert (error["error"], error["category"]) == ("no answer within 0.8 s", "network")


@pytest.mark.parametrize(
    "names",
    [
        [f"hang{n}" for n in range(20)],
        [f"drip{n}" for n in range(10)],
        ["delay", "plain", "hang"],
        [f"second-hangs{n}" for n in range(10)],
        ["busy-once", "hang"],
        ["farm"],
    ],
)
def test_stop_from_another_thread_ends_at_once(crawl: Crawl, names: list[str]) -> None:
    stopped: list[float] = []

    def stop() -> None:
        stopped.append(time.monotonic())
        crawl.stop.set()

    timer = threading.Timer(0.5, stop)
    timer.start()
    crawled = crawl(*names, max_pages=50, respect_robots=names[0] == "delay")
    timer.join()
    assert time.monotonic() - stopped[0] < 0.4
    assert crawled.result.ended == "stopped" or names == ["farm"]


def test_stop_before_the_start(crawl: Crawl) -> None:
    crawl.stop.set()
    crawled = crawl("hang", "hang2")
    assert crawled.result.ended == "stopped"
    assert crawled.company_errors() == ["the crawl was stopped before the site answered"] * 2


def test_stop_does_not_wait_for_names_that_hang(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: release.wait(5) and [])
    threading.Timer(0.3, crawl.stop.set).start()
    began = time.monotonic()
    crawl(*(crawl.seed(f"http://slow{n}.example/") for n in range(40)))
    assert time.monotonic() - began < 1.0
    release.set()


def test_pages_come_in_batches(crawl: Crawl) -> None:
    crawled = crawl(*(f"plain{n}" for n in range(20)))
    assert sum(crawled.batches) == 120
    assert max(crawled.batches) == 50


def test_caller_that_cannot_take_pages_ends_the_crawl(crawl: Crawl) -> None:
    def full(batch: list[dict[str, Any]]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        crawl(*(f"plain{n}" for n in range(20)), on_pages=full)
    with pytest.raises(OSError, match="disk full"):
        crawl("plain", on_pages=full)


def test_lost_request_is_said_loudly(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.scraping.spider.CompanySpider._miss", lambda *_: None)
    with pytest.raises(WorkError, match="lost requests"):
        crawl("missing")


def test_crawl_that_breaks_is_said_loudly(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.scraping.engine.EngineCrawler._create_engine", lambda _: 1 / 0)
    with pytest.raises(WorkError, match="ZeroDivisionError"):
        crawl("plain")


def test_own_fault_in_reading_a_page_is_a_row_of_its_own(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("tasks.scraping.spider.links_of", broken)
    crawled = crawl("plain")
    assert [error["category"] for error in crawled.result.errors] == ["system"]
    assert crawled.result.rows[0]["pages"] == 1
    monkeypatch.setattr("tasks.scraping.answers.kept_headers", broken)
    assert "unexpected KeyError" in crawl("plain").company_errors()[0]
    assert "does not exist" in crawl("refresh-to-missing").company_errors()[0]


def test_handler_that_cannot_be_built_is_not_a_finished_crawl_of_nothing(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.scraping.download.ssl_context", lambda: 1 / 0)
    crawled = crawl("plain")
    assert crawled.result.errors[0]["category"] == "system"


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://", "http://[::1", "//x/", "http://a b/", "mailto:x@y.z", "http://x:99999/"]
)
def test_seed_that_is_no_url_is_its_own_error(crawl: Crawl, url: str) -> None:
    crawled = crawl(Seed("comp_0000000000000000", "x", url), "plain")
    assert len(crawled.company_errors()) == 1
    assert len(crawled.pages) == 6


def test_runs_beside_a_running_loop(crawl: Crawl) -> None:
    import asyncio

    async def notebook() -> int:
        return len(crawl("plain").pages)

    assert asyncio.run(notebook()) == 6


def test_nothing_stays_behind(crawl: Crawl) -> None:
    from scrapy.crawler import Crawler

    for _ in range(3):
        crawl("plain", "second-hangs", deadline_s=0.4)
    gc.collect()
    assert sum(isinstance(thing, Crawler) for thing in gc.get_objects()) <= 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("crawl")]


@pytest.mark.parametrize(
    ("name", "value"), [("max_pages", 0), ("max_pages", 51), ("max_depth", 6), ("deadline_s", 0), ("timeout_s", 999)]
)
def test_options_have_bounds(name: str, value: int) -> None:
    with pytest.raises(InputError, match=name):
        CrawlOptions(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="user_agent"):
        CrawlOptions(user_agent="a\r\nX-Evil: 1")


def test_bad_configuration_is_said(crawl: Crawl) -> None:
    with pytest.raises(ConfigError, match="EGRESS_ALLOW"):
        crawl("plain", allow=["nonsense"])
    with pytest.raises(ConfigError, match="http://host:port"):
        crawl("plain", proxy="socks5://x:1")


def test_link_search_too_costly_is_an_error_row_and_costs_neither_company_nor_neighbours(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that we know of takes so long any more: an expression that never ends stands for what we do not know."""
    search = spider.links_of

    def endless(html: Any, url: str, *known: Any) -> Any:
        return re.match(r"(a+)+$", "a" * 60 + "b") if "plain66" in url else search(html, url, *known)

    monkeypatch.setattr(spider, "links_of", endless)
    monkeypatch.setattr(spider, "LINKS_S", 0.2)
    crawled = crawl("plain666", "plain667", "plain", "moved")
    assert [row["pages"] for row in crawled.result.rows] == [1, 1, 6, 6]
    assert [(e["scope"], e["category"], e["error"]) for e in crawled.result.errors] == [
        ("page", "data", "too costly to read")
    ] * 2


def test_deadline_holds_among_pages_that_are_too_costly(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def endless(_: Any, url: str, *known: Any) -> Any:
        searched.append(url)
        return re.match(r"(a+)+$", "a" * 60 + "b")

    monkeypatch.setattr(spider, "links_of", endless)
    crawled = crawl(*(f"plain{n}" for n in range(20)), deadline_s=0.8)
    assert crawled.result.ended == "deadline"
    assert 0 < len(searched) < 10, "each takes its time, and none begins after the deadline"
