"""What a link leads to, which links are ours, and which page is taken next."""

from __future__ import annotations

import time
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.markup import Markup
from extraction.page_keys import page_key
from extraction.page_words import KINDS
from tasks.scraping.expectation import Expectation
from tasks.scraping.links import Link, choose, classify, links_of, rooted, site_of

BASE = "https://acme.example"


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/contact", "", "contact"),
        ("/contact-us.html", "", "contact"),
        ("/de/kontakt/", "Kontakt", "contact"),
        ("/kontaktformular", "", "contact"),
        ("/nous-contacter", "", "contact"),
        ("/contacto.php", "", "contact"),
        ("/contatti", "", "contact"),
        ("/fale-conosco", "", "contact"),
        ("/p/17", "Get in touch", "contact"),
        ("/p/17", "Kontakta oss", "contact"),
        ("/p/17", "お問い合わせ", "contact"),
        ("/p/17", "Контакты", "contact"),
        ("/impressum", "", "imprint"),
        ("/rechtliches/impressum.html", "", "imprint"),
        ("/mentions-legales", "", "imprint"),
        ("/mentions-l%C3%A9gales", "", "imprint"),
        ("/aviso-legal", "", "imprint"),
        ("/p?id=4", "Impressum", "imprint"),
        ("/about", "", "about"),
        ("/aboutus.aspx", "", "about"),
        ("/ueber-uns", "", "about"),
        ("/%C3%BCber-uns", "", "about"),
        ("/unternehmen/", "Über uns", "about"),
        ("/qui-sommes-nous", "", "about"),
        ("/quienes-somos", "", "about"),
        ("/chi-siamo", "", "about"),
        ("/over-ons", "", "about"),
        ("/quem-somos", "", "about"),
        ("/o-nas", "", "about"),
        ("/om-oss", "", "about"),
        ("/x", "Om os", "about"),
        ("/x", "会社概要", "about"),
        ("/company/history-and-roots", "", "about"),
        ("/team", "", "team"),
        ("/about/leadership", "", "team"),
        ("/notre-equipe", "", "team"),
        ("/careers", "", "careers"),
        ("/jobs/senior-welder", "", "careers"),
        ("/karriere/offene-stellen", "", "careers"),
        ("/stellenangebote-2024", "", "careers"),
        ("/lavora-con-noi", "", "careers"),
        ("/lediga-jobb", "", "careers"),
        ("/vacatures", "", "careers"),
        ("/pricing", "", "pricing"),
        ("/preise", "", "pricing"),
        ("/cennik", "", "pricing"),
        ("/x", "Plans & pricing", "pricing"),
        ("/products", "", "products"),
        ("/leistungen/dachbau", "", "products"),
        ("/tjanster", "", "products"),
        ("/n/1", "Skontaktuj się z nami", "contact"),
        ("/n/1", "Elérhetőség", "contact"),
        ("/n/1", "Bize Ulaşın", "contact"),
        ("/n/1", "Зв'язатися з нами", "contact"),
        ("/n/1", "문의하기", "contact"),
        ("/n/1", "お問合わせ", "contact"),
        ("/n/1", "اتصل بنا", "contact"),
        ("/n/1", "ติดต่อเรา", "contact"),
        ("/n/1", "회사소개", "about"),
        ("/n/1", "Rechtliche Hinweise", "imprint"),
        ("/n/1", "Реквизиты", "imprint"),
        ("/n/1", "Impressum & Datenschutz", "imprint"),
        ("/service/kontakt-und-anfahrt.html", "", "contact"),
        ("/index.php?page=kontakt&lang=de", "", "contact"),
        ("/index.php?option=com_contact&view=item&id=1", "", "contact"),
        ("/index.php?id=17", "", "other"),
        ("/list?q=contact", "", "other"),
        ("/blog/contact", "Contact", "other"),  # an article's words are not the company's pages
        ("/blog/contact/lenses-are-great", "", "other"),
        ("/news/2024/about-us-in-the-press", "About us in the press", "other"),
        ("/how-to-contact-a-lawyer-about-your-team", "", "other"),
        ("/", "", "other"),
        ("/a/b", "Read more", "other"),
    ],
)
def test_kind_is_read_from_address_and_text(path: str, text: str, kind: str) -> None:
    assert classify(BASE + path, text)[0] == kind


def test_a_sure_address_outweighs_the_text() -> None:
    assert classify(BASE + "/impressum", "Contact")[0] == "imprint"
    assert classify(BASE + "/impressum", "Impressum")[1] > classify(BASE + "/impressum", "Contact")[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://www.acme.example/", "http://acme.example"),
        ("https://acme.example/a/", "https://acme.example/a"),
        ("https://acme.example/a/index.html", "https://acme.example/a/"),
        ("https://acme.example/a?utm_source=x", "https://acme.example/a"),
        ("https://acme.example:443/a", "http://acme.example:80/a"),
        ("/kontakt;jsessionid=1A2B?x=1", "/kontakt?x=1"),
        ("/kontakt?osCsid=1&x=1", "/kontakt?x=1&zenid=2"),
    ],
)
def test_spellings_of_one_page_have_one_key(one: str, other: str) -> None:
    assert page_key(one) == page_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://acme.example/a", "https://acme.example/b"),
        ("https://acme.example/?id=1", "https://acme.example/?id=2"),
        ("http://127.0.0.1:80/", "http://127.0.0.1:81/"),
    ],
)
def test_different_pages_have_different_keys(one: str, other: str) -> None:
    assert page_key(one) != page_key(other)


PAGE = """<html><head><base href="/sub/"></head><body>
<a href="contact.html">Contact</a> <a href="/impressum#top"><b>Impressum</b></a> <a href="/impressum">again</a>
<a href="mailto:x@acme.example">mail</a> <a href="JavaScript:void(0)">js</a> <a href="tel:+49">call</a>
<a href="#x">x</a>
<a href="/broschuere.PDF">PDF</a> <a href="/cart/">cart</a> <a href="/x?add-to-cart=4">buy</a>
<a href="https://other.example/about">elsewhere</a> <a href="//www.acme.example/about">About</a>
<a href="http://[broken/">broken</a> <a href="http://user:pw@acme.example/">login</a>
<a href="/known">known</a> <a href="/img"><img src=x alt="Careers"></a> <a href="/lab" aria-label="Our team"></a>
<a href="/"></a><a>none</a><frameset><frame src="/frame.htm"></frameset></body></html>"""


def _ours(netloc: str) -> bool:
    return site_of(netloc) == "acme.example"


def test_links_are_found_once_and_only_ours() -> None:
    links = links_of(Markup(PAGE.encode()), BASE + "/start", _ours, {"acme.example/known"}, set())
    assert {link.url.partition("example")[2]: link.kind for link in links} == {
        "/sub/contact.html": "contact",
        "/impressum": "imprint",
        "/about": "about",
        "/img": "careers",
        "/lab": "team",
        "/": "other",
    }


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ("<a href=/n><svg></svg><i title=Kontakt></i></a>", "contact"),
        ("<map><area href=/n alt=Impressum></map>", "imprint"),
        ("<button onclick=\"location.href='/n'\">Kontakt</button>", "contact"),
        ("<div onclick=\"window.open('/n', '_self')\"><b>Kontakt</b></div><i onclick='x'>", "contact"),
        ("<a href='/x'>x</a>" * 700 + "<a href=/n>Kontakt</a>", "contact"),
    ],
)
def test_links_are_found_however_they_are_made(html: str, kind: str) -> None:
    found = {link.url: link.kind for link in links_of(Markup(html.encode()), BASE + "/", _ours, (), set())}
    assert found[BASE + "/n"] == kind


def test_link_farm_is_bounded() -> None:
    html = "".join(f"<a href='/p{n}'>{n}</a>" for n in range(5_000))
    assert len(links_of(Markup(html.encode()), BASE, _ours, (), set())) == 600


def test_a_page_made_to_be_slow_to_parse_does_not_stop_the_crawl() -> None:
    deep = "<div>" * 60_000 + "</div>" * 60_000
    page = Markup(f"<a href='/a'>a</a>{deep}".encode())
    started = time.process_time()
    assert [link.url for link in links_of(page, BASE, _ours, (), set())] == [BASE + "/a"]
    assert time.process_time() - started < 5


def test_links_met_before_are_not_looked_at_again() -> None:
    met: set[str] = set()
    html = Markup(b"<a href='/a'>a</a><a href='b'>b</a><a href='https://acme.example/c'>c</a>")
    assert len(links_of(html, BASE + "/x/", _ours, (), met)) == 3
    assert links_of(html, BASE + "/x/other", _ours, (), met) == []
    assert [link.url for link in links_of(html, BASE + "/y/", _ours, (), met)] == [BASE + "/y/b"]


def test_site_keeps_shops_of_one_host_and_local_ports_apart() -> None:
    assert site_of("one.myshopify.com") != site_of("two.myshopify.com")
    assert site_of("www.acme.co.uk") == site_of("shop.acme.co.uk") == "acme.co.uk"
    assert site_of("127.0.0.1:81") != site_of("127.0.0.1:82")
    assert site_of("bad host") is None


def _links(*paths: str) -> list[Link]:
    return [Link(BASE + path, page_key(BASE + path), *classify(BASE + path)) for path in paths]


def _order(expected: Expectation, *paths: str, taken: tuple[str, ...] = ()) -> list[str]:
    return [link.url.removeprefix(BASE) for link in choose(_links(*paths), taken, 20, expected, any_kind=True)]


def test_each_kind_is_taken_once_in_order_then_the_rest() -> None:
    kinds = ("/products", "/about/values", "/about", "/impressum", "/kontakt", "/kontakt/berlin")
    assert _order(Expectation(), *kinds)[:4] == ["/kontakt", "/impressum", "/about", "/products"]
    rest = ("/en", "/blog/x", "/about/values", "/z", "/kontakt/berlin")
    assert _order(Expectation(), *rest, taken=("about", "contact")) == [
        *("/about/values", "/kontakt/berlin", "/z", "/blog/x", "/en")
    ]


def test_the_page_comes_first_that_tells_most_of_what_is_unknown() -> None:
    expected = Expectation()
    expected.take("home", b"<a href='mailto:info@acme.example'>mail</a> Tel. 030 1234567")
    assert _order(expected, "/kontakt", "/impressum", "/team")[:2] == ["/impressum", "/kontakt"]


def test_no_page_is_asked_for_that_tells_nothing_new() -> None:
    expected = Expectation()
    for kind in ("home", "contact", "imprint", "about"):
        expected.take(kind, b"<p>info@acme.example</p><p>Phone: (512) 555-0147</p>")
    assert _order(expected, "/z", "/y", "/careers", taken=("contact", "imprint", "about")) == ["/careers"]


def test_of_a_small_site_without_a_page_on_the_company_the_others_are_asked_for() -> None:
    expected = Expectation()
    for kind in ("home", "contact", "imprint"):
        expected.take(kind, b"<p>info@acme.example</p><p>Phone: (512) 555-0147</p>")
    assert _order(expected, "/buero", "/projekte", taken=("contact", "imprint")) == ["/buero", "/projekte"]
    assert _order(expected, *(f"/p{n}" for n in range(9)), taken=("contact", "imprint")) == []
    expected.take("about", b"<p>about us</p>")
    assert _order(expected, "/buero", "/projekte", taken=("contact", "imprint", "about")) == []


def test_unknown_kinds_wait_while_better_may_come() -> None:
    assert choose(_links("/z", "/y"), (), 5, Expectation(), any_kind=False) == []
    assert choose(_links("/team"), ("team",), 5, Expectation(), any_kind=False) == []
    assert len(choose(_links("/team", "/z", "/y"), (), 2, Expectation(), any_kind=True)) == 2


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_link_has_a_kind(path: str, text: str) -> None:
    try:
        kind, strength = classify(f"{BASE}/{path}", text)
    except ValueError:  # what urlsplit refuses, links_of skips
        return
    assert kind in (*KINDS, "other") and 0 <= strength <= 5


@given(
    st.sampled_from(
        ("http://acme.example", "https://a_b.acme.example:8443/x/y?q#f", "HTTP://Acme.example/", "x:/y", "")
    ),
    st.lists(
        st.sampled_from(("/", "a", "B_9", ".", "..", "~", "%41", "-", "?", "#", ";", ":", "\\", " ", "\t", "ü", "//"))
    ),
)
def test_addresses_are_joined_as_the_standard_library_does(base: str, parts: list[str]) -> None:
    for href in ("".join(parts), "/" + "".join(parts)):
        try:
            expected = urljoin(base, href)
        except ValueError:
            continue
        assert rooted(base, href) in (expected, None)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_page(body: bytes) -> None:
    links_of(Markup(body), BASE, _ours, (), set())
    links_of(Markup(b"<a href='" + body + b"'>x</a>"), BASE, _ours, (), set())
