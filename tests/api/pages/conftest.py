"""A browser for the pages of the dashboard, a server of their own, and what must hold of each page that is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

from data.jobs import JobStore
from data.lake import Lake
from docs.chromium import Chromium
from leadmill.sample_sites import RUN_FILE, SampleSites
from leadmill.settings import Settings
from tests.api.conftest import V1, Valkey, Worker, running_api

#: axe-core 4.14.1 (MPL-2.0, see docs/dependencies.md), as npm has it: used by tests alone, never shipped.
AXE = Path(__file__).with_name("axe.min.js")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_FAULTS = f"""
    axe.run({{runOnly: {json.dumps(_RULES)}, resultTypes: ['violations']}}).then(found => found.violations.map(
        one => one.id + ': ' + one.nodes.map(node => node.html.slice(0, 160)).slice(0, 3).join(' | ')))
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as running:
        for domain in ("Log", "Network", "Runtime"):
            running.call(f"{domain}.enable")
        yield running


class Served(Protocol):
    """What has an address."""

    @property
    def url(self) -> str: ...


@dataclass
class Site:
    """An API process, and a worker that is played by hand."""

    url: str
    settings: Settings
    worker: Worker
    valkey: Valkey
    made: dict[str, str] = field(default_factory=dict)

    def submit(self, *, key: str = "", **body: Any) -> str:
        body = {"company_urls": ["acme.example"], **body}
        headers = {"X-API-Key": key} if key else {}
        answer = httpx2.post(f"{self.url}{V1}/pipelines", json=body, headers=headers, trust_env=False, timeout=30)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def open(self, browser: Chromium, path: str, **how: Any) -> None:
        """Show a page of it."""
        browser.heard.clear()
        browser.open(self.url + path, **how)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One with a Redis of its own, so that a test may stop that; nothing has run yet, and sample sites are offered."""
    folder = tmp_path_factory.mktemp("pages")
    valkey = Valkey(folder)
    settings = Settings(redis_url=valkey.url, data_url=str(folder / "var"), celery_broker_url=None)
    serve_samples(settings)
    with running_api(settings, folder) as url:
        store = JobStore.connect(settings.redis_url, settings.key_prefix)
        yield Site(url, settings, Worker(store, Lake(settings.data_dir)), valkey)
        store.redis.close()
    valkey.stop()


def serve_samples(settings: Settings) -> SampleSites:
    """Have it look to an API as if sample sites were served beside it."""
    sites = SampleSites("http://127.0.0.1:9", frozenset({"made-up.example"}), ("made-up.example", "http://b.example/x"))
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    (settings.run_dir / RUN_FILE).write_text(sites.written())
    return sites


def check_shown(browser: Chromium, site: Site, about: object, *, status: int = 200) -> None:
    """The page that is open fits its window, everybody can read it, nothing of it was refused, nothing came from
    elsewhere.
    """
    too_wide = browser.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert too_wide <= 0, (about, "is wider than the window by", too_wide)
    if not browser.evaluate("typeof axe === 'object'"):
        browser.evaluate(AXE.read_text() + "; 0")
    assert browser.evaluate(_FAULTS) == [], about
    check_quiet(browser, site, about, status=status)


def check_quiet(browser: Chromium, site: Served, about: object, *, status: int = 200) -> None:
    """Since it was opened the page asked nobody else, and its console is empty."""
    asked = [one["params"]["request"]["url"] for one in browser.heard if one["method"] == "Network.requestWillBeSent"]
    assert asked, about
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == [], about
    told = [one["params"] for one in browser.heard if one["method"] in _SAYING]
    said = [json.dumps(one) for one in told if one.get("entry", {}).get("level") != "verbose"]  # no browser shows these
    assert [one for one in said if status == 200 or f"status of {status}" not in one] == [], about


_SAYING = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")


def until(browser: Chromium, script: str, patience_s: float = 30) -> None:
    """Wait for a page to say yes."""
    end = time.monotonic() + patience_s
    while True:
        try:
            if browser.evaluate(script):
                return
        except RuntimeError:  # between two pages
            pass
        assert time.monotonic() < end, script
        time.sleep(0.05)


def tap(browser: Chromium, selector: str) -> None:
    """A finger on the first element that fits, where touches are emulated."""
    browser.evaluate(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
    box = f"document.querySelector({json.dumps(selector)}).getClientRects()[0]"
    x, y = browser.evaluate(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})")
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


def press(browser: Chromium, key: str, code: int, modifiers: int = 0) -> None:
    """A key of the keyboard, down and up."""
    text = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
    what = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
    browser.call("Input.dispatchKeyEvent", type="keyDown", **what, **text)
    browser.call("Input.dispatchKeyEvent", type="keyUp", **what)
