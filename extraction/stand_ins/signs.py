"""The signs of `signs.toml`, read once and laid out for their searches."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from extraction.scan import Hints, Scan
from leadmill.errors import ErrorCode

#: Where words count: in the title alone, in what stands out or begins the page, as a whole title, heading or clause of
#: that, in all that is visible, as all that is visible.
Where = Literal["title", "headline", "whole", "says", "only"]
#: What stands in signs for the page's own host name.
OWN_NAME = "@domain"
#: Most characters of any kind that a `*` of a sign stands for.
_ANY = ".{0,60}?"
#: A shorter sign is one only where a word ends behind it; longer ones go on with endings of their own.
_WHOLE_WORDS = 10
_WORD = "[^\\W_]"
#: Where a clause begins or ends.
_BORDER = r"[\n.!?|:;·•»–—-]"


@dataclass(frozen=True)
class Kind:
    """What pages of one code are like."""

    code: ErrorCode
    sentence: str
    #: Characters of visible text, and links to own pages, that such a page has at most.
    most_text: int
    most_pages: int
    #: With contact data of its own it is a page of the company.
    contact: bool = False


@dataclass(frozen=True)
class Entry:
    """A product, or what many have (no name), and what its pages are."""

    product: str
    kind: Kind
    only_ok: bool = False
    #: With contact data of its own it is a page of the company.
    contact: bool = False


@dataclass(frozen=True)
class Words:
    """Words that give an entry's page away."""

    entry: Entry
    where: Where
    text: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """They, as words; made when it is first needed: few of all ever are."""
        literal = "".join(_one_of(alternatives) for alternatives in self._parts)
        if self.where == "title":
            is_beginning = self.entry.product or not self.text[-1].isalnum()
            return re.compile(literal if is_beginning else rf"{literal}(?=\Z|\s*+[^\w\s])")
        if self.where == "only":
            return re.compile(rf"\A{literal}\W{{0,9}}\Z")
        if self.where == "whole":
            return re.compile(rf"(?:\A|{_BORDER} ?){literal}(?= ?(?:\Z|{_BORDER}))")
        first, last = self.text.lstrip("{")[0], self.text.rstrip("}")[-1]
        before = rf"(?<!{_WORD})" if _spaced(first) else ""
        behind = rf"(?!{_WORD})" if _spaced(last) and len(self.text) < _WHOLE_WORDS else ""
        return re.compile(before + literal + behind)

    @property
    def _parts(self) -> list[list[str]]:
        """What stands one behind the other, each of which is one of several."""
        return [part.split("|") if place % 2 else [part] for place, part in enumerate(re.split(r"[{}]", self.text))]

    @property
    def searched(self) -> list[str]:
        """Those that a text is searched for first, one of which every match has: of the part that is longest."""
        fixed = [[piece.strip()] for part in self._parts[::2] for piece in part[0].split("*")]
        either = [[word.strip() for word in part] for part in self._parts[1::2]]
        return max(fixed + either, key=lambda words: min(map(len, words)))


@dataclass(frozen=True)
class Signs:
    """All entries, by how they are looked for."""

    kinds: dict[ErrorCode, Kind] = field(default_factory=dict)
    #: Header name → part of its value, and whether an error status must come with it.
    headers: dict[str, list[tuple[str, bool, Entry]]] = field(default_factory=lambda: defaultdict(list))
    cookies: list[tuple[str, Entry]] = field(default_factory=list)
    hosts: dict[str, list[tuple[str, Entry]]] = field(default_factory=lambda: defaultdict(list))
    markup: dict[str, tuple[Entry, bool]] = field(default_factory=dict)
    #: The part of a sign that is searched for → the signs.
    words: dict[str, list[Words]] = field(default_factory=lambda: defaultdict(list))


@cache
def signs() -> Signs:
    """The signs of `signs.toml`.

    Raises:
        ValueError: an entry says what no entry may, or names a code that is none.
    """
    data = tomllib.loads(files(__package__).joinpath("signs.toml").read_text("utf-8"))
    found = Signs()
    for name, said in data["codes"].items():
        found.kinds[ErrorCode(name)] = Kind(ErrorCode(name), **said)
    for raw in data["entry"]:
        _add(found, dict(raw))
    return found


def _add(found: Signs, raw: dict[str, Any]) -> None:
    kind = found.kinds[ErrorCode(raw.pop("code"))]
    entry = Entry(raw.pop("product"), kind, raw.pop("only_ok", False), kind.contact or raw.pop("contact", False))
    for key in ("header", "denied"):
        for name, value in raw.pop(key, {}).items():
            found.headers[name].append((value, key == "denied", entry))
    found.cookies.extend((name.lower(), entry) for name in raw.pop("cookie", ()))
    for place in raw.pop("host", ()):
        host, slash, path = place.partition("/")
        found.hosts[host].append((slash + path, entry))
    for key in ("markup", "widget"):
        for piece in raw.pop(key, ()):
            found.markup.setdefault(piece, (entry, key == "widget"))
    for where, text in _words(raw):
        words = Words(entry, where, text)
        for literal in words.searched:
            found.words[literal].append(words)
    if raw:
        raise ValueError(f"signs.toml: {entry.product or entry.kind.code}: unknown: {', '.join(raw)}")


def _words(raw: dict[str, Any]) -> Iterator[tuple[Where, str]]:
    anywhere: tuple[Where, ...] = ("title", "only")
    for where in anywhere:
        yield from ((where, text) for text in raw.pop(where, ()))
    places: tuple[Where, ...] = ("headline", "whole", "says")
    for where in places:
        languages: Mapping[str, list[str]] = raw.pop(where, {})
        for texts in languages.values():
            yield from ((where, text) for text in texts)


def _one_of(alternatives: list[str]) -> str:
    spelled = [re.sub(r" ?\\\* ?", _ANY, re.escape(word).replace("\\ ", " ")) for word in alternatives]
    return spelled[0] if len(spelled) == 1 else f"(?:{'|'.join(spelled)})"


def _spaced(character: str) -> bool:
    """Whether it is a letter or digit of a script that parts its words by spaces."""
    return character.isalnum() and ord(character) < 0x0E00


#: What gives pages away in their markup, and in their words.
MARKUP = Hints(lambda: signs().markup, scan=Scan(of_bytes=True))
WORDS = Hints(lambda: signs().words, scan=Scan(of_bytes=False))


def preload() -> None:
    """Read the signs and lay them out, which takes some tens of milliseconds."""
    MARKUP.scan.load()
    WORDS.scan.load()
