"""Nothing that is not public is dialled, whatever names, spellings, redirects or proxies are tried."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tasks.scraping.crawl import Seed
from tests.tasks.scraping.harness import LOOPBACK, Crawl
from tests.tasks.scraping.hostile_server import BEHAVIOURS, HostileServer, redirect, send


def _seed(url: str) -> Seed:
    return Seed("comp_0000000000000000", "x", url)


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::1]",
    "１２７.0.0.1",
    "①②⑦.⓪.⓪.①",
    "localhost",
    "acme.localhost",
    "LOCALHOST.",
    "acme.com@127.0.0.1",
    "%31%32%37.0.0.1",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_loopback_is_not_dialled_in_any_spelling(crawl: Crawl, server: HostileServer, host: str) -> None:
    crawled = crawl(_seed(f"http://{host}:{server.port}/"), allow=[], timeout_s=2.0)
    assert len(crawled.company_errors()) == 1
    assert server.asked == []


def test_refusal_names_the_address(crawl: Crawl, server: HostileServer) -> None:
    assert crawl("plain", allow=[]).company_errors() == ["address refused: 127.0.0.1 is not a public address"]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//10.0.0.1/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://192.0.0.8/",
        "http://8.8.8.8:6379/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "data:text/html,x",
        "gopher://127.0.0.1:70/",
        "javascript:alert(1)",
    ],
)
def test_redirect_cannot_leave_the_public_web(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    async def trap(asked: Any, writer: Any) -> None:
        redirect(writer, target)

    monkeypatch.setitem(BEHAVIOURS, "trap", trap)
    (error,) = crawl("trap", timeout_s=2.0).result.errors
    assert error["category"] == "data"
    assert "refused" in error["error"] or "not followed" in error["error"]


@pytest.mark.parametrize("how", ["redirect", "refresh", "elsewhere"])
def test_no_user_or_password_of_a_redirect_is_sent_or_kept(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    target = server.url("plain").replace("http://", "http://user:pl4nted@")
    sent: list[Any] = []

    async def door(asked: Any, writer: Any) -> None:
        if how == "refresh":
            send(writer, f'<meta http-equiv="refresh" content="0; url={target}">'.encode())
        else:
            redirect(writer, target if how == "redirect" else target.replace("http:", "gopher:"))

    async def plain(asked: Any, writer: Any) -> None:
        sent.append(asked)
        send(writer, b"<p>hello")

    monkeypatch.setitem(BEHAVIOURS, "door", door)
    monkeypatch.setitem(BEHAVIOURS, "plain", plain)
    crawled = crawl("door", max_pages=1)
    assert len(crawled.pages) == (how != "elsewhere") and len(sent) == len(crawled.pages)
    assert "pl4nted" not in f"{crawled.pages} {crawled.result}" and "uthorization" not in repr(sent)


def test_redirect_of_robots_is_guarded(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    async def robots_trap(asked: Any, writer: Any) -> None:
        redirect(writer, "http://169.254.169.254/robots.txt")

    monkeypatch.setitem(BEHAVIOURS, "robots-trap", robots_trap)
    assert crawl("robots-trap").company_errors() == ["address refused: 169.254.169.254 is not a public address"]


def test_names_are_judged_by_the_address_dialled(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        "rebind.example.com": ["127.0.0.1"],
        "mixed.example.com": ["10.1.2.3", "127.0.0.1", "192.168.0.1"],
        "mapped.example.com": ["::ffff:127.0.0.1"],
    }

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        found = answers[host]
        return [
            (socket.AF_INET6, 1, 6, "", (a, port, 0, 0)) if ":" in a else (socket.AF_INET, 1, 6, "", (a, port))
            for a in found
        ]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    seeds = [Seed(f"comp_{n:016x}", name, f"http://{name}:{server.port}/") for n, name in enumerate(answers)]
    crawled = crawl(*seeds, allow=[], timeout_s=2.0)
    assert all("is not a public address" in error for error in crawled.company_errors())
    assert server.asked == []


def test_allowed_network_is_the_only_opening(crawl: Crawl, server: HostileServer) -> None:
    assert crawl("plain", allow=LOOPBACK).pages
    assert crawl(_seed(f"http://127.0.0.1:{server.port}/"), allow=["127.0.0.1/32"]).pages
    assert crawl(_seed(f"http://localhost:{server.port}/"), allow=["127.0.0.1/32"]).pages
    assert crawl("plain", allow=["127.0.0.2/32", "::1/128"]).company_errors()


def test_environment_proxies_are_ignored(crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert crawl("plain").pages
    assert server.proxied == []


def test_proxy_carries_pages_and_robots(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl(_seed("http://plain.example/"), proxy=f"http://user:secret@127.0.0.1:{server.port}", allow=[])
    assert len(crawled.pages) == 6
    assert server.proxied[:2] == ["GET http://plain.example/robots.txt", "GET http://plain.example/"]
    assert server.asked[0].headers["proxy-authorization"].startswith("Basic ")
    crawled = crawl(_seed("http://plain.example/"), proxy=f"http://localhost:{server.port}", allow=[])
    assert len(crawled.pages) == 6


def test_proxy_that_refuses_or_is_not_there(crawl: Crawl, server: HostileServer) -> None:
    seed = _seed("https://plain.example/")
    crawled = crawl(seed, proxy=f"http://127.0.0.1:{server.port}")
    assert crawled.company_errors() == ["the proxy refuses the host (HTTP 403)"]
    crawled = crawl(seed, proxy="http://127.0.0.1:1")
    assert crawled.company_errors() == ["the operator's proxy cannot be reached"]
    assert crawled.result.errors[0]["category"] == "system"


@pytest.mark.parametrize(
    "host", [*SPELLINGS, "8.8.8.8", "intranet", "nas.local", "metadata.google.internal", "acme.com:25"]
)
def test_target_is_judged_before_the_proxy_hears_of_it(crawl: Crawl, server: HostileServer, host: str) -> None:
    crawled = crawl(_seed(f"http://{host}/"), proxy=f"http://127.0.0.1:{server.port}", allow=[])
    assert "address refused" in crawled.company_errors()[0]
    assert (server.proxied, crawled.result.requests) == ([], 0)


def test_redirect_behind_the_proxy_is_judged_at_each_hop(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl(_seed("http://to-metadata.example/"), proxy=f"http://127.0.0.1:{server.port}")
    assert "169.254.169.254 is an IP address" in crawled.company_errors()[0]
    assert not [line for line in server.proxied if "169.254" in line]


def test_proxy_itself_is_no_target(crawl: Crawl, server: HostileServer) -> None:
    proxy = f"http://127.0.0.1:{server.port}"
    assert "the proxy itself" in crawl(_seed(proxy + "/"), proxy=proxy).company_errors()[0]
