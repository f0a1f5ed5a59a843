"""A server for the tests of the record alone, and one real stack of stand-in workers for those that need processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spine.stack import Spine
from tests.valkey import Valkey


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey"), aof=False) as server:
        yield server


@pytest.fixture(scope="session")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    folder: Path = tmp_path_factory.mktemp("spine")
    with Spine(folder) as stack:
        yield stack
