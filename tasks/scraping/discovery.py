"""Pages of a company that no link led to: those its sitemaps name, then paths where many sites have such a page.

Both are asked only where links gave no way to contact or imprint (sitemaps also for a large number of pages), within
bounds of number, depth, size and time: a site that names sitemaps without end is asked for a few of them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from urllib.parse import urlsplit

from extraction.page_keys import page_key
from extraction.page_words import PHRASES, WELL_KNOWN, WELL_KNOWN_BY_DOMAIN, fold, words_of
from tasks.scraping.links import Link, kind_of_words
from tasks.scraping.sitemaps import Named, sitemap_at

#: Sitemaps asked of one company, how deep indexes may be nested, and how long after the first any is asked, seconds.
MAX_SITEMAPS = 6
MAX_DEPTH = 3
SITEMAPS_S = 15.0
#: So many pages are worth a look into the sitemaps whatever links gave.
MANY_PAGES = 12
#: So many links that led to nothing are, too: the site itself knows which of its pages there are.
MANY_MISSES = 3
#: Kinds without which a site's links are not trusted to show all that matters.
NEEDED = ("contact", "imprint")

_LANGUAGE = re.compile(rb"<html\b[^>]{0,400}?\blang\s{0,5}=\s{0,5}[\"']?([a-z]{2})\b", re.IGNORECASE)
_HEADING = re.compile(rb"<(title|h1|h2)\b[^>]{0,300}>(.{1,300}?)</\1", re.IGNORECASE | re.DOTALL)
_LINKED = re.compile(
    rb"<link\b(?=[^<>]{0,400}?\brel\s?=\s?[\"']?sitemap\b)[^<>]{0,400}?\bhref\s?=\s?[\"']?([^\"'\s<>]{1,900})",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]{0,300}>")
_PART = re.compile(r"[|»«·•:]| [-–—] ")
#: So many words of a heading are looked at.
MOST_WORDS = 16
#: So much of a page is looked at for these.
_TOP = 60_000


class Discovery:
    """The sitemaps of one company that may still be asked, and the paths that may be tried."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, int]] = []
        self._met: set[str] = set()
        self._asked = 0
        self._begun: float | None = None
        self._linked: list[str] = []
        #: Whether a sitemap named anything.
        self._is_fruitful = False
        self._language = "en"
        self._ending = ""

    def home(self, url: str, html: bytes, links: Iterable[Link]) -> None:
        """The home page arrived, with its links: which language its paths may be in, and how addresses end there."""
        found = _LANGUAGE.search(html[:_TOP])
        self._linked = [link[1].decode("utf-8", "replace") for link in islice(_LINKED.finditer(html[:_TOP]), 3)]
        named = found[1].decode("ascii").lower() if found else ""
        by_domain = WELL_KNOWN_BY_DOMAIN.get((urlsplit(url).hostname or "").rpartition(".")[2], "en")
        self._language = named if named in WELL_KNOWN else by_domain
        endings = [link.url.rpartition("/")[2].rpartition(".")[2] for link in links if link.url.endswith(_ENDINGS)]
        self._ending = "." + max(endings, key=endings.count) if endings else ""

    def begin(self, home: str, named: Iterable[str]) -> None:
        """Look into the sitemaps that robots.txt names, or where one lies by custom. Only the first call counts."""
        if self._begun is not None:
            return
        self._begun = time.monotonic()
        self._add([*named, *self._linked] or ["/sitemap.xml"], home, 1)

    def by_custom(self, home: str) -> None:
        """Look where a sitemap lies by custom, too, once those that were named gave nothing or are another site's."""
        if not self._is_fruitful:
            self._add(["/sitemap.xml"], home, 1)

    @property
    def begun(self) -> bool:
        """Whether sitemaps were asked for."""
        return self._begun is not None

    def _add(self, addresses: Iterable[str], base: str, depth: int) -> None:
        for address in addresses:
            url = sitemap_at(address, base)
            if url is not None and url not in self._met and len(self._waiting) < MAX_SITEMAPS:
                self._met.add(url)
                self._waiting.append((url, depth))

    def next_sitemaps(self, ours: Callable[[str], bool], most: int) -> list[tuple[str, int]]:
        """The sitemaps to ask for now, with their depths; they count as asked."""
        chosen: list[tuple[str, int]] = []
        while self._waiting and len(chosen) < most and self._asked < MAX_SITEMAPS:
            if time.monotonic() - (self._begun or 0.0) > SITEMAPS_S:
                break
            url, depth = self._waiting.pop(0)
            if ours(urlsplit(url).netloc):
                self._asked += 1
                chosen.append((url, depth))
        return chosen

    def take(self, named: Named, base: str, depth: int) -> None:
        """A sitemap arrived; what further ones it names may be asked for."""
        self._is_fruitful = self._is_fruitful or bool(named.pages)
        if depth < MAX_DEPTH:
            self._add(named.sitemaps[:MAX_SITEMAPS], base, depth + 1)

    def guesses(self, home: str, kind: str) -> list[Link]:
        """Where a page of a kind lies on many sites of the company's language, the likeliest first."""
        paths = WELL_KNOWN[self._language].get(kind, ())
        parts = urlsplit(home)
        urls = [f"{parts.scheme}://{parts.netloc}{path}{self._ending}" for path in paths]
        return [Link(url, page_key(url), kind, 1) for url in urls]


_ENDINGS = (".html", ".htm", ".php", ".aspx", ".asp")


def is_of_kind(html: bytes, charset: str | None, kind: str) -> bool:
    """Whether a page says by its title or a heading that it is of a kind: a site may answer any path with some page."""
    return any(kind_of_words(part)[0] == kind for text in _headings(html, charset) for part in _PART.split(text))


def mentions_kind(html: bytes, charset: str | None, kind: str) -> bool:
    """Whether its title or a heading has words for a kind, whatever else it says."""
    for text in _headings(html, charset):
        words = words_of(fold(text))[:MOST_WORDS]
        if any(PHRASES.get(" ".join(words[at : at + size])) == kind for size in (1, 2, 3) for at in range(len(words))):
            return True
    return False


def _headings(html: bytes, charset: str | None) -> Iterator[str]:
    for found in _HEADING.finditer(html[:_TOP]):
        try:
            text = found[2].decode(charset or "utf-8", "replace")
        except LookupError:
            text = found[2].decode("utf-8", "replace")
        yield _TAG.sub(" ", text)
