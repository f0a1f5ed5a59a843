"""Who has nothing yet but `leadmill up` and a browser: one click, and every page has something to show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.chromium import Chromium
from leadmill import Client
from leadmill.sample_sites import RUN_FILE
from tests.journeys.person import Person

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which somebody has typed `leadmill up`."""
    folder = tmp_path_factory.mktemp("up")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("LEADMILL_", "REDIS_", "CELERY_"))
    }
    command = [sys.executable, "-P", "-m", "cli.main", "up", "--port", "0", "--workers", "2"]
    with subprocess.Popen(command, cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None and process.stdout.readline().startswith(b"ready after ")
            yield folder / "var"
        finally:
            process.send_signal(signal.SIGINT)
    assert not (folder / "var/run" / RUN_FILE).exists(), "they are no longer served"


@pytest.fixture
def newcomer(up: Path, browser: Chromium, tmp_path: Path) -> Person:
    browser.call("Network.clearBrowserCookies")
    return Person(browser, (up / "run/api.url").read_text().strip(), tmp_path)


@pytest.mark.timeout(240)
def test_one_click_fills_the_dashboard(newcomer: Person) -> None:
    newcomer.open()
    newcomer.sees("Nothing has run yet")
    newcomer.clicks("Try it on the sample sites", "main", "button")
    newcomer.comes_to("/ui/jobs/job_")
    newcomer.sees("sample sites", within="h1")
    newcomer.until("document.title.startsWith('sample sites – completed')")
    newcomer.sees("31 of 34 companies")

    newcomer.clicks("Leads", "header")
    newcomer.comes_to("/ui/leads")
    newcomer.sees("best first", "Nordwind Solar", "made up")
    first = newcomer.reads(".who-is a")
    newcomer.clicks(first, ".leads")
    newcomer.comes_to("/ui/companies/")
    newcomer.sees(first, within="h1")
    newcomer.sees("made up", within=".title")
    newcomer.clicks("Pages kept", ".tabs")
    newcomer.comes_to("/ui/companies/")
    newcomer.clicks("Overview", "header")
    newcomer.comes_to("/")
    newcomer.sees("Each queue has a worker, and no alarm stands")
    newcomer.does_not_see("Nothing has run yet")


@pytest.mark.timeout(120)
def test_the_sample_list_is_a_form_to_change(newcomer: Person) -> None:
    newcomer.open("/ui/new")
    newcomer.clicks("Use the sample list", "main")
    newcomer.comes_to("/ui/new")
    newcomer.clicks("Look first", "main", "button")
    newcomer.comes_to("/ui/new/look")
    newcomer.sees("34 companies", within="#look")
    newcomer.fills("Addresses, one a line", "polderdata.example\nno-such-site.example")
    newcomer.clicks("Start", "main", "button")
    newcomer.comes_to("/ui/jobs/job_")
    newcomer.until("document.title.startsWith('sample sites – completed')")
    newcomer.sees("1 of 2 companies", "cannot be resolved")


@pytest.mark.timeout(120)
def test_a_terminal_beside_it_reaches_them_too(up: Path) -> None:
    with Client((up / "run/api.url").read_text().strip()) as client:
        job = client.submit(["www.polderdata.example"]).wait(timeout=90)
    assert (job.status, job.coverage) == ("completed", 1.0)
