"""Fixtures of the crawl tests: the hostile server, and a crawl of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import HostileServer


@pytest.fixture(scope="session")
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()
    yield server
    server.close()


@pytest.fixture
def server(hostile: HostileServer) -> HostileServer:
    hostile.asked.clear()
    hostile.proxied.clear()
    return hostile


@pytest.fixture
def crawl(server: HostileServer) -> Crawl:
    return Crawl(server)
