"""Redirects: with cookies and without, and off the company's site."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import BEHAVIOURS, HOME, Asked, HostileServer, redirect, send


def _cookies(asked: Asked) -> set[str]:
    return {pair.strip() for pair in asked.headers.get("cookie", "").split(";") if pair.strip()}


async def same_address(asked: Asked, writer: Any) -> None:
    """Sends every visitor to where he is until his cookie comes back, for robots.txt as well."""
    if "visit=1" in _cookies(asked):
        send(writer)
    else:
        send(writer, b"", 302, {"Location": asked.path, "Set-Cookie": "visit=1; Path=/"})


async def by_a_check(asked: Asked, writer: Any) -> None:
    """Sets a cookie, looks elsewhere whether it comes back, and sends on to the first address with a second one."""
    if asked.path == "/check" and "probe=1" in _cookies(asked):
        send(writer, b"", 303, {"Location": "/", "Set-Cookie": "passed=1"})
    elif asked.path == "/check" or _cookies(asked) >= {"probe=1", "passed=1"}:
        send(writer, HOME if asked.path != "/check" else b"Cookies are off")
    else:
        send(writer, b"", 307, {"Location": "/check", "Set-Cookie": "probe=1"})


async def by_a_refresh(asked: Asked, writer: Any) -> None:
    if "seen=1" in _cookies(asked):
        send(writer)
    else:
        send(writer, b"<meta http-equiv=refresh content='0;url=/'>", headers={"Set-Cookie": "seen=1"})


async def by_a_wall(asked: Asked, writer: Any) -> None:
    wall = b"<title>Just a moment...</title><meta http-equiv=refresh content=1><p>Please enable cookies."
    send(writer, HOME if "clear=1" in _cookies(asked) else wall, headers={"Set-Cookie": "clear=1; Path=/"})


async def by_a_reload(asked: Asked, writer: Any) -> None:
    send(
        writer,
        HOME if asked.headers.get("cookie") else b"<script>location.reload()</script>",
        headers={"Set-Cookie": "a=b"},
    )


async def never_content(asked: Asked, writer: Any) -> None:
    send(writer, b"", 302, {"Location": asked.path, "Set-Cookie": f"n={len(_cookies(asked))}"})


async def always_another(asked: Asked, writer: Any) -> None:
    send(writer, b"", 302, {"Location": asked.path, "Set-Cookie": f"n={asked.count}"})  # type: ignore[attr-defined]


async def for_all(asked: Asked, writer: Any) -> None:
    send(writer, headers={"Set-Cookie": "evil=1; Domain=localhost; Path=/"})


@pytest.fixture
def behaviours(monkeypatch: pytest.MonkeyPatch) -> None:
    for act in (same_address, by_a_check, by_a_refresh, by_a_wall, by_a_reload, never_content, always_another, for_all):
        monkeypatch.setitem(BEHAVIOURS, act.__name__.replace("_", "-"), act)


@pytest.mark.usefixtures("behaviours")
def test_sites_that_wait_for_their_cookie_let_us_in(crawl: Crawl, server: HostileServer) -> None:
    names = ["same-address", "by-a-check", "by-a-refresh", "by-a-wall", "by-a-reload"]
    crawled = crawl(*names, max_pages=3)
    assert [row["pages"] for row in crawled.result.rows] == [3] * 5
    assert crawled.result.errors == []
    assert all(page["html"] == HOME for page in crawled.pages)
    assert not any("cookie" in page["headers"].get("set-cookie", "") for page in crawled.pages)


@pytest.mark.usefixtures("behaviours")
def test_sites_that_never_have_enough_cookies_end(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("never-content", "always-another")
    assert crawled.company_errors() == [
        "the page redirects in a loop, whatever cookies are sent back",
        "too many redirects",
    ]
    assert len(server.paths("always-another")) < 25


@pytest.mark.usefixtures("behaviours")
def test_cookies_stay_with_their_company_and_crawl(crawl: Crawl, server: HostileServer) -> None:
    crawl("for-all", "same-address", "plain", max_pages=2)
    crawl("same-address", max_pages=1)
    assert all(asked.headers.get("cookie") in (None, "visit=1") for asked in server.asked)
    assert all("cookie" not in asked.headers for asked in server.asked if not asked.host.startswith("same"))
    assert [asked.headers.get("cookie") for asked in server.asked[-2:]] == [None, "visit=1"], "forgotten and set anew"


def test_page_that_leads_off_the_site_is_left_out_and_told(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leaver(asked: Asked, writer: Any) -> None:
        if asked.path in ("/about", "/contact", "/jobs", "/z1", "/impressum"):
            redirect(writer, server.url("plain", "/about?of=leaver"))
        else:
            send(writer)

    async def mover(asked: Asked, writer: Any) -> None:
        redirect(writer, server.url("leaver"))

    monkeypatch.setitem(BEHAVIOURS, "leaver", leaver)
    monkeypatch.setitem(BEHAVIOURS, "mover", mover)
    crawled = crawl("leaver", "mover")
    assert {page["final_url"] for page in crawled.pages} == {server.url("leaver"), server.url("leaver", "/z2")}
    assert [row["domain"] for row in crawled.result.rows] == ["leaver.localhost", "mover.localhost"]
    assert "/about?of=leaver" not in server.paths("plain")
    said = f"the page leads off the company's site, to http://{server.host('plain')}, and is left out"
    assert set(crawled.page_errors()) == {said}
