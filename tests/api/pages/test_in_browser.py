"""The dashboard's pages in a real browser: empty, full and broken; wide, narrow, light, dark; by keyboard; live."""

from __future__ import annotations

import json
from itertools import pairwise

import httpx2
import pytest

from api.pages.leads import COLUMNS
from docs import chromium
from docs.chromium import Chromium
from tests.api.pages.addresses import OF_THE_LAKE, WITHOUT_REDIS, of_all
from tests.api.pages.conftest import Site, check_quiet, check_shown, press, tap, until
from tests.api.pages.made import KEPT, fill, keep_pages

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(chromium.program() is None, reason="this machine has no Chromium"),
]

#: When the page has asked for itself, ms.
ASKED = "performance.getEntriesByType('resource').filter(one => one.name === location.href).map(one => one.startTime)"
#: Whether anybody sees the tab; a headless one is always seen.
SEEN = "document.dispatchEvent(new Event('visibilitychange'))"
HIDDEN = f"Object.defineProperty(document, 'hidden', {{value: %s, configurable: true}}), {SEEN}"
#: The field of addresses of a new run.
TYPED = "document.getElementById('company_urls')"
#: Window and colours: a screen by day, a phone by night.
SHAPES = ({"width": 1440, "height": 900}, {"width": 390, "height": 844, "dark": True})


def show_all(browser: Chromium, site: Site) -> None:
    for address in of_all(site.made):
        for shape in SHAPES:
            site.open(browser, address, **shape)
            check_shown(browser, site, (address, shape))
            assert "Leadmill" in browser.evaluate("document.title") and browser.evaluate("document.title") != "taken"


@pytest.mark.timeout(300)  # every page twice, at each width: what ends it ends the browser of all that follow
def test_every_page_empty_then_full(browser: Chromium, site: Site) -> None:
    show_all(browser, site)
    site.open(browser, "/")
    assert "Try it on the sample sites" in browser.evaluate("document.body.innerText")
    site.made |= fill(site.submit, site.worker)
    show_all(browser, site)
    site.open(browser, "/")
    assert browser.evaluate("document.querySelectorAll('main script, main img').length") == 0, "names are text"
    shown = browser.evaluate("document.body.innerText")
    assert "No worker listens on" in shown and "no alarm stands" not in shown
    until(browser, "document.body.innerText.includes('cannot be read')")  # what failed is read every few seconds
    check_shown(browser, site, "failed by cause")


def full(site: Site) -> dict[str, str]:
    if not site.made:
        site.made |= fill(site.submit, site.worker)
    return site.made


def test_without_scripts_pages_are_whole(browser: Chromium, site: Site) -> None:
    made = full(site)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        site.open(browser, "/ui/jobs")
        assert browser.evaluate("document.querySelectorAll('tbody tr').length") >= len(made)
        assert not browser.evaluate("document.querySelector('[data-all]').checkVisibility()"), "it would do nothing"
        assert browser.evaluate("document.querySelector('noscript a').checkVisibility()")
        # A selection, its impact, and the act: three plain requests.
        browser.evaluate(f"document.querySelector('[value={made['pending']}]').checked = true")
        browser.evaluate("document.querySelector('button[value=cancel]').click()")
        until(browser, "document.querySelector('h1')?.innerText === 'Cancel 1 job?'")
        browser.evaluate("document.querySelector('button.danger').click()")
        until(browser, "document.querySelector('h1')?.innerText === '1 job cancelled'")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    record = site.worker.store.record(made["pending"])
    assert record is not None and record.status == "cancelled"


def test_by_keyboard_alone(browser: Chromium, site: Site) -> None:
    full(site)
    site.open(browser, "/", width=1440)
    press(browser, "Tab", 9)
    assert browser.evaluate("document.activeElement.innerText") == "Skip to content"
    press(browser, "Enter", 13)
    until(browser, "document.activeElement.id === 'main'")
    site.open(browser, "/ui/jobs", width=1440)
    reached = []
    for _ in range(60):
        press(browser, "Tab", 9)
        reached.append(browser.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        ring = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none", reached[-1]
        if "data-all" in reached[-1]:
            break
    assert any('id="text"' in one for one in reached) and "data-all" in reached[-1]
    press(browser, " ", 32)
    rows = browser.evaluate("document.querySelectorAll('[name=job]').length")
    until(browser, f"document.querySelector('button[value=resume]').innerText === 'Resume {rows} selected…'")
    press(browser, "Tab", 9)
    press(browser, "Tab", 9)
    press(browser, "Enter", 13)
    until(browser, "document.querySelector('h1')?.innerText.startsWith('Resume ')")


def test_the_menu_closes_by_escape_and_by_a_click_beside_it(browser: Chromium, site: Site) -> None:
    site.open(browser, "/", width=1440)
    is_open, tapped = "document.querySelector('details.more').open", "document.querySelector('.more summary').click()"
    browser.evaluate(tapped)
    assert browser.evaluate(is_open)
    browser.evaluate("document.querySelector('.more a').focus()")
    press(browser, "Escape", 27)
    until(browser, f"!{is_open} && document.activeElement.matches('.more summary')")
    browser.evaluate(tapped)
    assert browser.evaluate(is_open)
    browser.evaluate("document.querySelector('h1').click()")
    until(browser, f"!{is_open}")
    check_quiet(browser, site, "the menu")


def test_what_changes_is_shown_and_what_the_reader_did_stays(browser: Chromium, site: Site) -> None:
    full(site)
    site.open(browser, "/ui/jobs", width=1440)
    box = "document.querySelectorAll('[name=job]')[3]"
    kept = browser.evaluate(f"{box}.click(), {box}.focus(), {box}.value")
    made = site.submit(tags=["came meanwhile"])
    # As if the tab were looked at again and again: it may ask at once, but no more often than once a second.
    until(browser, f"{SEEN}, document.getElementById('row-{made}') !== null")
    assert browser.evaluate("document.activeElement.value") == kept
    assert browser.evaluate("[...document.querySelectorAll('[name=job]:checked')].map(one => one.value)") == [kept]
    until(browser, f"{SEEN}, {ASKED}.length >= 4")
    asked = browser.evaluate(ASKED)
    assert all(later - earlier > 950 for earlier, later in pairwise(asked)), asked
    browser.evaluate(HIDDEN % "true")
    until(browser, "!document.querySelector('.htmx-request')")
    browser.evaluate("performance.clearResourceTimings(), new Promise(done => setTimeout(() => done(0), 2200))")
    assert browser.evaluate(f"{ASKED}.length") == 0, "a tab that nobody sees asks nothing"
    browser.evaluate(HIDDEN % "false")
    until(browser, f"{ASKED}.length > 0")
    check_quiet(browser, site, "live")


def test_a_list_is_looked_at_before_it_starts(browser: Chromium, site: Site) -> None:
    site.open(browser, "/ui/new", width=1440)
    text = json.dumps("Firma,Homepage\nAcme,acme.example\nAgain,www.acme.example\nNone,\n")
    browser.evaluate(f"{TYPED}.focus(), document.execCommand('insertText', false, {text})")
    until(browser, "document.getElementById('understood') !== null && !document.querySelector('[aria-busy]')")
    check_shown(browser, site, "a list that is looked at")
    told = browser.evaluate("[...document.querySelectorAll('.look .figure')].map(one => one.innerText)")
    assert [one.split() for one in told[:3]] == [["1", "company"], ["1", "repeated"], ["1", "without", "address"]]
    browser.evaluate("document.querySelector('form.new button').click()")
    until(browser, "location.pathname.startsWith('/ui/jobs/job_')")


def test_errors_are_pages(browser: Chromium, site: Site) -> None:
    wrong = "/ui/leads?tier=A&min_score=many"
    for address, status, words in (
        ("/nowhere", 404, "No such address"),
        ("/ui/jobs?status=wrong", 422, "status: no status 'wrong'"),
        (wrong, 422, "Score from, min_score: give a number from 0 to 100, not 'many'"),
    ):
        for shape in SHAPES:
            site.open(browser, address, **shape)
            check_shown(browser, site, address, status=status)
            assert words in browser.evaluate("document.querySelector('main').innerText"), address
    site.open(browser, wrong)
    browser.evaluate("document.querySelector('.problem .button').click()")
    until(browser, "location.search === '?tier=A'")


def test_while_redis_is_away_pages_say_so(browser: Chromium, site: Site) -> None:
    full(site)
    site.open(browser, "/", width=1440)
    site.valkey.stop()
    try:
        until(browser, "document.getElementById('stale').innerText.includes('Not up to date')")
        for address in set(of_all(site.made)) - WITHOUT_REDIS:
            site.open(browser, address, width=390)
            if address.startswith(OF_THE_LAKE):
                check_shown(browser, site, address)
                continue
            check_shown(browser, site, address, status=503)
            text = browser.evaluate("document.querySelector('main').innerText")
            assert "leadmill doctor" in text and "unavailable" in text, address
        site.open(browser, "/ui/health", width=390)
        check_shown(browser, site, "health")
        assert "Redis does not answer" in browser.evaluate("document.querySelector('main').innerText")
        site.open(browser, "/ui/new")
        browser.evaluate(f"{TYPED}.value = 'typed.example', document.querySelector('form.new button').click()")
        until(browser, "document.querySelector('.alert.bad')?.innerText.includes('leadmill doctor')")
        assert browser.evaluate(f"{TYPED}.value") == "typed.example"
    finally:
        site.valkey.start()
    until(browser, "(location.reload(), document.querySelector('h1')?.innerText) !== 'Not available just now'")


def test_a_job_is_followed_by_its_events_and_run_again(browser: Chromium, site: Site) -> None:
    full(site)
    job = site.submit(tags=["followed"])
    site.worker.launch(job, partitions=3)
    site.open(browser, f"/ui/jobs/{job}", width=1440)
    assert browser.evaluate("document.title").startswith("followed – 0 %")
    until(browser, "true")
    assert any(one["params"].get("type") == "EventSource" for one in browser.heard), "it listens"
    browser.evaluate("document.querySelectorAll('.code details')[1].open = true")
    site.worker.partitions(job, "p0", "p1")
    until(browser, "document.querySelectorAll('.grid .u-done').length === 2")
    assert browser.evaluate("document.querySelectorAll('.code details')[1].open"), "what was opened stays open"
    assert not browser.evaluate("document.title").startswith("followed – 0 %")
    site.worker.partitions(job, "p2")
    for unit in ("score", "render:html", "render:csv"):
        site.worker.commit(job, unit, rows_out=3)
    site.worker.publish(job, result={"companies": 3, "good": 3, "missing": []})
    until(browser, "document.title.startsWith('followed – completed')")
    assert "From score" in browser.evaluate("document.querySelector('main').innerText")
    check_shown(browser, site, job)
    browser.evaluate(
        "[...document.querySelectorAll('.again button')].find(one => one.innerText === 'From score').click()"
    )
    until(browser, f"location.pathname.startsWith('/ui/jobs/job_') && !location.pathname.includes('{job}')")
    until(browser, f"document.querySelector('dl.facts')?.innerText.includes('{job}')")


def test_a_job_of_ten_thousand_partitions(browser: Chromium, site: Site) -> None:
    full(site)
    job = site.submit(tags=["many"])
    site.worker.launch(job, partitions=10_000)
    for n in range(40):
        site.worker.partitions(job, f"p{n}")
    site.open(browser, f"/ui/jobs/{job}", width=1440)
    check_shown(browser, site, job)
    assert browser.evaluate("document.querySelectorAll('.grid i').length") == 400
    assert browser.evaluate("document.querySelector('.grid i').title") == "p0 to p24: 25 done"
    assert browser.evaluate("document.documentElement.outerHTML.length") < 150_000


def test_from_the_list_to_why_a_company_is_first(browser: Chromium, site: Site) -> None:
    full(site)
    site.open(browser, "/ui/leads", width=1440)
    browser.evaluate("[...document.querySelectorAll('.facet a')].find(one => one.innerText.startsWith('DE')).click()")
    until(browser, "location.search === '?country=DE' && document.querySelectorAll('tbody tr').length === 2")
    pointed = "new PointerEvent('pointerover', {bubbles: true, pointerType: 'mouse'})"
    browser.evaluate(f"document.querySelector('a.why').dispatchEvent({pointed})")
    until(browser, "document.querySelector('.told:popover-open')?.textContent.includes('kept less evidence')")
    check_quiet(browser, site, "why")
    browser.evaluate("document.querySelector('.who-is a').click()")
    until(browser, "location.pathname.startsWith('/ui/companies/') && document.getElementById('score') !== null")
    browser.evaluate("history.back()")
    until(browser, "location.search === '?country=DE'")


TOLD = "document.querySelector('.told:popover-open')"


def test_where_a_value_comes_from_by_finger_and_by_keyboard(browser: Chromium, site: Site) -> None:
    keep_pages(site.worker, full(site)["completed 0"])
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        site.open(browser, f"/ui/leads?text={KEPT}", width=390, height=844)
        tap(browser, "a.why")
        until(browser, f"{TOLD}?.querySelector('.evidence') !== null")
        text = browser.evaluate(f"{TOLD}.innerText")
        for part in (f"werk@{KEPT}", "in the text", "% sure", "ago", "see it there"):
            assert part in text, text
        assert browser.evaluate("location.pathname") == "/ui/leads", "a tap leads nowhere else"
        check_shown(browser, site, "what a tap tells")
        tap(browser, "h1")
        until(browser, f"{TOLD} === null")
    finally:
        browser.call("Emulation.setTouchEmulationEnabled", enabled=False)
    value = "document.querySelector('[data-name=Phone] a.why')"
    site.open(browser, f"/ui/leads?text={KEPT}", width=1440)
    browser.evaluate(f"{value}.focus()")
    press(browser, "Enter", 13)
    until(browser, f"{TOLD}?.innerText.includes('+49 711 218430')")
    assert browser.evaluate(f"{TOLD} === document.activeElement && {value}.ariaExpanded") == "true"
    check_shown(browser, site, "what a key tells")
    press(browser, "Tab", 9)
    assert browser.evaluate(f"document.activeElement.matches('a') && {TOLD}.contains(document.activeElement)")
    press(browser, "Escape", 27)
    until(browser, f"{TOLD} === null && document.activeElement === {value} && {value}.ariaExpanded === 'false'")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        site.open(browser, f"/ui/leads?text={KEPT}", width=390)
        browser.evaluate(f"{value}.click()")
        until(browser, "document.querySelector('h1')?.innerText === 'Phone of kept.example'")
        assert "+49 711 218430" in browser.evaluate("document.getElementById('why').innerText")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_leads_stay_in_their_card_and_words_whole(browser: Chromium, site: Site) -> None:
    full(site)
    every = "&".join(f"columns={name}" for name in COLUMNS)
    beyond = """[...document.querySelectorAll('.leads .scroll')].map(
        one => one.getBoundingClientRect().right - one.closest('.card').getBoundingClientRect().right)"""
    # A word that is broken stands on two lines.
    broken = """[...document.querySelectorAll('.leads td')].filter(cell => cell.innerText).flatMap(cell => {
        const found = [], texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(
            /(?<![\\p{L}\\p{N}])[\\p{L}\\p{N}]{2,24}(?![\\p{L}\\p{N}])/gu)) {
            const range = new Range();
            range.setStart(texts.currentNode, word.index), range.setEnd(texts.currentNode, word.index + word[0].length);
            if (range.getClientRects().length > 1) found.push(word[0]);
        }
        return found;
    })"""
    # What a cell shows lies over none of the others.
    over = """[...document.querySelectorAll('.leads td')].filter(cell => {
        const all = new Range();
        all.selectNodeContents(cell);
        return [...all.getClientRects()].some(one => one.right > cell.getBoundingClientRect().right + 1);
    }).map(cell => cell.innerText)"""
    for width in (1440, 1180, 1024, 800, 390):
        for address in ("/ui/leads", f"/ui/leads?{every}"):
            site.open(browser, address, width=width)
            check_shown(browser, site, (address, width))
            assert max(browser.evaluate(beyond)) <= 0, (address, width)
            assert browser.evaluate(broken) == [], (address, width)
            assert browser.evaluate(over) == [], (address, width)


def test_a_query_is_run_by_keyboard_and_cancelled(browser: Chromium, site: Site) -> None:
    full(site)
    for shape in SHAPES:
        site.open(browser, "/ui/sql", **shape)
        typed = "document.getElementById('query')"
        wide = json.dumps("SELECT domain, '<img src=x>' || repeat('x', 300) AS wide FROM companies")
        browser.evaluate(f"{typed}.focus(), document.execCommand('insertText', false, {wide})")
        press(browser, "Enter", 13, modifiers=2)
        until(browser, "document.querySelectorAll('#result tbody tr').length >= 4")
        assert browser.evaluate("location.search").startswith("?query=SELECT+domain")
        browser.evaluate("document.querySelector('#result details').open = true")
        assert len(browser.evaluate("document.querySelector('#result details pre').innerText")) == 311
        check_shown(browser, site, ("a result", shape))
        endless = json.dumps("SELECT count(*) FROM range(1000000000000) a(i) WHERE hash(i) % 7 = 1")
        browser.evaluate(f"{typed}.value = {endless}, document.querySelector('form[data-sql] button').click()")
        cancel = "document.querySelector('[data-cancel]')"
        until(browser, f"{cancel}.checkVisibility()")
        browser.evaluate(f"{cancel}.click()")
        until(browser, "document.querySelector('[data-clock]').innerText === 'Cancelled'")
        assert not browser.evaluate(f"{cancel}.checkVisibility()")


def test_last_the_first_key_is_made_and_the_audit_tells(browser: Chromium, site: Site) -> None:
    full(site)
    site.open(browser, "/ui/keys", width=1440)
    browser.evaluate("document.getElementById('name').value = 'Ada', document.getElementById('role').value = 'admin'")
    browser.evaluate("document.querySelector('main form button').click()")
    until(browser, "document.title.startsWith('Key made')")
    check_shown(browser, site, "a secret")
    secret = browser.evaluate("document.querySelector('.command code').innerText")
    site.open(browser, "/sign-in?next=/ui/keys")
    browser.evaluate(f"document.getElementById('key').value = '{secret}'")
    browser.evaluate("document.querySelector('main form button').click()")
    until(browser, "location.pathname === '/ui/keys'")
    httpx2.post(
        f"{site.url}/api/v1/jobs/bulk", headers={"X-API-Key": secret}, json={"action": "wrong"}, trust_env=False
    )
    site.submit(key=secret, tags=["audited"])
    for address in ("/ui/keys", "/ui/audit"):
        for shape in SHAPES:
            site.open(browser, address, **shape)
            check_shown(browser, site, (address, shape))
            assert "Ada" in browser.evaluate("document.querySelector('main').innerText"), address
