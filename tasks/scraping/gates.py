"""Gates: pages before a site that only ask, and the one of their links that leads on.

For a language, an age, an agreement, a click. Their words are in `gate_words.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from selectolax.lexbor import LexborNode

from extraction.page_words import fold, words_of

#: Text in sight, characters: of a page that is as good as empty ("You are being redirected …"), of a choice of
#: languages, and of a question that stands before a site.
MAX_EMPTY = 200
MAX_CHOICE = 400
MAX_WALL = 1_500
#: Links beside the languages, or beside the way on: an imprint, a policy.
MAX_OTHERS = 5
#: Letters of a choice that each language more may bring with it.
MAX_NAME = 20
#: Words of an answer ("Ja, ich bin mindestens 18 Jahre alt").
MAX_ANSWER = 12
#: Words of a country's name, and of a link to a language (`Zur deutschen Seite`).
MAX_COUNTRY = 3
MAX_PHRASE = 4

WORDS = tomllib.loads(Path(__file__).with_name("gate_words.toml").read_text(encoding="utf-8"))
_LANGUAGE_OF = {fold(name): code for code, names in WORDS["languages"].items() for name in (*names, code)}
_FIRST_LANGUAGE = {ending: code for code, endings in WORDS["endings"].items() for ending in endings.split()}
_ONWARD = frozenset(WORDS["gates"]["onward"])
_ENTRANCES = frozenset(WORDS["gates"]["entrances"])
_WALLS = tuple(WORDS["gates"]["walls"])
_YES, _NO = frozenset(WORDS["gates"]["yes"]), frozenset(WORDS["gates"]["no"])
_AGREED = frozenset(WORDS["gates"]["agreed"])
_LETTERS: dict[str, str] = WORDS["letters"]
_ABOUT_PICTURES = frozenset(WORDS["gates"]["about_pictures"])
_AGE = re.compile(r"(?<![\d.,:/-])(?<!\d )(?:16|18|20|21)(?![\d.,:/%-])(?! \d)")

_LANGUAGE_CODE = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{2,4}))?\Z")
_LANGUAGE_QUERY = re.compile(
    r"(?:^|&)(?:l|lang|language|locale|sprache|hl|idioma|lingua|langue)=([a-z]{2})(?:[-_][a-z]{2})?(?:&|$)"
)


class GateLink(NamedTuple):
    """A link of a page that may be a gate."""

    url: str
    #: Its text, folded, words alone.
    words: str
    hreflang: str

    @property
    def language(self) -> str | None:
        """The language that a link leads to, when it says no more than that: `de`, or with its country `de-at`."""
        words = self.words.split()
        address = language_of(urlsplit(self.url))
        if address and "-" in address and len(words) <= MAX_COUNTRY:
            return address  # `Österreich` leads to `/de-at/`
        if self.words in _LETTERS:
            return _LETTERS[self.words]
        named = [code for word in words if (code := _LANGUAGE_OF.get(word))]
        if named and len(words) <= MAX_PHRASE:
            return named[0]
        if words and self.words not in _ONWARD | _ENTRANCES:
            return None
        code = self.hreflang[:2].lower()
        return code if code in WORDS["languages"] else address

    @property
    def is_yes(self) -> bool:
        """Whether a link answers a question so that it leads on."""
        words = self.words.split()
        if not 0 < len(words) <= MAX_ANSWER or not _NO.isdisjoint(words):
            return False
        begins = any(" ".join(words[:size]) in _YES for size in (1, 2, 3))
        return self.words in _ONWARD or begins or words[-1] in _AGREED


def may_ask(text: str) -> bool:
    """Whether a page with a text in sight may be one that only asks."""
    return len(text) <= MAX_WALL and "@" not in text


def way_past(links: Sequence[GateLink], text: str, domain: str, names_itself: Callable[[], bool]) -> str | None:
    """Where a page leads that only asks; None for any other page.

    Args:
        links: those within the site, each page once, without the page itself.
        text: what is in sight.
        names_itself: whether one of its links to itself is called by a language: then it has a switch and is no choice.
    """
    if not links or not may_ask(text):
        return None
    languages = {link.url: language for link in links if (language := link.language)}
    if len(set(languages.values())) >= 2 and len(links) - len(languages) <= MAX_OTHERS:
        most = MAX_CHOICE + MAX_NAME * len(languages)
        return preferred(languages, domain) if len(text) <= most and not names_itself() else None
    said = fold(text)
    asks = _AGE.search(said) is not None or any(map(said.__contains__, _WALLS))
    return _onward(links, said, asks=asks)


def _onward(links: Sequence[GateLink], said: str, *, asks: bool) -> str | None:
    """The way on from a page that asks, or that says next to nothing."""
    if not asks and len(said) > MAX_EMPTY:
        return None
    if len(links) == 1 and (links[0].words in _ENTRANCES or not (links[0].words or said)):
        return links[0].url
    onward = [link for link in links if link.words in _ONWARD or (asks and link.is_yes)]
    return onward[0].url if onward and len(links) - len(onward) <= MAX_OTHERS else None


def words_on(node: LexborNode) -> str:
    """What a link says, or its picture does: folded, words alone."""
    attributes = node.attributes
    text = node.text(deep=True, separator=" ")[:200].strip() or attributes.get("aria-label")
    image = None if text else node.css_first("img")
    if not text:
        text = (image and image.attributes.get("alt")) or attributes.get("title") or attributes.get("alt")
    words = words_of(fold((text or "")[:200]))
    return " ".join(words) if words or image is None else _words_in_name(image.attributes.get("src") or "")


def _words_in_name(source: str) -> str:
    """What the name of a picture's file says, where it is a language or a way on: `deutsch.gif`, `enter.png`."""
    name = fold(source.partition("?")[0].rpartition("/")[2].partition(".")[0][:60]).replace("_", " ")
    words = [word for word in words_of(name) if word not in _ABOUT_PICTURES]
    said = " ".join(words)
    return said if said in _ONWARD or any(word in _LANGUAGE_OF for word in words) else ""


def language_of(parts: SplitResult) -> str | None:
    """The language that an address names in its query, or as its last folder or page."""
    if asked := _LANGUAGE_QUERY.search(parts.query.lower()):
        return asked[1] if asked[1] in WORDS["languages"] else None
    last = parts.path.lower().rstrip("/").rpartition("/")[2].partition(".")[0]
    code = _LANGUAGE_CODE.match(last)
    found = _LANGUAGE_OF.get(code[1]) if code else None
    if found and code and code[2]:
        return f"{found}-{code[2]}"
    return found or _LANGUAGE_OF.get(last)


def preferred(languages: Mapping[str, str | None], domain: str) -> str:
    """Of addresses the one in the company's first language, else in English, else the first."""
    ending = domain.rpartition(".")[2]
    first = _FIRST_LANGUAGE.get(ending, "en")
    for wanted in (f"{first}-{ending}", first, "en"):
        for url, language in languages.items():
            if language and (language == wanted or language.partition("-")[0] == wanted):
                return url
    return next(iter(languages))


def is_language(folder: str) -> bool:
    """Whether a folder is called by the code of a language."""
    code = _LANGUAGE_CODE.match(folder.lower())
    return code is not None and code[1] in WORDS["languages"]
