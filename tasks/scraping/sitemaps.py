"""Sitemaps: which pages and which further sitemaps one names, in any of its forms, packed or not.

Everything here is pure and bounded: a sitemap is a file of somebody else's, of any size, nested in any way. Entities
are never resolved and nothing is loaded for it (Scrapy's parser is told so).
"""

from __future__ import annotations

import heapq
import html
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import urljoin

from scrapy.utils.sitemap import Sitemap

from extraction.page_words import ARTICLES, KINDS
from tasks.scraping.links import MAX_HREF, Link, cost, page_at

#: So much of a sitemap is read, bytes after unpacking. What is cut off is lost, what stands before it is not.
MAX_UNPACKED = 4_000_000
#: Addresses looked at in one sitemap; pages remembered of it.
MAX_ADDRESSES = 3_000
#: Tags and attributes that the parser gets to see: each takes it a hundred bytes.
MAX_NODES = 100_000
MAX_PAGES = 100

_GZIP = b"\x1f\x8b"
_NODES = re.compile(rb"[<=]")
_ROOT = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:urlset|sitemapindex)\b")
#: What may stand before the root: declarations, comments, and what a server says that should not speak.
MAX_PROLOG = 65_536
_DECLARED = re.compile(r"\s{0,99}<\?xml[^>]{0,200}>")
#: A feed names pages, too; most are articles.
_FEED = re.compile(rb"<(?:rss|feed|rdf:RDF)\b")
_ENTRY = re.compile(
    rb"<link\b(?:[^<>]{0,300}?\bhref\s?=\s?[\"']([^\"'<>]{1,1000})|[^<>]{0,99}>\s{0,99}([^<>\s]{1,1000}))"
)
#: Words in the names of sitemaps that hold a site's own pages; those of `_LATER` hold anything but.
_FIRST = frozenset("page pages seite seiten static main general misc pagina paginas paginas content company".split())
_LATER = ARTICLES | frozenset(
    "product products produkt produkte produits productos image images video videos categories product_cat media "
    "author authors users attachment portfolio shop item items collections".split()
)
_WORD = re.compile(r"[a-z]+")


class Named(NamedTuple):
    """What a sitemap names: addresses of pages, and of further sitemaps, those with a site's own pages first."""

    pages: list[str]
    sitemaps: list[str]


def read(body: bytes) -> Named:
    """The addresses in a sitemap: an index or a list, as XML or text, plain or gzip (which its content says)."""
    text = _unpacked(body)
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = _DECLARED.sub("", text.decode("utf-16", "replace"), count=1).lstrip().encode("utf-8", "replace")
    text = text.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] == b"<":
        prolog = text[:MAX_PROLOG]
        if root := _ROOT.search(prolog):
            return _of_xml(text if prolog.startswith((b"<?", b"<!")) else text[root.start() :])
        entries = _ENTRY.finditer(text) if _FEED.search(prolog[:1_000]) else iter(())
        return Named(
            [html.unescape((e[1] or e[2]).decode("utf-8", "replace")) for e in islice(entries, MAX_ADDRESSES)], []
        )
    return Named([*islice(_lines(text), MAX_ADDRESSES)], [])


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        return body[:MAX_UNPACKED]
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MAX_UNPACKED)
    except zlib.error:
        return b""


def _of_xml(text: bytes) -> Named:
    beyond = next(islice(_NODES.finditer(text), MAX_NODES, None), None)
    try:
        sitemap = Sitemap(text[: beyond.start()] if beyond else text)
        found = [entry["loc"] for entry in islice(sitemap, MAX_ADDRESSES) if 0 < len(entry["loc"]) <= MAX_HREF]
    except (SyntaxError, StopIteration):  # what lxml raises is one, too
        return Named([], [])
    return Named([], sorted(found, key=_rank)) if sitemap.type == "sitemapindex" else Named(found, [])


def _lines(text: bytes) -> Iterator[str]:
    for line in map(bytes.strip, text.splitlines()):
        if line.startswith((b"http://", b"https://")) and len(line) <= MAX_HREF:
            yield line.decode("utf-8", "replace")


def _rank(address: str) -> int:
    words = set(_WORD.findall(address.rpartition("/")[2].lower()))
    return 0 if words & _FIRST else 2 if words & _LATER else 1


def pages_of(named: Named, base: str, ours: Callable[[str], bool], known: Collection[str]) -> list[Link]:
    """The company's pages among those that a sitemap names, the most telling first, at most `MAX_PAGES`."""
    links = {link.key: link for address in named.pages if (link := page_at(address, base, ours))}
    fresh = (link for key, link in links.items() if key not in known)
    return heapq.nsmallest(MAX_PAGES, fresh, key=_telling)


def sitemap_at(address: str, base: str) -> str | None:
    """The address of a sitemap as another or robots.txt names it, or None when it is none."""
    try:
        url = urljoin(base, address.strip())
    except ValueError:
        return None
    return url if url.startswith(("http://", "https://")) and len(url) <= MAX_HREF and "@" not in url else None


def _telling(link: Link) -> tuple[int, int, int]:
    order = KINDS.index(link.kind) if link.kind in KINDS else len(KINDS)
    return order, -link.strength, cost(link)
