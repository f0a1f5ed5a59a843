"""The real stack for integration tests, started by the first test that asks for it and shared by all.

Redis, two workers of two processes each, beat and the API run as `leadmill up` runs them, on free ports and a
data folder of their own; the sample sites stand in for the internet. A piece that is missing fails the test.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.local_stack.stack import LocalStack
    from cli.sample_sites.server import SampleServer
    from leadmill.client import Client

#: The developer's own settings must not reach a test.
OWN_VARIABLES = ("LEADMILL_", "CELERY_", "REDIS_URL", "FLOWER_", "REMAP_SIGTERM")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_developer() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(OWN_VARIABLES):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def sites() -> Iterator[SampleServer]:
    """The sample companies' sites, served behind a forward proxy on a free port."""
    from cli.sample_sites.server import SampleServer

    with SampleServer() as server:
        yield server


@pytest.fixture(scope="session")
def stack(sites: SampleServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The running stack: `stack.api_url`, `stack.redis_url`, `stack.data_dir`, `stack.pids`."""
    from cli.local_stack.stack import LocalStack

    folder = tmp_path_factory.mktemp("stack")
    directory = folder / "directory.csv"
    with directory.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "url", "keywords"])
        writer.writerow(["Nordwind Solar", "nordwind-solar.example", "solar roof energy"])
        writer.writerow(["Donaukraft", "donaukraft.example", "hydro energy"])
        writer.writerow(["Polderdata", "polderdata.example", "software data"])
    env = {"LEADMILL_HTTP_PROXY": sites.url, "LEADMILL_SEARCH_PROVIDER": f"directory:{directory}"}
    with LocalStack(folder / "data", workers=2, api_port=0, env=env) as running:
        yield running


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Iterator[Client]:
    """A client of the running stack's REST API."""
    from leadmill import Client

    with Client(stack.api_url) as connected:
        yield connected


@pytest.fixture(scope="session")
def stack_env(stack: LocalStack) -> dict[str, str]:
    """The environment by which a command started beside the stack finds it."""
    return {**os.environ, "REDIS_URL": stack.redis_url, "LEADMILL_DATA_URL": str(stack.data_dir)}


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).parents[1]
