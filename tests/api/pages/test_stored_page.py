"""The stored page of a company in a real browser: the place is marked and in sight, and a hostile page is text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest
from fastapi import Response
from fastapi.testclient import TestClient

from api.pages import company_stored
from api.stored_pages import framed
from data.lake import Lake
from docs import chromium
from docs.chromium import Chromium
from extraction.page_view import View
from tests.api.conftest import V1, Worker
from tests.api.pages.conftest import Site, check_quiet, check_shown, until
from tests.api.pages.made import HOSTILE_PAGE, KEPT, keep_pages
from tests.api.pages.test_access import OPENED, keys, made, sign_in

__all__ = ["keys", "made"]

needs_browser = pytest.mark.skipif(chromium.program() is None, reason="this machine has no Chromium")

FRAME = "/stored/frame"
BASE = f"/ui/companies/{KEPT}/stored"


@pytest.fixture
def kept(made: dict[str, str], worker: Worker) -> str:
    """A job that has left pages of a company."""
    keep_pages(worker, made["completed 0"])
    return made["completed 0"]


def links(text: str) -> dict[str, str]:
    """Addresses of the places on the page that is shown, by what stands in them."""
    found = re.findall(rf'href="({BASE}\?[^"]*fact=[^"]*)">(.*?)<small>', text)
    return {re.sub("<.*?>", "", said): html.unescape(address) for address, said in found}


def of_fact(text: str, said: str) -> str:
    return next(address for name, address in links(text).items() if said in name)


def test_what_a_frame_may_do_and_where_it_may_stand(client: TestClient, kept: str) -> None:
    shown = client.get(BASE, headers=OPENED)
    policy = shown.headers["content-security-policy"]
    assert policy.endswith("; frame-src 'self'") and "unsafe" not in policy
    address = of_fact(shown.text, "founded").replace("/stored?", "/stored/frame?").partition("#")[0]
    frame = client.get(address, headers=OPENED)
    rules = dict(rule.partition(" ")[::2] for rule in frame.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'" and rules["sandbox"] == ""
    assert rules.keys() == {"default-src", "style-src", "base-uri", "form-action", "frame-ancestors", "sandbox"}
    assert rules["style-src"].startswith("'sha256-") and rules["frame-ancestors"] == "'self'"
    assert frame.headers["x-frame-options"] == "SAMEORIGIN" and "no-store" in frame.headers["cache-control"]
    assert '<mark id="place">Gegründet 1987 in Stuttgart.</mark>' in frame.text
    assert "evil.example" not in frame.text.partition("<plaintext>")[0] and not re.search(
        r"<(script|img|a) ", frame.text
    )
    assert client.get("/", headers=OPENED).headers["content-security-policy"].count("frame-src") == 0
    for wrong, code in (("?page=x", 422), ("", 422), ("?page=" + "0" * 16, 410), (f"?page={'0' * 16}&fact=x", 422)):
        assert client.get(f"{BASE}/frame{wrong}", headers=OPENED).status_code == code, wrong
    assert client.get("/ui/companies/nobody.example/stored", headers=OPENED).status_code == 404


def test_each_value_leads_to_its_place(client: TestClient, kept: str) -> None:
    about = client.get(f"/ui/companies/{KEPT}", headers=OPENED).text
    ways = {html.unescape(one) for one in re.findall(rf'href="({BASE}\?[^"]*)">see it there', about)}
    assert len(ways) >= 3
    for way in ways:
        shown = client.get(way, headers=OPENED)
        assert shown.status_code == 200 and shown.text.count('aria-current="true"') >= 2, "page and fact are chosen"
        frame = html.unescape(re.findall(r'<iframe sandbox src="([^"]*)"', shown.text)[0])
        assert frame.endswith("#place")
        told = client.get(frame.partition("#")[0], headers=OPENED).text
        assert ('id="place"' in told) != ("Which words told it is not kept" in told), way


def test_what_was_cleaned_up_is_said_to_be(client: TestClient, kept: str, lake: Lake) -> None:
    newer = client.get(f"{BASE}?page={'0' * 16}", headers=OPENED)
    assert newer.status_code == 200 and "not kept any more" in newer.text and "<iframe" not in newer.text
    for part in lake.parts(kept, "scrape", "pages"):
        part.unlink()
    gone = client.get(BASE, headers=OPENED)
    assert gone.status_code == 200 and "No page is kept" in gone.text and "cleaned up" in gone.text


def test_pages_are_of_their_project(client: TestClient, keys: dict[str, str], kept: str) -> None:
    viewer = {**OPENED, "X-API-Key": keys["viewer"]}
    frame = (
        of_fact(client.get(BASE, headers=viewer).text, "founded")
        .replace("/stored?", "/stored/frame?")
        .partition("#")[0]
    )
    assert client.get(frame, headers=viewer).status_code == 200
    for address in (BASE, frame):
        assert client.get(address, headers={**OPENED, "X-API-Key": keys["stranger"]}).status_code == 404
        assert client.get(address, headers={"Accept": "application/json"}).status_code == 401
    sign_in(client, keys["viewer"])
    inside = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert client.get(frame, headers=inside).status_code == 200, "a frame of our own page has its cookie"
    assert client.get(f"{V1}/companies/{KEPT}").status_code == 200


def in_frame(browser: Chromium, path: str, script: str) -> Any:
    """The value of an expression in the frame, which is a target of its own: its origin is nobody's."""
    targets: list[Mapping[str, Any]] = browser.call("Target.getTargets")["targetInfos"]
    frame = next(one for one in targets if one["type"] == "iframe" and path in one["url"])
    return browser.within(frame["targetId"], script)


@pytest.mark.stack
@needs_browser
def test_a_hostile_page_is_shown_and_does_nothing(browser: Chromium, site: Site) -> None:
    keep_pages(site.worker, site.submit(company_urls=[KEPT]))
    text = httpx2.get(site.url + BASE, headers=OPENED, trust_env=False).text
    address = of_fact(text, "founded").partition("#")[0]
    for shape in ({"width": 1440, "height": 900}, {"width": 390, "height": 844, "dark": True}):
        site.open(browser, address, **shape)
        until(browser, "document.querySelector('iframe') !== null")
        assert in_frame(
            browser, FRAME, "document.readyState === 'complete' && document.querySelector('mark').innerText"
        ) == ("Gegründet 1987 in Stuttgart.")
        top = in_frame(browser, FRAME, "document.querySelector('mark').getBoundingClientRect().top / innerHeight")
        assert 0 < top < 0.9, ("the place is in sight", top)
        assert in_frame(browser, FRAME, "scrollY") > 1_000
        assert in_frame(browser, FRAME, "document.documentElement.scrollWidth - innerWidth") <= 0
        assert (
            in_frame(
                browser, FRAME, "document.querySelectorAll('script, img, a, form, iframe, object, svg, base').length"
            )
            == 0
        )
        assert in_frame(browser, FRAME, "getComputedStyle(document.querySelector('mark')).display") == "inline"
        check_shown(browser, site, (address, shape))
        assert browser.evaluate("document.title").startswith("Stored pages of Kept")
        assert browser.evaluate("location.pathname + location.search") == address
        asked = [
            one["params"]["request"]["url"] for one in browser.heard if one["method"] == "Network.requestWillBeSent"
        ]
        assert any("/stored/frame" in one for one in asked) and not [one for one in asked if "evil" in one]
    check_quiet(browser, site, "a hostile page")


@pytest.mark.stack
@needs_browser
def test_policy_and_sandbox_hold_a_page_that_is_not_made_anew(browser: Chromium) -> None:
    """Were what is shown of a page the page itself: still nothing runs, loads, is sent or leads away."""
    frame = framed(View(HOSTILE_PAGE.replace("<mark", "<i"), None, is_cut=False), of_fact=False)
    holder = Response('<title>whole</title><iframe sandbox src="/frame#place"></iframe>', media_type="text/html",
                      headers={"Content-Security-Policy": company_stored.POLICY_WITH_FRAME})  # fmt: skip
    with serving({"/": holder, "/frame": frame}) as url:
        browser.heard.clear()
        browser.open(url)
        until(browser, "document.querySelector('iframe') !== null")
        assert in_frame(browser, "/frame", "document.body.innerText.includes('Gegründet 1987')")
        browser.evaluate("new Promise(done => setTimeout(() => done(0), 1500))")
        assert browser.evaluate("document.title") == "whole" and browser.evaluate("location.pathname") == "/"
        targets = [one["url"] for one in browser.call("Target.getTargets")["targetInfos"]]
        assert not [one for one in targets if "evil" in one or "srcdoc" in one], targets
    asked = [one["params"]["request"]["url"] for one in browser.heard if one["method"] == "Network.requestWillBeSent"]
    assert asked and not [one for one in asked if not one.startswith(url)], asked


@contextmanager
def serving(answers: Mapping[str, Response]) -> Iterator[str]:
    """An HTTP server on this machine with these answers; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            self.send_response(200 if found else 404)
            for name, value in found.headers.items() if found else ():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(bytes(found.body) if found else b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
