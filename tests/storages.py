"""The kinds of storage there are, each as whoever tests them all gets it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data.local_storage import LocalStorage
from data.mounts import storage_at, unmount
from data.storage import Storage

if TYPE_CHECKING:
    from tests.stand_ins.s3 import S3Server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server for all tests of a process; each takes a bucket of its own."""
    from tests.stand_ins.s3 import S3Server

    server = S3Server()
    yield server
    server.close()


@pytest.fixture
def s3_root(s3: S3Server, tmp_path: Path) -> Iterator[Path]:
    """A path that a new bucket is mounted at."""
    from data.object_store import mounted

    root = Path(f"/dev/null/lake-{next(_numbers)}")
    mounted(s3.place(), root, tmp_path / "passing")
    yield root
    unmount(root)


@pytest.fixture(params=["disk", pytest.param("object store", marks=pytest.mark.stack)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty one of each kind."""
    if request.param == "disk":
        return LocalStorage(tmp_path / "var")
    return storage_at(request.getfixturevalue("s3_root"))
