"""Machines that share Redis and a bucket, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.sample_sites.server import SampleServer
from tests.machines.machines import Machines
from tests.stand_ins.s3 import S3Server


@pytest.fixture(scope="session")
def machines(s3: S3Server, sites: SampleServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """API and beat on one machine, a worker on each of two others; the lake lies in a bucket."""
    with Machines(tmp_path_factory.mktemp("machines"), s3, sites.url) as running:
        yield running
