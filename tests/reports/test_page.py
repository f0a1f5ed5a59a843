"""The report's page in a real browser: its script, what its policy keeps from running, its width, and on paper."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from docs import chromium
from docs.chromium import Chromium
from reports.page_policy import policy_served
from reports.report_types import REPORT_TYPES
from tests.reports.conftest import bad, final_rows, good
from tests.reports.test_html import html

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(chromium.program() is None, reason="this machine has no Chromium"),
]

PLACES = [("FR", "Lyon"), ("DE", "Köln"), ("DE", "Aachen"), (None, None)]
#: Names of the leads that can be seen, in their order.
SEEN = "[...document.querySelectorAll('.lead')].filter(l => l.checkVisibility()).map(l => l.id.split('.')[0])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as running:
        yield running


def leads() -> list[dict[str, Any]]:
    """a to d, in this rank; tiers A, A, B, D."""
    rows = []
    for name, score, (country, city) in zip("abcd", (90, 80, 60, 10), PLACES, strict=True):
        address = {"city": city, "country": country} if city else None
        rows.append(good(f"{name}.com", score, country=country, address=address, reach=100 - score))
    rows[0]["name"] = "Zürich Möbel"
    rows[1] |= {"technologies": ["Shopify"], "phones": ["+4922155512345"]}
    return rows


def shown(browser: Chromium, tmp_path: Path, con: Any, content: list[dict[str, Any]], anchor: str = "") -> Path:
    html(tmp_path, con, content)
    path = tmp_path / "report.html"
    browser.open(path.as_uri() + anchor)
    return path


def type_in(browser: Chromium, text: str) -> list[str]:
    """Search, and see who is left."""
    browser.evaluate(f"document.querySelector('[type=search]').value = {text!r}")
    browser.evaluate("document.querySelector('[type=search]').dispatchEvent(new Event('input'))")
    found: list[str] = browser.evaluate(SEEN)
    return found


def test_search_and_tiers_filter_and_say_how_many_are_left(browser: Chromium, tmp_path: Path, con: Any) -> None:
    shown(browser, tmp_path, con, leads())
    assert browser.evaluate(SEEN) == ["a", "b", "c", "d"]
    assert type_in(browser, "lyon MOBEL") == ["a"], "whatever its accents and case, each word somewhere in the lead"
    assert type_in(browser, "shopify") == ["b"]
    assert browser.evaluate("document.querySelector('.tools output').value") == "1 of 4"
    assert type_in(browser, "contact") == [], "a word of the page itself is no word of a lead"
    assert type_in(browser, "+49221 555") == type_in(browser, "0221555") == type_in(browser, "0221 55512345") == ["b"]
    assert type_in(browser, "nobody") == []
    assert browser.evaluate("document.querySelector('.none').checkVisibility()")
    type_in(browser, "")
    browser.evaluate("document.querySelector('[data-tier=A]').click(), document.querySelector('[data-tier=D]').click()")
    assert browser.evaluate(SEEN) == ["a", "b", "d"]


def test_order_by_name_place_and_reach_and_back(browser: Chromium, tmp_path: Path, con: Any) -> None:
    shown(browser, tmp_path, con, leads())
    found = {}
    for order in ("name", "place", "reach", ""):
        browser.evaluate(f"document.querySelector('.tools select').value = {order!r}")
        browser.evaluate("document.querySelector('.tools select').dispatchEvent(new Event('change'))")
        found[order] = "".join(browser.evaluate(SEEN))
    assert found == {"name": "bcda", "place": "acbd", "reach": "dcba", "": "abcd"}


def test_an_address_with_a_domain_opens_that_lead(browser: Chromium, tmp_path: Path, con: Any) -> None:
    opened = "[...document.querySelectorAll('.lead details[open]')].map(d => d.closest('.lead').id)"
    shown(browser, tmp_path, con, leads(), "#c.com")
    assert browser.evaluate(opened) == ["c.com"]
    assert type_in(browser, "mobel") == ["a"]
    browser.evaluate(
        "new Promise(done => { addEventListener('hashchange', done); location.hash = '#d.com' }).then(() => 0)"
    )
    assert browser.evaluate(opened) == ["c.com", "d.com"]
    assert "d" in browser.evaluate(SEEN), "a lead that is asked for is not left hidden"


def test_without_script_nothing_is_missing(browser: Chromium, tmp_path: Path, con: Any) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        shown(browser, tmp_path, con, leads())
        assert browser.evaluate(SEEN) == ["a", "b", "c", "d"]
        assert not browser.evaluate("document.querySelector('.tools').checkVisibility()"), "what would do nothing"
        assert browser.evaluate("document.querySelectorAll('.lead details').length") == 4
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


_TAKES = "document.title = 'taken'"
INJECTED = (
    f'<script>{_TAKES}</script><img src=x onerror="{_TAKES}"><svg onload="{_TAKES}"></svg>'
    f'<iframe srcdoc="<script>parent.{_TAKES}</script>"></iframe><a id=trap href="javascript:{_TAKES}">x</a>'
)


def test_what_gets_into_the_page_does_not_run(browser: Chromium, tmp_path: Path, con: Any) -> None:
    path = shown(browser, tmp_path, con, leads())
    path.write_text(path.read_text().replace("<main", f"{INJECTED}<main", 1))
    browser.open(path.as_uri())
    browser.evaluate("document.querySelector('#trap').click()")
    assert browser.evaluate("document.title").endswith("4 leads")
    assert type_in(browser, "shopify") == ["b"], "our own script runs"


def test_served_it_has_an_origin_of_its_own(browser: Chromium, tmp_path: Path, con: Any) -> None:
    path = shown(browser, tmp_path, con, leads())
    path.write_text(path.read_text().replace("<main", f"{INJECTED}<main", 1))

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy_served(path))
            super().end_headers()

        def log_message(self, *parts: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/report.html#b.com")
        assert browser.evaluate("self.origin") == "null"
        assert browser.evaluate("document.title").endswith("4 leads")
        assert browser.evaluate("document.getElementById('b.com').querySelector('details').open")
        server.shutdown()


@pytest.mark.parametrize("report_type", REPORT_TYPES)
def test_a_phone_shows_all_of_it_without_scrolling_aside(
    browser: Chromium, tmp_path: Path, con: Any, report_type: str
) -> None:
    long = "Donaudampfschifffahrtsgesellschaft" * 4
    row = good(
        f"{long[:60]}.com", 80, name=long, industry=long, country=long, emails=[f"{long[:60]}@{long[:60]}.com"],
        description=long, technologies=[long], language=long, phones=["+4922155512345"], legal_name=long,
        address={"street": long, "city": long}, social={"linkedin": f"https://linkedin.com/{long}"},
        input=[{"line": 1, "values": {long: long, "Record ID": "1"}}],
    )  # fmt: skip
    html(tmp_path, con, [*final_rows(), row, bad(f"{long[:50]}.de", "network", long)], report_type)
    for width in (390, 320, 761, 1280):
        browser.open((tmp_path / "report.html").as_uri(), width=width)
        browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width


def pages(browser: Chromium, tmp_path: Path, con: Any, number: int) -> int:
    why = final_rows()[0]["contributions"]
    rows = [
        good(f"company-{n:03}.example", 50, name=f"Company {n} " + "of long names " * (n % 9), emails=["a@b.de"] * 3,
             phones=["+4922155512345"], country="DE", industry="Manufacturing " * (n % 7), contributions=why * (n % 8))
        for n in range(number)
    ]  # fmt: skip
    shown(browser, tmp_path, con, rows)
    return len(re.findall(rb"/Type\s*/Page\b", browser.pdf()))


def test_paper_holds_25_leads_a_page(browser: Chromium, tmp_path: Path, con: Any) -> None:
    few, many = pages(browser, tmp_path, con, 4), pages(browser, tmp_path, con, 154)
    assert few <= 2, "warnings, counts, leads, charts and rules of four leads"
    assert many - few <= 150 / 25


def test_paper_is_white_whatever_the_screen(browser: Chromium, tmp_path: Path, con: Any) -> None:
    html(tmp_path, con, leads())
    browser.open((tmp_path / "report.html").as_uri(), dark=True)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    assert browser.evaluate(ground) == "rgb(14, 21, 25)"
    browser.call("Emulation.setEmulatedMedia", media="print", features=[dark])
    try:
        assert browser.evaluate(ground) == "rgb(255, 255, 255)"
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
