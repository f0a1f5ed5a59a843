"""Robots, delays, repeats: what the crawl may ask for and when."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmill.retry_after import retry_after_s
from tasks.scraping import robots
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import HostileServer


def test_robots_is_asked_once_and_obeyed_page_by_page(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("deny-part")
    assert server.paths("deny-part")[0] == "/robots.txt"
    assert server.paths("deny-part").count("/robots.txt") == 1
    assert "/contact" not in server.paths("deny-part")
    assert "robots.txt forbids /contact" in crawled.page_errors()
    assert {"about", "imprint", "careers"} <= set(crawled.kinds())


def test_robots_can_be_left_aside(crawl: Crawl, server: HostileServer) -> None:
    assert crawl("deny", respect_robots=False).pages
    assert "/robots.txt" not in server.paths("deny")


def test_robots_of_the_redirects_target_is_obeyed(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.tasks.scraping import hostile_server

    async def to_deny(asked: object, writer: object) -> None:
        hostile_server.redirect(writer, server.url("deny"))  # type: ignore[arg-type]

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "to-deny", to_deny)
    assert crawl("to-deny").company_errors() == ["robots.txt forbids /"]


def test_robots_of_many_names_and_rules_takes_no_time(crawl: Crawl) -> None:
    began = time.monotonic()
    crawl("robots-huge", max_pages=1)
    assert time.monotonic() - began < 3


def test_whoever_has_names_without_end_is_asked_for_the_robots_of_few(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("robots-names", "plain", max_pages=20)
    asked = [asked.host for asked in server.asked if asked.path == "/robots.txt" and "robots-names" in asked.host]
    assert len(asked) == len(set(asked)) == robots.MAX_ORIGINS
    assert "the site leads to more hosts than are asked for their robots.txt" in crawled.page_errors()
    assert len(crawled.result.rows) == 2


def test_costly_robots_are_read_of_few_names(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "COMPANY_ROBOTS_S", 1e-9)
    assert len(crawl("robots-names", "plain").result.rows) == 2
    assert len([asked for asked in server.asked if asked.path == "/robots.txt"]) == 2


def test_rules_for_which_there_is_no_room_are_asked_for_again(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "MAX_READY", 0)
    assert "robots.txt forbids /contact" in crawl("deny-part").page_errors()
    assert server.paths("deny-part").count("/robots.txt") > 1
    assert "/contact" not in server.paths("deny-part")


def test_crawl_delay_is_kept_and_home_need_not_wait(crawl: Crawl, server: HostileServer) -> None:
    crawl("delay", max_pages=3)
    at = [asked.at for asked in server.asked if asked.host.startswith("delay")]
    gaps = [b - a for a, b in itertools.pairwise(at)]
    assert gaps[0] < 0.3
    assert all(0.35 < gap < 1.0 for gap in gaps[1:])


def test_delay_longer_than_the_deadline_leaves_the_home_page(crawl: Crawl) -> None:
    began = time.monotonic()
    crawled = crawl("delay-long")
    assert (crawled.kinds(), crawled.result.ended) == (["home"], "finished")
    left_out = {entry["reason"] for entry in crawled.result.ledger if entry["outcome"] == "left_out"}
    assert left_out == {"the host's own pace leaves no time for more"}
    assert time.monotonic() - began < 2


def test_retry_after_is_waited_for_once(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("busy-once", max_pages=1)
    assert crawled.result.errors == []
    first, second = (asked.at for asked in server.asked if asked.path == "/")
    assert 0.95 < second - first < 2.0


def test_retry_after_beyond_the_deadline_is_not_waited_for(crawl: Crawl, server: HostileServer) -> None:
    began = time.monotonic()
    crawl("busy-long")
    assert time.monotonic() - began < 2
    assert server.paths("busy-long").count("/") == 1


def test_broken_connection_is_repeated_once(crawl: Crawl, server: HostileServer) -> None:
    assert crawl("resets-once", max_pages=1).result.errors == []
    crawl("reset")
    # Ours, and one each by aiohttp, which cannot know that the connection was not merely stale.
    assert 2 <= server.paths("reset").count("/") <= 4


def test_two_requests_at_a_time_on_a_host_and_hosts_side_by_side(crawl: Crawl, server: HostileServer) -> None:
    began = time.monotonic()
    crawl("second-hangs", *(f"hang{n}" for n in range(20)), timeout_s=0.4)
    assert time.monotonic() - began < 4
    assert len(server.paths("second-hangs")) <= 12


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("0.3", 0.3),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:30", 20.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("²", None),
    ],
)
def test_retry_after_is_read(value: str, pause: float | None) -> None:
    assert retry_after_s(value, now=10.0) == pause


@given(st.text(max_size=80))
def test_any_retry_after_is_a_pause_or_none(value: str) -> None:
    pause = retry_after_s(value, now=10.0)
    assert pause is None or pause >= 0
