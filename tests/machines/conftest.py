"""Machines that share Redis and a bucket, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.sample_sites.server import SampleServer
from tests.machines.machines import Machines
from tests.stand_ins.s3 import S3Server


@pytest.fixture(scope="session")
def machines(sites: SampleServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """API and beat on one machine, a worker on each of two others; the lake lies in a bucket.

    Its server is their own: they ask it as long as they run, and others count what they ask of one.
    """
    server = S3Server()
    with Machines(tmp_path_factory.mktemp("machines"), server, sites.url) as running:
        yield running
    server.close()
