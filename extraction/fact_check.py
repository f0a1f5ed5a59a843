"""Whether what a fact says of its page is so: its quote stands there, at its place, and holds the value."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from extraction.document import Document
from extraction.structured import Node
from extraction.text import squash

Fact = Mapping[str, Any]

#: What can be wrong with a fact, as it is told.
NO_SOURCE = "names no page"
NO_QUOTE = "its quote stands nowhere in the page"
ELSEWHERE = "its quote stands elsewhere in the page"
NO_NODE = "the page declares no such node"
NO_WORDS = "its words stand nowhere in the page"
NO_VALUE = "its quote does not hold the value"
#: Ways of reading that quote the value itself; a link's line may say "call us", a cloak shows other letters.
_VERBATIM = frozenset({"text", "imprint", "json-ld", "microdata"})
#: Letters and digits that are worth comparing where a text does not stand there as it is.
_TELLING = 4
_PARTS = re.compile(r"[a-z0-9]{2,}")


class StoredPage:
    """A stored page (a row of `data.schemas.PAGES`), read as the extractors read it."""

    def __init__(self, page: Mapping[str, Any]) -> None:
        self._document = Document(page)

    def faults(self, fact: Fact) -> Iterator[str]:
        """What is wrong with a fact that names this page as its source; nothing where it says nothing of it."""
        quote = fact.get("quote") or ""
        if quote:
            wrong = self._misplaced(quote, fact)
            if wrong:
                yield wrong
            if not _holds(quote, fact):
                yield NO_VALUE
        if not all(self._shows(word) for word in fact.get("words") or ()):
            yield NO_WORDS

    def _misplaced(self, quote: str, fact: Fact) -> str | None:
        if fact.get("node"):
            node = next((node for node in self._document.graph.nodes if node.id == fact["node"]), None)
            if node is None:
                return NO_NODE
            return None if any(_within(quote, text) for text in _texts(node)) or self._shows(quote) else NO_QUOTE
        line, lines = fact.get("line"), self._document.lines
        if line is not None and line < len(lines) and _within(quote, lines[line]):
            return None
        if line is None:
            return None if self._shows(quote) else NO_QUOTE
        return ELSEWHERE if self._shows(quote) else NO_QUOTE

    def _shows(self, text: str) -> bool:
        """Whether a text stands anywhere in what was fetched, in its letters if not as it is."""
        letters = squash(text)
        return text.casefold() in self._all or (len(letters) >= _TELLING and letters in self._squashed)

    @cached_property
    def _all(self) -> str:
        page = self._document
        headers = "\n".join(f"{name}: {value}" for name, value in page.headers.items())
        # Words may be quoted from the markup as it is, or as a reader of attributes gives them.
        return "\n".join((page.url, page.domain, headers, page.text, page.html, html.unescape(page.html))).casefold()

    @cached_property
    def _squashed(self) -> str:
        return squash(self._all)


def _texts(node: Node) -> Iterator[str]:
    for name in node.properties:
        yield from node.texts(name)
        for inner in node.nodes(name):
            for part in inner.properties:
                yield from inner.texts(part)


def _within(quote: str, text: str) -> bool:
    return quote in text or squash(quote) in squash(text)


def _holds(quote: str, fact: Fact) -> bool:
    """Whether a quote holds the value, where a field promises it: numbers by digits, addresses and names by letters."""
    value, field = str(fact["value"]), fact["field"]
    if fact["method"] not in _VERBATIM:
        return True
    if field in ("phone", "fax"):
        said, told = _digits(quote), _digits(value)
        # Of `-10 und -14` the second number is told by its end alone; letters of a keypad are no digits.
        return len(said) < 6 or (told[-2:] in said and any(told[at : at + 4] in said for at in range(len(told) - 3)))
    if field == "email":
        letters = squash(quote)
        return all(part in letters or part in letters[::-1] for part in _PARTS.findall(value.partition("@")[0].lower()))
    if field in ("name", "legal_name"):
        return squash(value) in squash(quote) or len(quote) < len(value)
    return True


def _digits(text: str) -> str:
    return "".join(str(int(sign)) for sign in text if sign.isdecimal())
