"""A real server, a lake in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.jobs import JobStore
from data.lake import Lake
from tests.valkey import Valkey


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey"), aof=False) as server:
        yield server


@pytest.fixture
def store(valkey: Valkey) -> Iterator[JobStore]:
    found = JobStore.connect(valkey.url, "test:")
    found.redis.flushall()
    yield found
    found.redis.close()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "var")
