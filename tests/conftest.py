"""What tests of every folder share: a server, a store and a lake, and two running stacks.

`stack` is the real one: Redis, two workers of two processes each, beat and the API as `leadmill up` runs them, on free
ports and a data folder of their own; the sample sites stand in for the internet. `spine` has real workers too, but
stages that a test steers. Each is started by the first test that asks for it; a piece that is missing fails the test.
"""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.local_stack.stack import LocalStack
    from cli.sample_sites.server import SampleServer
    from data.jobs import JobStore
    from data.lake import Lake
    from leadmill.client import Client
    from tests.stand_ins.stack import Spine
    from tests.valkey import Valkey

pytest_plugins = ["tests.scripted_api", "tests.storages", "tests.tiers"]

#: The developer's own settings must not reach a test.
OWN_VARIABLES = ("AWS_", "LEADMILL_", "CELERY_", "REDIS_URL", "FLOWER_", "REMAP_SIGTERM")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_developer() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(OWN_VARIABLES):
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _no_line_goes_to_a_stream_that_is_closed() -> Iterator[None]:
    """Logging that a test has set up while its output was captured tells the next ones nothing."""
    yield
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not getattr(getattr(one, "stream", None), "closed", False)]


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server that keeps nothing on disk."""
    from tests.valkey import Valkey

    with Valkey(tmp_path_factory.mktemp("valkey"), aof=False) as server:
        yield server


@pytest.fixture
def store(valkey: Valkey) -> Iterator[JobStore]:
    """The records of an empty server."""
    from data.jobs import JobStore

    found = JobStore.connect(valkey.url, "test:")
    found.redis.flushall()
    yield found
    found.redis.close()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty data folder."""
    from data.lake import Lake

    return Lake(tmp_path / "var")


@pytest.fixture(scope="session")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    """Real workers whose stages are stand-ins (`tests/stand_ins/app.py`)."""
    from tests.stand_ins.stack import Spine

    with Spine(tmp_path_factory.mktemp("spine")) as stack:
        yield stack


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
    env = {
        "LEADMILL_HTTP_PROXY": sites.url,
        "LEADMILL_LOG_FORMAT": "json",
        "LEADMILL_SEARCH_PROVIDER": f"directory:{directory}",
        "LEADMILL_WEBHOOK_ALLOW": "127.0.0.0/8",
    }
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
