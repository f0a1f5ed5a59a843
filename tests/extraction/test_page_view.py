"""What is shown of a stored page: its text with the place marked, and nothing that runs, loads or leads away."""

from __future__ import annotations

import html
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction import page_view
from extraction.enrich import enrich_rows
from extraction.page_view import Folded, view
from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company, make_page
from tests.extraction.hostile_markup import MARKS, marked, soup
from tests.extraction.test_fact_check import PAGE, read

#: All that may stand in what is shown.
ALLOWED = re.compile(r"</?[a-z][a-z0-9]*>|<mark id=\"place\">|[^<>]+|\Z")


def fact(quote: str | None, value: str = "x", **more: Any) -> dict[str, Any]:
    return {"field": "name", "value": value, "method": "text", "quote": quote, "words": None, "line": None, **more}


def place(body: str) -> str:
    """What is marked."""
    return html.unescape("".join(re.findall(r"<mark[^>]*>(.*?)</mark>", body, re.DOTALL)))


def is_harmless(body: str) -> bool:
    tags = set(re.findall(r"</?([a-z0-9]+)", body))
    return "".join(ALLOWED.findall(body)) == body and tags <= {
        *page_view._BECOMES.values(),
        "mark",
        "aside",
        "br",
        "hr",
    }


def test_each_fact_is_marked_where_it_was_read() -> None:
    told = {one["field"]: view(PAGE, one) for one in reversed(read())}  # of a field the first is the surest
    assert place(told["founded"].body) == "Gegründet 1987." and told["founded"].where == "text"
    assert place(told["name"].body) == "Korbwerk GmbH" and told["name"].where == "markup", "declared, so not seen"
    assert place(told["technology:shop"].body) == "https://cdn.shopify.com/s/x.js?a=1&amp;b=2", (
        "as the markup spells it"
    )
    assert told["technology:web server"].where == "headers" and place(told["technology:web server"].body) == "nginx"
    assert "It came with the page" in told["technology:web server"].body
    assert all(
        is_harmless(one.body) and one.body.count('id="place"') == (one.where is not None) for one in told.values()
    )


def test_a_place_is_marked_across_elements_and_white_space() -> None:
    page = make_page("<p>Call <b>us:</b>\n  +49 <i>711 21</i>84<p>Call us: +49 711 2184")
    assert place(view(page, fact("Call us: +49 711 2184", line=0)).body) == "Call us:\n  +49 711 2184"
    assert view(page, fact("Call us: +49 711 2184", line=1)).body.endswith(
        '<mark id="place">Call us: +49 711 2184</mark></p>'
    )
    assert place(view(page, fact("CALL\u00adUS:")).body).startswith("Call")
    assert view(page, fact("nowhere", "neither")).where is None
    assert (
        place(view(make_page("<p>Torfstr. 9<br>13353 Berlin"), fact(None, "Torfstr. 9, Berlin")).body) == "Torfstr. 9"
    )


def test_the_address_of_a_page_may_be_what_told_it() -> None:
    page = make_page("<p>Join us", path="/jobs", kind="careers")
    shown = view(page, fact(None, "x", method="page-kind", words=[page["final_url"]]))
    assert shown.where == "address" and place(shown.body) == "https://acme-tools.com/jobs"


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script><p onclick=x>hello",
        "<meta http-equiv=refresh content='0;url=//evil.example'><base href=//evil.example><p>hello",
        '</iframe></main></html>"><img src=//evil.example/x onerror=alert(1)><p>hello',
        "<style>@import '//evil.example'; p { background: url(//evil.example) }</style><p style='x'>hello",
        "<form action=//evil.example><input autofocus onfocus=alert(1)><button>hello</button></form>",
        "<a href=javascript:alert(1)>hello</a><link rel=prefetch href=//evil.example><svg onload=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x></object><embed src=x><p>hello",
        "&lt;script&gt;alert(1)&lt;/script&gt;<p id=place name=place>hello",
        "<noscript><p title='</noscript><script>alert(1)</script>'></noscript><p>hello",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=x&gt;'></math>hello",
        "<textarea></textarea><script>alert(1)</script><p>hello",
        "<plaintext><script>alert(1)</script>hello",
    ],
)  # fmt: skip
def test_nothing_of_a_hostile_page_but_its_text_gets_through(markup: str) -> None:
    shown = view(make_page(markup), fact("hello"))
    assert is_harmless(shown.body) and shown.body.count('id="place"') == 1 and place(shown.body) == "hello"


def test_soup_of_markup_is_harmless_balanced_and_bounded() -> None:
    random = Random(1)
    pages = [soup(random, 4_000) for _ in range(200)] + [marked("", mark, 60_000) for mark in MARKS]
    for raw in pages:
        shown = view(make_page(raw + b"<p>" + b"x" * 30), fact("x" * 30))
        assert is_harmless(shown.body) and len(shown.body) <= page_view.MAX_SHOWN + 100_000, raw[:80]
        opened: list[str] = []
        for ends, tag in re.findall(r"<(/?)([a-z0-9]+)", re.sub(r"<[bh]r>", "", shown.body)):
            assert not ends or opened.pop() == tag, raw[:80]
            opened += [] if ends else [tag]
        assert opened == [], raw[:80]


def test_a_page_that_is_too_long_is_shown_from_its_beginning() -> None:
    long = view(make_page("<p>first" + "<p>word " * 60_000))
    assert long.is_cut and long.body.startswith("<p>first</p>") and len(long.body) < page_view.MAX_SHOWN + 1_000
    deep = view(make_page("<ul><li>" * 2_000 + "<p>deep"))
    assert not deep.is_cut and deep.body.count("<ul>") <= page_view.MAX_DEPTH and "deep" in deep.body
    assert not view(make_page("<p>short")).is_cut


def test_pages_of_any_encoding_are_text() -> None:
    for raw, charset in (
        ("Grüße, Müller".encode("latin-1"), None),
        ("Grüße, Müller".encode("utf-16"), "utf-16"),
        (b"Gr\xc3\xbc\xc3\x9fe, M\xc3\xbcller\xff\xfe", "utf-8"),
        (b"+ADw-script+AD4-Gr", "utf-7"),
    ):
        shown = view(make_page(b"<p>" + raw if charset != "utf-16" else raw, charset=charset))
        assert is_harmless(shown.body) and "Gr" in shown.body, charset


@given(st.text(alphabet="ab \t\u00adİß", max_size=40), st.text(alphabet="abİß ", min_size=1, max_size=4))
def test_a_place_is_what_was_looked_for(text: str, wanted: str) -> None:
    found = Folded(text).find(wanted)
    small = "".join(page_view._small(word) for word in page_view._WORD.findall(wanted))
    if found is None:
        assert not small or small not in "".join(map(page_view._small, page_view._WORD.findall(text)))
    else:
        words = page_view._WORD.findall(text[found.start : found.end])
        assert "".join(map(page_view._small, words)) == small and text[found.start : found.end].strip() != ""


def test_facts_of_real_pages_are_found_again() -> None:
    rows, _ = process_pages([make_company("korbwerk.de")], [PAGE], now=NOW, on_progress=lambda done: None)
    (row,), _ = enrich_rows(rows, [PAGE], now=NOW, on_progress=lambda done: None)
    told = [one for one in row["facts"] if one["quote"] or one["words"]]
    assert len(told) > 5 and all(view(PAGE, one).where for one in told)
