"""GET /docs in a real browser, by a real API process: all that it shows comes from there, within the page's policy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from docs import chromium
from docs.chromium import Chromium
from tests.api.conftest import V1

pytestmark = pytest.mark.stack

#: What the policy kept from loading or running is kept in `refused`, from the page's first line on.
WATCH = """
    window.refused = [];
    addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective + ' ' + e.blockedURI));
"""
CALLS = "document.querySelectorAll('.opblock').length"
LOADED = "performance.getEntriesByType('resource').map(one => one.name)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    if chromium.program() is None:
        pytest.skip("this machine has no Chromium")
    with Chromium() as running:
        running.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        yield running


def until(browser: Chromium, script: str) -> None:
    end = time.monotonic() + 40
    while not browser.evaluate(script):
        assert time.monotonic() < end, script
        time.sleep(0.05)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_the_reference_shows_every_call_and_tries_one(api: str, browser: Chromium, width: int, dark: bool) -> None:
    document = httpx2.get(f"{api}{V1}/openapi.json", trust_env=False).json()
    browser.open(f"{api}/docs", width=width, dark=dark)
    until(browser, CALLS)
    assert browser.evaluate(CALLS) == sum(len(calls) for calls in document["paths"].values())
    assert browser.evaluate("document.documentElement.classList.contains('dark-mode')") is dark
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    loaded = browser.evaluate(LOADED)
    assert loaded and all(one.startswith((f"{api}/docs/", f"{api}{V1}/openapi.json", "data:")) for one in loaded)
    for step in ("[id$=list_schedules_api_v1_schedules_get] .opblock-summary-control", ".try-out__btn", ".execute"):
        until(browser, f"(found => found && (found.click(), true))(document.querySelector({step!r}))")
    until(browser, "document.querySelector('.live-responses-table') !== null")
    assert "next_cursor" in browser.evaluate("document.querySelector('.live-responses-table').innerText")
    assert "curl -X 'GET'" in browser.evaluate("document.querySelector('.curl').innerText")
    assert browser.evaluate("refused") == []


def test_what_the_page_needs_is_kept_by_version(api: str) -> None:
    page = httpx2.get(f"{api}/docs", trust_env=False)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert "http" not in page.text.replace("https://json-schema.org", "")
    for name, kind in (("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "text/javascript")):
        answer = httpx2.get(f"{api}/docs/{name}", trust_env=False)
        assert answer.headers["content-type"].startswith(kind)
        assert "max-age" in answer.headers["cache-control"]
        assert f"{name}?v=" in page.text
