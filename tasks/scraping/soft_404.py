"""Pages that are the same for every address: found by asking once for one that cannot be there.

A page that was chosen for what its address or its link promised, and that does not say so itself, is held back. The
company's host is then asked for a random address; what reads like the answer is no page. The home page under every
address is one, though: sites that scripts fill have nothing else.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from scrapy.http import Response

from extraction.budget import CpuBudget, TooCostlyError
from extraction.markup import Markup
from extraction.page_words import KINDS
from extraction.stand_ins.shape import plain
from leadmill.errors import ErrorCategory, ErrorCode
from tasks.scraping.answers import charset_in, markup_of, unusable
from tasks.scraping.discovery import mentions_kind
from tasks.scraping.failures import Fault

#: The kind of the request for an address that cannot be there.
PROBE = "probe"
#: Two pages are one when words of no more than so many characters differ, or of this share of all.
MAX_DIFFERING = 20
MAX_SHARE = 0.02
#: Characters of text compared.
_COMPARED = 40_000
#: An address or a telephone, as a word.
_REACHED = re.compile(r"@|(?:\d\D?){4}")
#: An own name of fewer characters is in words of any kind.
_LEAST_NAME = 4
#: Headings compared.
_HEADINGS = 40
#: A nonce, a time, the key of a session.
_KEY = re.compile(r"\b(?=[a-f-]{0,40}\d)[0-9a-f-]{8,64}\b|\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\b")

SAME_PAGE = Fault(
    ErrorCategory.DATA,
    "the page is the same as for an address that does not exist",
    status=200,
    code=ErrorCode.SOFT_404,
)


class SameEverywhere:
    """Of one company: which pages are in doubt, and what an address shows that does not exist."""

    def __init__(self) -> None:
        #: Pages that wait for the answer.
        self._held: list[Response] = []
        self._home: Response | None = None
        self._seen: set[str] = set()
        self._asked = self._answered = False
        self._shown: _Look | None = None
        #: Headings of that page which the home page has not.
        self._headings: frozenset[str] = frozenset()

    def holds_back(self, response: Response) -> bool:
        """Whether a page has to wait until it is known what an unknown address shows; it is kept then."""
        if response.meta["kind"] == "home":
            self._home = self._home or response
            return False
        if self._answered or not self._doubts(response):
            return False
        self._held.append(response)
        return True

    def _doubts(self, response: Response) -> bool:
        digest = response.meta["digest"]
        if self._home is None or digest == self._home.meta["digest"]:
            return False
        again = digest in self._seen
        self._seen.add(digest)
        kind = response.meta["kind"]
        return again or (kind in KINDS and not mentions_kind(response.body, charset_in(response), kind))

    def probe(self) -> str | None:
        """An address beside the page held back that cannot be there; None when one was asked for before."""
        if self._asked:
            return None
        self._asked = True
        parts = urlsplit(self._held[-1].url)
        folder, _, last = parts.path.rpartition("/")
        _, dot, ending = last.rpartition(".")
        return urlunsplit(parts._replace(path=f"{folder}/{secrets.token_hex(8)}{dot}{ending if dot else ''}", query=""))

    def settle(self, response: Response | None, budget: CpuBudget) -> list[Response]:
        """Learn what the address showed, and give the pages that waited for it.

        Args:
            response: None where nothing was answered.
        """
        self._answered = True
        if response is not None and unusable(response) is None:
            with suppress(TooCostlyError), budget:
                shown, home = _look_at(response), None if self._home is None else _look_at(self._home)
                if home is None or not _alike(shown, home):
                    self._shown = shown
                    self._headings = shown.headings - home.headings if home is not None else frozenset()
        held, self._held, self._home = self._held, [], None
        return held

    def forget(self) -> None:
        """The company is done: its home page need not be held any more."""
        self._home = None

    @property
    def knows(self) -> bool:
        """Whether it is known what every address shows."""
        return self._shown is not None

    def is_one(self, page: Markup, url: str) -> bool:
        """Whether a page is what every address shows."""
        if self._shown is None:
            return False
        look = _look(page, url)
        if _alike(look, self._shown):
            return True
        # Below the same headings may stand others of the site's goods each time; how somebody is reached is no such.
        said = look.words - self._shown.words
        return bool(self._headings) and look.headings == self._shown.headings and not any(map(_REACHED.search, said))


class _Look(NamedTuple):
    """What a page shows, as far as it tells it from others."""

    #: Without keys that are made anew each time.
    words: frozenset[str]
    #: Title and headings.
    headings: frozenset[str]
    #: What the page's own address ends with, with ending and without.
    names: tuple[str, ...]


def _look_at(response: Response) -> _Look:
    return _look(markup_of(response), response.url)


def _look(page: Markup, url: str) -> _Look:
    text = plain(page.text[:_COMPARED])
    headings = (plain(node.text(separator=" ")[:300]) for node in page.shown.css("h1,h2,h3")[:_HEADINGS])
    last = plain(unquote(urlsplit(url).path.rpartition("/")[2]))
    names = tuple(name for name in (last, last.rpartition(".")[0]) if len(name) >= _LEAST_NAME)
    return _Look(frozenset(_KEY.sub(" ", text).split()), frozenset(headings) - {""}, names)


def _alike(one: _Look, other: _Look) -> bool:
    names = one.names + other.names
    differing = sum(len(word) for word in one.words ^ other.words if not any(name in word for name in names))
    return differing <= max(MAX_DIFFERING, MAX_SHARE * sum(map(len, one.words | other.words)))
