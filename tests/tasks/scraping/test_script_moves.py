"""Where scripts send every visitor, and whom they do not: read, never run."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scraping.script_moves import moves_in

URL = "https://www.acme.de/start?q=1"
OF_ALL = "https://www.acme.de"


def _targets(*scripts: str) -> list[str]:
    return [move.target for move in moves_in(scripts, URL)]


@pytest.mark.parametrize(
    "script",
    [
        "window.open('/de/', '_self')",
        "location.href = `/de/`",
        "window['location']['href'] = '/de/'",
        "var a = '/de', b = 1; var url = a + '/'; top.location.replace(url)",
        "$(location).attr('href', '/de/')",
        "window.navigate('/de/')",
        "(function () { var l = window.location; l.href = '/de/' })()",
        "$(function () { location = '/de/' })",
        "document.addEventListener('DOMContentLoaded', () => location.assign('/de/'))",
        "window.onload = go; function go() { location.href = encodeURI('/de/') }",
        "function go() { step() } function step() { location = '/de/' } setTimeout('go()', 100)",
        "setTimeout(\"location.href='\\/de\\/'\", 900)",
        r"location.href = '\u002fde\x2f'",
        "if (/Mobi/.test(navigator.userAgent)) { location.href = '/m/' } else { location.href = '/de/' }",
        "if (document.cookie.indexOf('seen') == -1) { location.href = '/de/' }",
        "if (!isMobile) location.href = '/de/'",
        "if (window.innerWidth > 700) location = '/de/'",
        "if (screen.width < 800) location = '/m/'\nelse location = '/de/'",
        "if (top != self) top.location = '/framed'; location.href = '/de/'",
        "if (top == self) { parent.location.href = '/de/' }",
        "/* location = '/a/' */ var s = \"location = '/b/'\"; // location = '/c/'\nlocation = '/de/'",
        "x = y / 2; z = /'/.test(x); location = '/de/'",
        "<!--\nlocation.replace('/de/')\n//-->",
    ],
)
def test_a_move_that_every_visitor_makes_is_found(script: str) -> None:
    assert _targets(script) == ["/de/"]


def test_parts_of_the_present_address_are_put_in() -> None:
    assert _targets("location.href = location.protocol + '//' + location.host + '/x'") == [f"{OF_ALL}/x"]
    assert _targets("location = window.location.origin + '/x' + location.search") == [f"{OF_ALL}/x?q=1"]
    assert _targets("location.reload()") == _targets("location.href = location.href") == [URL]


@pytest.mark.parametrize(
    "script",
    [
        "if (/Android|iPhone/i.test(navigator.userAgent)) location.href = '/m/'",
        "if (window.matchMedia('(max-width: 600px)').matches) { location.replace('/m/') }",
        "var m = navigator.userAgent.match(/iPhone/); if (m) { location.href = '/m/' }",
        "if (document.referrer.indexOf('google') > -1) location.href = '/x/'",
        "if (location.hash == '#old') { location.href = '/x/' }",
        "isMobile() && (location.href = '/m/'); isMobile() ? location.href = '/m/' : 0",
        "try { work() } catch (e) { location.href = '/x/' }",
        "$.ajax({ url: '/a', error: function () { location.href = '/x/' } })",
        "if (parent.frames.length > 0) parent.location.href = '/x/'",
        "function go() { location = '/x/' }",
        "const go = () => { location = '/x/' }",
        "a.onclick = function () { location = '/x/' }",
        "b.addEventListener('click', () => location = '/x/')",
        "$('#b').click(function () { location = '/x/' })",
        "var app = { go: function () { location = '/x/' }, come() { location = '/y/' } }",
        "map.location = '/x/'; var location = '/x/'; window.open('/x/')",
        "location.href = '/' + language; location.hash = '#x'; if (location == '/x/') go()",
        "location.href = '/x/'.concat(y)",
    ],
)
def test_what_only_some_do_or_nobody_is_no_move(script: str) -> None:
    assert _targets(script) == []


WORST = ["(", "{", "'\\", '"', "`", "/*", "(/[", "a=a+a;", "if(", "else ", "=>", "function f(){f();", "['a']", "top."]
PARTS = [*"=(){}/`\\;\n", "location", ".href", "'/a/'", "=>", "if", "else", "function"]


@pytest.mark.parametrize("piece", WORST)
def test_a_script_made_to_be_slow_takes_no_time(piece: str) -> None:
    started = time.process_time()
    moves_in([piece * 1_000_000], URL)
    assert time.process_time() - started < 1


@given(st.lists(st.sampled_from(PARTS), max_size=60))
def test_any_script_is_read(parts: list[str]) -> None:
    assert len(moves_in(["".join(parts), " ".join(parts)], URL)) <= 20
