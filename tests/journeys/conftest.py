"""One running stack and one browser for all journeys: each takes companies or tags of its own.

The last module asks for keys, from which on nobody comes in without one: it is the last by its name, and has to be.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import SampleServer
from docs import chromium
from docs.chromium import Chromium
from tests.journeys.person import Person


@pytest.fixture(scope="session")
def own_sites() -> Iterator[SampleServer]:
    """The sample companies' sites for this stack alone: a journey may make them slow, or hosts of them go down."""
    with SampleServer() as server:
        yield server


@pytest.fixture(scope="session")
def dashboard(own_sites: SampleServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack where nothing has run, and that can search."""
    folder = tmp_path_factory.mktemp("journeys")
    with (folder / "directory.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "url", "keywords"])
        writer.writerow(["Oranmore Analytics", "oranmore-analytics.example", "software analytics galway"])
        writer.writerow(["Polderdata", "polderdata.example", "software data"])
        writer.writerow(["Havblik Design", "havblik-design.example", "design"])
    env = {
        "LEADMILL_HTTP_PROXY": own_sites.url,
        "LEADMILL_SEARCH_PROVIDER": f"directory:{folder / 'directory.csv'}",
    }
    with LocalStack(folder / "data", workers=2, api_port=0, env=env) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    if chromium.program() is None:
        pytest.skip("this machine has no Chromium")
    with Chromium() as running:
        yield running


@pytest.fixture
def desk() -> Iterator[Path]:
    """A folder that the browser, too, may use, which is another user's where tests are root's."""
    with tempfile.TemporaryDirectory(prefix="leadmill-desk-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def person(dashboard: LocalStack, browser: Chromium, desk: Path) -> Person:
    """Somebody new: of them the browser knows nothing."""
    browser.call("Network.clearBrowserCookies")
    return Person(browser, dashboard.api_url, desk)
