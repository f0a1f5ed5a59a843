"""Signing in with a real browser, by a real API process; what pages of other origins get by its cookie."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from data.api_keys import KeyRegistry
from docs import chromium
from docs.chromium import Chromium
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import V1
from tests.api.pages import conftest as pages

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(chromium.program() is None, reason="this machine has no Chromium"),
]

WATCH = """
    window.refused = [];
    addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective + ' ' + e.blockedURI));
"""
SUBMIT = "document.querySelector('input[type=password]').value = {key!r}, document.querySelector('main button').click()"
#: What comes of a call that a page makes with the browser's cookies: its status, or that it got nothing.
FETCH = """
    fetch({url!r}, {{method: {method!r}, mode: {mode!r}, credentials: 'include', body: {body!r} || undefined}})
    .then(async answer => answer.status + ' ' + (await answer.text()).slice(0, 200), () => 'nothing')
"""


@pytest.fixture
def browser() -> Iterator[Chromium]:
    with Chromium() as running:
        running.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        yield running


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """A page of another origin, and of the same site: another port of this machine."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>elsewhere</title>")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


until = partial(pages.until, patience_s=40)


def fetched(browser: Chromium, url: str, method: str = "GET", mode: str = "cors", body: str = "") -> str:
    return str(browser.evaluate(FETCH.format(url=url, method=method, mode=mode, body=body)))


def test_a_person_signs_in_works_and_signs_out(settings: Settings, api: str, browser: Chromium, elsewhere: str) -> None:
    body = {"company_urls": ["a.example"]}
    httpx2.post(f"{api}{V1}/pipelines", json=body, trust_env=False).raise_for_status()
    secret = KeyRegistry(settings.data_dir).create("Ada", Role.OPERATOR)[1]
    end = time.monotonic() + 30
    while httpx2.get(f"{api}{V1}/jobs/list", trust_env=False).status_code != 401:
        assert time.monotonic() < end
        time.sleep(0.02)
    browser.open(f"{api}/docs?x=1")
    assert browser.evaluate("location.pathname + location.search") == "/sign-in?next=/docs%3Fx%3D1"
    browser.open(f"{api}/sign-in", width=390)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    browser.evaluate(SUBMIT.format(key="lm_wrong"))
    until(browser, "document.querySelector('[role=alert]')?.innerText === 'No such API key'")
    browser.evaluate(SUBMIT.format(key=secret))
    until(browser, "location.pathname === '/' && document.querySelector('.who')?.innerText.includes('Ada')")
    assert browser.evaluate("document.cookie") == "", "no script can read it"
    job = str(browser.evaluate("document.querySelector('td code').innerText"))

    events = f"new Promise(done => {{ window.events = new EventSource('{V1}/jobs/{job}/events');"
    browser.open(f"{api}/docs")  # whose policy lets its scripts connect
    until(browser, "document.querySelectorAll('.opblock').length > 0")
    assert browser.evaluate(events + "events.addEventListener('status', e => done(e.data)) })")
    assert fetched(browser, f"{V1}/jobs/list").startswith("200")
    assert fetched(browser, f"{V1}/jobs/cancel/{job}", "DELETE").startswith("202")
    assert browser.evaluate("refused") == []

    browser.open(elsewhere)
    for method, mode, content in (("GET", "cors", ""), ("GET", "no-cors", ""), ("POST", "no-cors", "x")):
        assert fetched(browser, f"{api}{V1}/jobs/list", method, mode, content) in ("nothing", "0 "), (method, mode)
    form = (
        f"f = document.createElement('form'), f.method = 'post', f.action = '{api}/sign-out', document.body.append(f)"
    )
    browser.evaluate(f"{form}, f.submit()")
    until(browser, f"location.href.startsWith('{api}') && document.body.innerText.includes('cross_origin')")

    browser.open(f"{api}/")
    assert "Ada" in browser.evaluate("document.querySelector('.who').innerText")
    browser.evaluate("document.querySelector('.who button').click()")
    until(browser, "location.pathname === '/sign-in' && document.querySelector('input[type=password]') !== null")
    browser.open(f"{api}/")
    assert browser.evaluate("location.pathname") == "/sign-in"


def test_signing_out_ends_the_streams_of_that_browser(settings: Settings, api: str) -> None:
    job = httpx2.post(f"{api}{V1}/pipelines", json={"company_urls": ["a.example"]}, trust_env=False).json()["job_id"]
    secret = KeyRegistry(settings.data_dir).create("Ada", Role.OPERATOR)[1]
    page = {"Sec-Fetch-Site": "same-origin"}
    with (
        httpx2.Client(base_url=api, trust_env=False, headers=page, timeout=60) as one,
        httpx2.Client(base_url=api, trust_env=False, headers=page, timeout=60) as other,
    ):
        end = time.monotonic() + 30
        while one.get(f"{V1}/jobs/list").status_code != 401:
            assert time.monotonic() < end
            time.sleep(0.02)
        begun, ended = threading.Semaphore(0), {one: threading.Event(), other: threading.Event()}

        def follow(browser: httpx2.Client) -> None:
            try:
                with browser.stream("GET", f"{V1}/jobs/{job}/events") as answer:
                    for _ in answer.iter_bytes():
                        begun.release()
            except httpx2.TransportError:  # of the one that is still open when the process is ended
                pass
            ended[browser].set()

        for browser in (one, other):
            assert browser.post("/sign-in", data={"key": secret}).status_code == 303
            threading.Thread(target=follow, args=(browser,), daemon=True).start()
        for _ in range(2):
            assert begun.acquire(timeout=30)
        assert one.post("/sign-out").status_code == 303
        assert ended[one].wait(30)
        assert not ended[other].is_set() and other.get(f"{V1}/jobs/list").status_code == 200
