"""The sample sites are asked where they are served, and nobody else is: the guard of all other hosts is as it was."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from cli.sample_sites.server import SampleServer
from leadmill.ids import company_id, parse_company_url
from tasks.scraping.contract import Seed
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import HostileServer


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with SampleServer() as server:
        yield server


def seed(url: str) -> Seed:
    at = parse_company_url(url)
    return Seed(company_id(at.domain), at.domain, at.url, at.bare)


def test_a_sample_site_is_crawled_without_a_look_up(
    crawl: Crawl, server: HostileServer, samples: SampleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda host, *_, **__: asked.append(host) or [])
    crawled = crawl(seed("nordwind-solar.example"), samples=samples.known_as, allow=[])
    assert len(crawled.pages) > 1 and crawled.company_errors() == []
    assert {host for host, _ in samples.hits} == {"nordwind-solar.example", "www.nordwind-solar.example"}
    assert asked == [] and server.asked == []


def test_no_other_host_is_asked_there(crawl: Crawl, samples: SampleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by its name, nor by one that leads to its address, nor as a neighbour of one in the same crawl."""
    sites, port = samples.known_as, samples.port

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    others = [f"http://{host}:{port}/" for host in (
        "acme.com", "c00001.example", "shop.marlow-whitfield.example", "nordwind-solar.example.com", "127.0.0.1",
        "localhost",
    )]  # fmt: skip
    seeds = [Seed(f"comp_{n:016x}", "x", url) for n, url in enumerate(others)]
    crawled = crawl(*seeds, seed("www.polderdata.example"), samples=sites, allow=[], timeout_s=2.0)
    assert len(crawled.company_errors()) >= len(others)
    assert all("not a public address" in error for error in crawled.company_errors() if "polder" not in error)
    assert {host for host, _ in samples.hits} <= sites.hosts


def test_a_sample_site_leads_nobody_inward(crawl: Crawl, samples: SampleServer) -> None:
    """The hostile one redirects to where clouds tell a machine its secrets."""
    hostile = "http://totally-legit-deals.example/metadata"
    crawled = crawl(seed(hostile), samples=samples.known_as, allow=[], max_pages=1)
    assert samples.hits["totally-legit-deals.example", "/metadata"] == 1
    inward = [row["outcome"] for row in crawled.result.ledger if row["host"] == "169.254.169.254"]
    assert inward and not {"answered", "failed"}.intersection(inward), "it was to be asked, and was not"
    assert crawled.result.refused["egress"] == 1
