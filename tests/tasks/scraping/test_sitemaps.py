"""Sitemaps: read in each form, within bounds whatever they hold; and pages that no link led to."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scraping import sitemaps
from tasks.scraping.links import site_of
from tasks.scraping.sitemaps import pages_of, read
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import Asked, HostileServer, redirect, send

NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*addresses: str, around: str = "urlset", entry: str = "url") -> bytes:
    entries = "".join(f"<{entry}><loc>{address}</loc></{entry}>" for address in addresses)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{around} {NS}>{entries}</{around}>'.encode()


def index(*addresses: str) -> bytes:
    return urlset(*addresses, around="sitemapindex", entry="sitemap")


A, B = "https://acme.example/a", "https://acme.example/b?x=1&amp;y=2"


@pytest.mark.parametrize(
    "body",
    [
        urlset(A, B),
        gzip.compress(urlset(A, B), mtime=0),
        b"\xef\xbb\xbf \n" + urlset(A, B),
        urlset(A, B)[:-14],  # cut off
        gzip.compress(urlset(A, B), mtime=0)[:-6],
        urlset(A, B).replace(b"<loc>", b"<loc>\n  "),
        urlset(A, B)
        .replace(b"<", b"<s:")
        .replace(b"<s:/", b"</s:")
        .replace(b"<s:?", b"<?")
        .replace(b"xmlns", b"xmlns:s"),
        b"https://acme.example/a\r\n\r\n https://acme.example/b?x=1&y=2 \nnonsense\n/relative\n",
        urlset(A, B).replace(b"UTF-8", b"UTF-16").decode().encode("utf-16"),
        b"<br />\n<b>Warning</b>: in map.php\n" + urlset(A, B),
        urlset(A, B).replace(b"?>", b"?><!-- " + b"x" * 6_000 + b" -->", 1),
        b"<rss><channel><item><link>https://acme.example/a</link></item><item><link>\n"
        + B.encode()
        + b"</link></item>",
        b"<feed><entry><link rel='alternate' href='https://acme.example/a'/></entry><link href='%s'/>" % B.encode(),
        gzip.compress(b"https://acme.example/a\nhttps://acme.example/b?x=1&y=2", mtime=0),
    ],
)
def test_each_form_of_a_sitemap_is_read(body: bytes) -> None:
    named = read(body)
    assert (named.pages, named.sitemaps) == (["https://acme.example/a", "https://acme.example/b?x=1&y=2"], [])


def test_an_index_names_the_sitemaps_with_a_sites_own_pages_first() -> None:
    names = ("post-sitemap.xml", "product-sitemap2.xml", "x.xml.gz", "page-sitemap.xml")
    assert read(index(*names)).sitemaps == ["page-sitemap.xml", "x.xml.gz", "post-sitemap.xml", "product-sitemap2.xml"]


BOMB = (
    b'<!DOCTYPE u [<!ENTITY a "'
    + b"x" * 1_000
    + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 50) for n in range(8))
    + b"]>"
)


def test_a_sitemap_of_many_tags_or_attributes_is_read_as_far_as_there_is_room() -> None:
    first = b"<url><loc>https://acme.example/contact</loc></url>"
    many = b"".join(b' a%x=""' % n for n in range(sitemaps.MAX_NODES))
    for body in (first + b"<a/>" * 10 * sitemaps.MAX_NODES, first + b"<a" + many + b"/>"):
        later = b"<url><loc>https://acme.example/later</loc></url></urlset>"
        assert read(b"<urlset>" + body + later).pages == ["https://acme.example/contact"]


@pytest.mark.parametrize(
    "body",
    [
        BOMB + urlset("https://acme.example/&i;"),
        b'<!DOCTYPE u [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + urlset("https://acme.example/&a;"),
        b"<urlset>" + b"<url>" * 400_000,
        b"<urlset>" + b"<url><loc>" * 200_000,
        b"<urlset " + b"a='1' " * 300_000 + b">",
        b"<urlset>" + b"<url><loc>https://acme.example/p</loc></url>" * 90_000,
        b"<urlset>" + b"&x;" * 1_000_000,
        gzip.compress(b"<urlset>" + b"\0" * 50_000_000, mtime=0),
        gzip.compress(b"https://acme.example/p\n" * 2_500_000, mtime=0),
        b"https://acme.example/p\n" * 90_000,
        b"http" * 500_000,
        b"<rss>" + b"<link " * 600_000,
        b"<rss>" + b"<link>" * 600_000,
    ],
)
def test_a_sitemap_made_to_be_slow_is_bounded(body: bytes) -> None:
    started = time.process_time()
    named = read(body)
    assert time.process_time() - started < 2
    assert len(named.pages) <= sitemaps.MAX_ADDRESSES
    assert not any("root:" in address or len(address) > 1_000 for address in named.pages)


@given(st.binary(max_size=300), st.sampled_from([b"", b"<urlset>", b"<sitemapindex>", b"\x1f\x8b\x08", b"http://"]))
def test_any_bytes_are_a_sitemap(body: bytes, start: bytes) -> None:
    read(start + body)


def test_the_companys_telling_pages_are_kept_of_it() -> None:
    others = [f"https://acme.example/ware/item-{n}" for n in range(2_000)]
    named = read(
        urlset("https://elsewhere.example/kontakt", *others, "/impressum", "https://www.acme.example/kontakt.html")
    )
    links = pages_of(named, "https://acme.example/sitemap.xml", lambda host: site_of(host) == "acme.example", ())
    assert [link.kind for link in links[:3]] == ["contact", "imprint", "other"]
    assert len(links) == sitemaps.MAX_PAGES


MENU = b"<html lang=de><title>Rohde</title><h1>Rohde</h1><button onclick='menu()'>=</button><a href='/x.html'>x</a>"
CONTACT = b"<title>Kontakt | Rohde</title><h1>Kontakt</h1><p>Tel. 030 1234567"


class Site:
    """A site by its answers; whatever it does not have is not found."""

    def __init__(self, server: HostileServer, monkeypatch: pytest.MonkeyPatch, **answers: object) -> None:
        self.server = server
        self.answers: dict[str, object] = {"/": MENU}
        monkeypatch.setitem(hostile_server.BEHAVIOURS, "robots-site", self)  # type: ignore[arg-type]

    __name__ = "robots_site"

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        answer = self.answers.get(asked.path)
        if answer is None:
            send(writer, b"<title>Nicht gefunden</title>", 404)
        elif isinstance(answer, str):
            redirect(writer, answer)
        else:
            kind = "application/octet-stream" if "map" in asked.path else "text/html"
            send(writer, answer, kind=kind)  # type: ignore[arg-type]

    def url(self, path: str) -> str:
        return self.server.url("robots-site", path)

    @property
    def paths(self) -> list[str]:
        return self.server.paths("robots-site")


@pytest.fixture
def site(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(server, monkeypatch)


def test_a_contact_page_that_only_an_index_of_packed_sitemaps_names_is_found(crawl: Crawl, site: Site) -> None:
    site.answers |= {
        "/robots.txt": f"Sitemap: {site.url('/index-map')}\nUser-agent: *\nDisallow: /intern\n".encode(),
        "/index-map": index(site.url("/map-a"), site.url("/map-b"), "http://elsewhere.example/map"),
        "/map-a": gzip.compress(urlset(site.url("/kontakt.html"), site.url("/intern")), mtime=0),
        "/map-b": urlset(site.url("/x.html")),
        "/kontakt.html": CONTACT,
        "/x.html": MENU,
    }
    crawled = crawl("robots-site")
    assert sorted(crawled.kinds()) == ["contact", "home", "other"]
    assert "robots.txt forbids /intern" in crawled.page_errors()
    assert "/sitemap.xml" not in site.paths


def test_a_sitemap_where_it_lies_by_custom_is_read_once_links_gave_no_contact(crawl: Crawl, site: Site) -> None:
    site.answers |= {"/sitemap.xml": site.url("/real-map"), "/kontakt": CONTACT}
    site.answers["/real-map"] = urlset(site.url("/kontakt"))
    assert crawl("robots-site").kinds() == ["home", "contact"]
    site.answers["/"] = b"<a href=/kontakt>Kontakt</a>"
    site.server.asked.clear()
    assert crawl("robots-site").kinds() == ["home", "contact"]
    assert "/sitemap.xml" not in site.paths
    crawl("robots-site", max_pages=20)
    assert "/sitemap.xml" in site.paths


@pytest.mark.parametrize("named", ["http://elsewhere.example/map", "/gone", "/x.html"])
def test_a_sitemap_that_gives_nothing_leaves_the_one_by_custom(crawl: Crawl, site: Site, named: str) -> None:
    site.answers |= {"/robots.txt": f"Sitemap: {named}".encode(), "/x.html": MENU}
    site.answers["/sitemap.xml"] = urlset(site.url("/kontakt/n4.html"))
    site.answers["/kontakt/n4.html"] = CONTACT
    assert "contact" in crawl("robots-site").kinds()


def test_a_sitemap_is_found_by_the_home_pages_link(crawl: Crawl, site: Site) -> None:
    link = b"<link rel=sitemap type='application/xml' href='/map-of-site'>"
    site.answers |= {"/": link + MENU, "/map-of-site": urlset("/kontakt/n4.html"), "/kontakt/n4.html": CONTACT}
    assert "contact" in crawl("robots-site").kinds()
    assert "/sitemap.xml" not in site.paths


def test_links_that_lead_to_nothing_make_the_sitemap_worth_a_look(crawl: Crawl, site: Site) -> None:
    links = "".join(f"<a href='/old-{n}'>old {n}</a>" for n in range(80))
    site.answers |= {
        "/": f"<html lang=de><a href=/kontakt>Kontakt</a>{links}".encode(),
        "/kontakt": b"<h1>Kontakt</h1>",
        "/sitemap.xml": urlset(site.url("/kontakt"), site.url("/neu")),
        "/neu": b"<p>new",
    }
    crawled = crawl("robots-site")
    assert crawled.kinds() == ["home", "contact", "other"]
    assert len(site.paths) < 50  # of 80 dead links only so many are tried


def test_sitemaps_without_end_end(crawl: Crawl, site: Site) -> None:
    for n in range(40):
        site.answers[f"/map-{n}"] = index(*(site.url(f"/map-{m}") for m in range(40)))
    site.answers["/robots.txt"] = "".join(f"Sitemap: {site.url(f'/map-{n}')}\n" for n in range(30)).encode()
    crawled = crawl("robots-site")
    assert sum(path.startswith("/map-") for path in site.paths) == 6
    assert crawled.result.errors == [error for error in crawled.result.errors if error["status"] == 404]


def test_well_known_paths_are_tried_last_and_only_believed_when_they_say_so(crawl: Crawl, site: Site) -> None:
    site.answers |= {"/kontakt": CONTACT}
    crawled = crawl("robots-site")
    assert crawled.kinds() == ["home"]  # its other addresses end in .html
    assert {"/sitemap.xml", "/kontakt.html", "/impressum.html"} <= set(site.paths)
    site.answers |= {"/": b"<html lang=de><title>Rohde</title>", "/impressum": b"<title>Rohde</title><p>oops"}
    crawled = crawl("robots-site")
    assert (crawled.kinds(), crawled.result.errors) == (["home", "contact"], [])
    assert "/impressum" in site.paths


def test_a_site_that_answers_any_path_alike_has_one_page(crawl: Crawl, site: Site) -> None:
    shell = b"<html lang=de><title>Kontakt zu Rohde</title><div id=app></div>"
    site.answers |= dict.fromkeys(("/", "/kontakt", "/impressum", "/sitemap.xml"), shell)
    crawled = crawl("robots-site")
    assert (crawled.kinds(), crawled.result.errors) == (["home"], [])


def test_a_company_of_which_enough_is_known_is_asked_no_more_and_the_ledger_says_so(crawl: Crawl, site: Site) -> None:
    known = "<p>info@acme.example</p><p>Phone: (512) 555-0147</p>"
    names = {"/contact": "Contact", "/imprint": "Imprint", "/about": "About us"}
    menu = "".join(f"<a href='{path}'>{name}</a>" for path, name in (*names.items(), ("/z1", "z1"), ("/z2", "z2")))
    site.answers["/"] = f"<title>Acme</title>{menu}{known}".encode()
    site.answers |= {path: f"<title>{name}</title><h1>{name}</h1>{known}".encode() for path, name in names.items()}
    crawled = crawl("robots-site", max_pages=10)
    assert sorted(crawled.kinds()) == ["about", "contact", "home", "imprint"]
    left_out = {entry["url"]: entry["reason"] for entry in crawled.result.ledger if entry["outcome"] == "left_out"}
    assert left_out == dict.fromkeys((site.url("/z1"), site.url("/z2")), "nothing more was expected of further pages")


def test_pages_that_do_not_exist_take_no_place(crawl: Crawl, site: Site) -> None:
    dead = "".join(f"<a href='/d{n}'>d</a>" for n in range(12))
    site.answers |= {"/": f"<a href=/contact>c</a>{dead}<a href='/longer/alive'>a</a>".encode()}
    site.answers |= {"/contact": b"c", "/longer/alive": b"a"}
    assert crawl("robots-site", max_pages=3).kinds() == ["home", "contact", "other"]
