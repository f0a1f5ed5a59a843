"""No input costs more than in proportion to its length: every reader of pages against every flood.

Extractors and enrichers are found in their registries, floods for them in their own regular expressions: a new one
is measured without being named here. What takes less than can be measured at its largest size is cheap enough.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser
from w3lib.encoding import html_body_declared_encoding
from w3lib.html import get_meta_refresh

from extraction import (
    clauses,
    company_row,
    document,
    email_addresses,
    email_cloaks,
    headcounts,
    job_titles,
    labelled_numbers,
    line_cache,
    markup,
    markup_guard,
    number_words,
    people,
    process,
    script_texts,
)
from extraction.charset import decode
from extraction.document import Document
from extraction.enrichers import ENRICHERS
from extraction.extractors import emails, legal_forms, legal_lines, legal_names, phones
from extraction.extractors.addresses import beside, cjk, reader, segments, street_search, streets, towns, window
from extraction.findings import Finding
from extraction.markup import Markup
from extraction.markup_guard import bounded
from extraction.ownership import attributed
from extraction.plain_markup import plain
from extraction.stand_ins import Answer, judge
from extraction.stand_ins import shape as page_shape
from extraction.structured import loose_json, node
from extraction.structured.json_ld import read_script
from extraction.structured.node import Nodes
from leadmill.retry_after import retry_after_s
from tasks.processing.preload import preload
from tasks.scraping import headers, links, robots
from tests.extraction.conftest import NOW, make_company, make_page
from tests.extraction.hostile_markup import MARKS, marked, soup
from tests.extraction.hostile_text import FLOODS, base64_text, patterns_of, pumps, repeated

pytestmark = pytest.mark.no_cover  # the CPU time that it measures is not that of tracing

#: A doubling of the input may cost so many times as much, over three doublings.
GROWTH = 2.3**3
#: CPU seconds below which a measure says nothing.
BASE_S = 0.0015
PAGE_READERS: dict[str, Callable[[Document], Any]] = {
    **{find.__module__.rpartition(".")[2]: find for find in process._EXTRACTORS},
    **{enricher.name: enricher.look for enricher in ENRICHERS.all().values()},
    "ownership": lambda page: attributed(page, [*phones.find(page), *emails.find(page), *legal_names.find(page)]),
    "people": people.find,
}
#: Modules whose patterns an extractor reads with, beside its own.
READ_WITH = {
    "registers": (labelled_numbers,),
    "legal_names": (legal_forms, legal_lines),
    "emails": (email_addresses, email_cloaks, script_texts),
    "founded": (clauses,),
    "people": (job_titles,),
    "company_size": (clauses, headcounts, number_words),
    "addresses": (beside, cjk, reader, segments, street_search, streets, towns, window),
}


@pytest.fixture(scope="module", autouse=True)
def loaded() -> Iterator[None]:
    preload()
    with pytest.MonkeyPatch.context() as patched:  # lines that repeat are read anew
        patched.setattr(line_cache, "MAX_KEPT", -1)
        yield


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def superlinear(work: Callable[[Any], Any], inputs: Callable[[int], Any], sizes: list[int]) -> str | None:
    """What is wrong, or None. The largest first: most are done by then; least of five where it is in doubt."""
    largest = inputs(sizes[-1])
    if cpu(lambda: work(largest)) < BASE_S * 8:
        return None
    made = [*(inputs(size) for size in sizes[:-1]), largest]
    times = [float("inf")] * len(sizes)
    for _ in range(5):
        times = [min(before, cpu(lambda one=one: work(one))) for before, one in zip(times, made, strict=True)]  # type: ignore[misc]
        if times[-1] <= GROWTH * max(times[0], BASE_S):
            return None
    return " ".join(f"{1000 * one:.1f}" for one in times) + " ms"


def read_declared(script: str) -> None:
    read_script(script, Nodes("https://acme-tools.com/"))


def doublings(largest: int) -> list[int]:
    return [largest // 8, largest // 4, largest // 2, largest]


def texts(*modules: Any) -> Iterator[tuple[str, Callable[[int], str]]]:
    """(name, size → text) of every flood, and of every repeat in the modules' patterns."""
    for flood in FLOODS:
        yield repr(flood), lambda size, flood=flood: repeated("", flood, size)  # type: ignore[misc]
    yield "base64", base64_text
    for module in modules:
        for name, pattern in patterns_of(module).items():
            for prefix, item in pumps(pattern):
                yield (
                    f"{name} {prefix[-20:]!r} + {item[:20]!r}",
                    lambda size, prefix=prefix, item=item: repeated(prefix, item, size),  # type: ignore[misc]
                )


def page_of(text: str, lines: int) -> Document:
    """A page that says a text wherever something is read: in lines, links, pictures, meta tags, declared data."""
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    told = json.dumps(text)
    few = lines // 4 + 1
    declared = ", ".join(f'"{name}": {told}' for name in ("name", "legalName", "telephone", "email", "logo"))
    page = Document(
        make_page(
            f'<html lang="{shown[:30]}"><title>{shown}</title><meta name=description content="{shown}">'
            f'<meta name="og:site_name" content="{shown}"><script type="application/ld+json">'
            f'{{"@type": "Organization", {declared}, "sameAs": [{", ".join([told] * few)}], "foundingDate": {told},'
            f'"address": {{"streetAddress": {told}}}, "numberOfEmployees": {told}}}</script>'
            + f'<img src="{shown}" alt="{shown}"><a href="{shown}">{shown}</a>' * few
            + f'<a href="mailto:{shown}" data-email="{shown}" onclick="{shown}">x</a>' * (few // 4)
            + f"<script>{text}</script><script>mail('{text}')</script><noscript>@ {shown}</noscript>" * (few // 4)
            + f"<p>{shown}</p>" * lines,
            kind="imprint",
        )
    )
    _ = page.text, page.title, page.metas, page.links, page.graph.addresses, page.core
    return page


@cache
def _flooded(place: int) -> Document:
    return page_of(list(texts())[place][1](2_000), 24)


@pytest.mark.parametrize("name", PAGE_READERS)
def test_an_extractor_or_enricher_reads_any_text_in_linear_time(name: str) -> None:
    read = PAGE_READERS[name]
    found = {}
    for place, (flood, make) in enumerate(texts(sys.modules[read.__module__], *READ_WITH.get(name, ()))):
        page = _flooded(place) if place <= len(FLOODS) else page_of(make(2_000), 24)
        if cpu(lambda page=page: list(read(page))) < BASE_S * 8:  # type: ignore[misc]
            continue
        for shape, inputs in (
            ("longer lines", lambda size, make=make: page_of(make(size), 24)),
            ("more lines", lambda size, make=make: page_of(make(1_900), size // 80)),
        ):
            found[f"{flood}, {shape}"] = superlinear(lambda page: list(read(page)), inputs, doublings(2_000))
    assert not {flood: times for flood, times in found.items() if times}


@pytest.mark.parametrize(
    "word", ["/wp-content/", "<script fbq(", "<!-- fbq(", "<pre fbq(", "<preview fbq(", "//google.com/"]
)
def test_places_of_markup_are_judged_in_linear_time(word: str) -> None:
    def page(size: int) -> Document:
        return Document(make_page((word + " ") * (size // len(word))))

    assert superlinear(lambda page: list(PAGE_READERS["technologies"](page)), page, doublings(1_200_000)) is None


@pytest.mark.parametrize("before", ["", '{"@type":"Organization","name":"', '{"a":"\\', "/*"])
def test_json_ld_is_read_in_linear_time(before: str) -> None:
    found = {
        flood: superlinear(read_declared, lambda n, make=make: before + make(n), doublings(40_000))  # type: ignore[misc]
        for flood, make in texts(loose_json, node)
    }
    assert not {flood: times for flood, times in found.items() if times}


@pytest.mark.parametrize("said", ['"name": "%s N"', '"name": "N %s"', '"@id": "#a", "name": "%s", "address": "%s"'])
def test_the_company_is_chosen_in_linear_time(said: str) -> None:
    def page(size: int) -> str:
        said_ones = (said.replace("%s", "Acme Tools " * 30).replace("N", str(n)) for n in range(size // 400))
        above = '"parentOrganization": [{"@id": "#a"}, {"@id": "#b"}]'
        firms = ", ".join(f'{{"@type": "Store", {one}, {above}}}' for one in said_ones)
        return f'<script type="application/ld+json">[{firms}]</script>'

    def read(html: str) -> None:
        graph = Document(make_page(html)).graph
        _ = graph.addresses, graph.contacts, graph.persons

    # The largest is no longer than what is read of a script: another parser reads those that are cut.
    assert superlinear(read, page, doublings(140_000)) is None


def _names(number: int) -> str:
    return " ".join(f"{chr(97 + place // 26)}{chr(97 + place % 26)}" for place in range(number))


@pytest.mark.parametrize(
    "markup",
    [
        # Many scopes refer to the same elements, each of many properties.
        lambda n: "<div itemscope itemref=a></div>" * n + "<div id=a>" + f"<p itemprop='{_names(40)}'>x" * (10 * n),
        lambda n: ("<div itemscope>" + f"<i itemprop='{_names(40)}'>" * 60 + "<b>x</b>" * 200 + "</i>" * 60) * n,
        lambda n: "<div typeof=Store>" + f"<p property='{_names(40)}'>x" * (10 * n),
    ],
    ids=["microdata", "nested", "rdfa"],
)
def test_elements_that_say_much_at_once_are_read_in_linear_time(markup: Callable[[int], str]) -> None:
    assert superlinear(lambda html: Document(make_page(html)).graph, markup, doublings(240)) is None


def _robots(text: str) -> None:
    robots.parse_robots(text.encode("utf-8", "replace"), {"leadmill"}).refusal(f"https://acme.com/{text[:1_900]}")


def _header(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    headers.kept_headers([(b"server", [raw]), (b"set-cookie", [raw] * 20), (raw, [raw])])
    headers.charset_of(f"text/html; charset={text}")
    headers.charset_of(text)
    retry_after_s(text, 0.0)


def _sent_on(text: str) -> None:
    for before in ("", "<meta http-equiv=refresh content='0;url=", "<meta ", "<!--", "<noscript>"):
        get_meta_refresh((before + text)[:4_096], "https://acme.com/", "utf-8")
        html_body_declared_encoding((before + text)[:2_048].encode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("read", "largest"),
    [
        (_robots, 200_000),
        (lambda text: _robots("User-agent: *\n" + f"Disallow: /{text[:40]}*\n" * (len(text) // 50)), 60_000),
        (lambda text: _robots("".join(f"{text[:30]}: {text[:30]}\n" for _ in range(len(text) // 60))), 60_000),
        (_header, 50_000),
        (_sent_on, 4_096),
        (lambda text: decode(text.encode("utf-8", "replace"), None), 200_000),
    ],
    ids=["robots", "rules", "directives", "headers", "refresh", "charset"],
)
def test_what_comes_with_a_page_is_read_in_linear_time(read: Callable[[str], Any], largest: int) -> None:
    found = {flood: superlinear(read, make, doublings(largest)) for flood, make in texts(robots, headers, document)}
    assert not {flood: times for flood, times in found.items() if times}


def _guard(html: bytes) -> None:
    markup_guard._is_cheap(html)


def _parse(html: bytes) -> None:
    LexborHTMLParser(html)


@pytest.mark.parametrize("before", ["", "<svg><title>"])
def test_markup_is_guarded_and_parsed_in_linear_time(before: str) -> None:
    found: dict[str, str | None] = {}
    for place, mark in enumerate(MARKS[: 24 if before else None]):
        make = lambda size, mark=mark: marked(before, mark, size)  # noqa: E731
        found[f"guard {mark}"] = superlinear(_guard, make, doublings(200_000))
        found[f"parse {mark}"] = superlinear(_parse, lambda size, make=make: bounded(make(size)), doublings(80_000))
        if not before and place % 2:
            found[f"write {mark}"] = superlinear(plain, make, doublings(40_000))
    assert not {mark: times for mark, times in found.items() if times}


@pytest.mark.parametrize("seed", range(3))
def test_tag_soup_is_parsed_in_linear_time_and_not_deep(seed: int) -> None:
    found: dict[str, str | None] = {}
    for number in range(12):
        make = lambda size, number=number: soup(random.Random(seed * 1_000 + number), size)  # noqa: E731
        html = bounded(make(200_000))
        assert cpu(lambda html=html: LexborHTMLParser(html)) < BASE_S * 200, (seed, number)  # type: ignore[misc]
        found[str(number)] = superlinear(_parse, lambda size, make=make: bounded(make(size)), doublings(200_000))
    assert not {number: times for number, times in found.items() if times}


@pytest.mark.parametrize(
    "mark", [mark for mark in MARKS if mark.startswith(("<a h", "<im", "<me", "<div", "<li", "<p>"))]
)
def test_links_and_layout_are_read_in_linear_time(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (document, markup):
        monkeypatch.setattr(module, "bounded", lambda html: html)

    def read(html: bytes) -> None:
        page = Document(make_page(html))
        _ = page.lines, page.links, page.graph.addresses, page.title, page.metas
        links.links_of(Markup(html), "https://acme.com/", lambda netloc: True, set(), set())

    assert superlinear(read, lambda size: plain(marked("", mark, size)), doublings(100_000)) is None


def _findings(number: int, text: Callable[[int], str]) -> list[Finding]:
    """Findings of all fields that a company settles, each different, on many pages."""
    pages = [Document(make_page("<p>x", path=f"/{place}")) for place in range(10)]
    fields = ("name_vote", "legal_vote", "description", "phone", "fax", "language", "prose", "social:x", "logo_url")
    found = []
    for place in range(number // (len(fields) + 3)):
        page, said = pages[place % 10], text(60)[: 20 + place % 40] + f" {place}"
        found += [page.found(field, said, "text", 0.5 + place % 7 / 20) for field in fields]
        found.append(page.found("email", f"info{place}@acme{place}.com", "text", 0.8))
        found.append(page.found("founded", str(1900 + place % 100), "text", 0.7))
        address = {"street": said, "city": said, "region": None, "postcode": f"{place:05}", "country": None}
        found.append(page.found("address", address, "text", 0.7))
    return found


@pytest.mark.parametrize("flood", ["Acme Tools Ltd ", "020 7946 ", "a", "é ", "株式会社", "1", "& ", "- "])
def test_a_company_is_settled_in_linear_time(flood: str) -> None:
    def settle(findings: list[Finding]) -> None:
        company_row.settle(make_company(), findings, NOW)

    assert superlinear(settle, lambda size: _findings(size, lambda n: repeated("", flood, n)), doublings(8_000)) is None


@pytest.mark.parametrize("name", ENRICHERS.names)
def test_an_enricher_settles_many_findings_in_linear_time(name: str) -> None:
    enricher = ENRICHERS.load(name)
    row = company_row.settle(make_company(), _findings(24, lambda n: "Acme"), NOW)
    page = telling_page()
    seen = list(enricher.look(page))
    assert seen

    def findings(size: int) -> list[Finding]:
        pages = [page.ref._replace(url=f"https://acme.com/{number}") for number in range(50)]
        return [(seen[place % len(seen)])._replace(page=pages[place % 50]) for place in range(size)]

    assert superlinear(lambda found: enricher.settle(row, found), findings, doublings(40_000)) is None


def telling_page() -> Document:
    """A page on which every enricher sees something."""
    return Document(
        make_page(
            "<title>Plumbing and software</title><p>We are a team of 40 people and 12 engineers. Plumbing, heating, "
            "bakery, software development<script src='https://js.stripe.com/v3/'></script>"
        )
    )


def test_whose_page_it_is_is_told_in_linear_time() -> None:
    def judged(text: str) -> Any:
        html = f"<title>{text[:300]}</title><h1>coming soon</h1><p>{text}<a href='mailto:{text[:90]}'>{text[:90]}</a>"
        return judge(Answer("https://acme.example/", "acme.example", 200, {}, Markup(html.encode("utf-8", "replace"))))

    found = {flood: superlinear(judged, make, doublings(90_000)) for flood, make in texts(page_shape)}
    assert {flood: wrong for flood, wrong in found.items() if wrong} == {}
