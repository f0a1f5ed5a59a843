"""The name above an address: where a page tells how to reach a company, the line over the street says who that is.

Small sites often say it nowhere else: their pages are titled `Contact`, their domain is a keyword or initials, and the
copyright is that of whoever made the site.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from extraction.document import Document
from extraction.extractors.addresses import streets
from extraction.extractors.addresses.segments import label_of, pieces
from extraction.extractors.countries import country_named
from extraction.extractors.legal_forms import has_form, may_have_form
from extraction.extractors.legal_lines import LABELS, LINKING, names_in
from extraction.extractors.name_likeness import likeness
from extraction.extractors.name_texts import is_page_title, tidy
from extraction.findings import Finding
from extraction.text import squash

#: Addresses of a page above which a name is looked for, and lines looked at above each.
MAX_ADDRESSES = 6
MAX_ABOVE = 7
#: Lines that an address has above that of its code, and characters of a line above it that may be a name.
MAX_LINES = 5
MAX_NAME = 70
#: Labels passed over on the way up.
MAX_LABELS = 3
#: From which on a name is like the domain.
ALIKE = 0.5
#: Least share of words with a capital in a name, and in one of many words: the rest are sentences.
CAPITALS, MANY, MOSTLY = 0.5, 4, 0.75
_WORDS = {name: frozenset(words.split()) for name, words in
          tomllib.loads(Path(__file__).with_name("name_words.toml").read_text(encoding="utf-8")).items()}  # fmt: skip
_PLACES, _ENDS, _BUILDINGS, _ZONES, _ARTICLES, _SPEAKING = (
    _WORDS[name] for name in ("places", "ends", "buildings", "zones", "articles", "speaking")
)
#: A short one begins a word: `bar` is none of `bereikbaar`.
_TRADES = re.compile(
    rf"\b(?:{'|'.join(_WORDS['trades'])})|{'|'.join(word for word in _WORDS['trades'] if len(word) > 4)}", re.IGNORECASE
)
#: Who may be reached there is not the company.
_PERSON = re.compile(
    r"(?:inh|inhaber(?:in)?|geschäftsführer(?:in)?|geschäftsführung|vertreten|eigenaar|eigenaresse|t\.?a\.?v|c/o|"
    r"z\. ?hd|p/a|attn|att|owner|proprietor|prop|manager|director|directeur|gérant|gérante|titular|titolare|dr|dhr|"
    r"mevr|mw|herr|frau|mr|mrs|ms|mme|ing|drs|ir|dipl|właściciel|ägare|indehaver|floor|unit|suite|building|level|room|gebouw|"
    r"gebäude|haus|etage|stock|bâtiment|immeuble|edificio|piso|po box|postbus|postfach|bp)\b",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(?:\d[\s/().-]{0,3}){6}|@|www\.|https?:|\d{1,2}[:.]\d\d|§|[?!:;]$|\.{2,}|[<>{}=]")
_SIGN = re.compile(r"^(?:©|copyright\b)[\s©]*(?:\d{4}(?:\s?[-–]\s?\d{2,4})?)?\s*", re.IGNORECASE)


class Head(NamedTuple):
    """A name above an address, the line that it stands in, and how much it is worth, 0 to 1."""

    text: str
    line: int
    worth: float


def heads(page: Document, addresses: Sequence[Finding]) -> Iterator[tuple[Finding, Head]]:
    """The names above the addresses that stand in the page's lines, with the address of each."""
    # The lines of other addresses, and those that lead elsewhere.
    passed = {address.line for address in addresses}
    passed |= {link.line for link in page.links if link.line is not None and link.text == page.lines[link.line]}
    seen: set[int] = set()
    for address in addresses:
        street = address.value.get("street")
        if (
            address.line is None
            or address.node
            or not street
            or not (address.value["postcode"] or address.value["city"])
        ):
            continue
        begins = street[:8]
        lines = range(address.line, max(-1, address.line - MAX_LINES), -1)
        start = next((at for at in lines if begins in page.lines[at]), None)
        if start is None or start in seen:
            continue
        seen.add(start)
        for head in _above(page, start, begins, str(address.value["city"] or ""), passed):
            if page.blocks.of_line(head.line, head.text) is None or likeness(head.text, page.core) >= ALIKE:
                yield address, head
        if len(seen) >= MAX_ADDRESSES:
            return


def _above(page: Document, start: int, street: str, city: str, passed: Set[int | None]) -> Iterator[Head]:
    """The names before a street: in its line, else in the lines above."""
    ahead = page.lines[start].partition(street)[0].strip()
    if ahead and not ahead.endswith((":", "：")):
        name = _ahead(ahead[-200:], city)
        if name is not None:
            yield Head(name, start, 1.0)
            return
        if not (is_label(ahead.rstrip(" ,;|-–")) or _is_building(ahead)):
            return
    found = list(_lines_above(page, start, passed, city))
    if len(found) == 2 and is_trade(found[1][1]) and not is_firm(found[0][1]):
        yield Head(f"{found[1][1]} {found[0][1]}", found[1][0], 1.0)
    for place, (line, name) in enumerate(found):
        # Of two lines in one part the upper is the firm, the other a person or a building.
        yield Head(name, line, 1.0 if place == len(found) - 1 and not _is_building(name) else 0.5)


def _lines_above(page: Document, start: int, passed: Set[int | None], city: str) -> Iterator[tuple[int, str]]:
    """The one or two lines above a street that may be names, the lower first."""
    lines, joints = page.lines, page.layout.joints
    labels = 0
    inner = None
    for at in range(start - 1, max(-1, start - 1 - MAX_ABOVE), -1):
        line = lines[at]
        if inner is not None and joints[at + 1] < inner:
            return
        if len(line) > 2 * MAX_NAME or (at in passed and likeness(line, page.core) < ALIKE):
            return
        if _NUMBERS.search(line) or _PERSON.match(line):
            continue
        if is_label(line):
            labels += 1
            if inner is not None or labels > MAX_LABELS:
                return
            continue
        name = _name(line, city)
        if name is None:
            return
        yield at, name
        if inner is not None:
            return
        inner = min(joints[at + 1 : start + 1])


def _ahead(ahead: str, city: str) -> str | None:
    """The name in the words before a street in one line: `Acme Tools, Inc., 5 High Street`."""
    if may_have_form(ahead):
        named = [named for named in names_in(ahead) if named.how != "other"]
        if named:
            return _name(named[-1].text, city)
    said = [piece[0] for piece in pieces(ahead) if not is_label(piece[0])]
    return _name(said[-1], city) if said else None


def is_firm(name: str) -> bool:
    """Whether a name is none of a person, and no single word that may mean anything."""
    words = name.casefold().split()
    if has_form(name) or words[0].strip("'’") in _ARTICLES or any(sign.isdigit() or sign in "&+|" for sign in name):
        return True
    return (not name.isascii() and not any(map(str.isupper, name))) or _TRADES.search(name) is not None


def is_trade(name: str) -> bool:
    """Whether a name says but what is done, and the person below who does it: `Praxis für Physiotherapie`."""
    return not has_form(name) and all(_TRADES.match(word) for word in name.split() if not word.islower())


def _is_building(text: str) -> bool:
    """Whether a text is called as buildings, parks and zones are."""
    words = text.strip(" ,").split()
    return bool(words) and (
        words[-1].casefold().strip(".,()") in _BUILDINGS or words[0].casefold().rstrip(".") in _ZONES
    )


def is_label(line: str) -> bool:
    """Whether a line says what stands below it, or is a page's title."""
    bare = line.strip(" :：*-–|•·()")
    if not bare or label_of(bare) or is_page_title(bare) or squash(bare) in LABELS:
        return True
    words = [word.strip(".,&:()") for word in bare.casefold().split()]
    if len(words) <= 5 and all(word in _PLACES for word in words):
        return True
    return words[-1] in _ENDS or words[-1].endswith(
        ("adres", "adresse", "address", "gegevens", "daten", "zeiten", "tijden")
    )


def _name(text: str, city: str) -> str | None:
    """A text above a street as the name of who is there."""
    name = tidy(_SIGN.sub("", text))
    if name is None or len(name) > MAX_NAME or _NUMBERS.search(text) or _PERSON.match(name) or is_label(name):
        return None
    if ": " in name or streets.strength(name) >= streets.FORMED:
        return None
    words = [word for word in name.split() if word not in LINKING]
    capitals = sum(not word[0].islower() for word in words)
    if not words or capitals < (CAPITALS if len(words) < MANY else MOSTLY) * len(words):
        return None
    if words[0].casefold() in _SPEAKING:
        return None
    if not has_form(name):
        own = [word for word in words if squash(word) not in _PLACES and squash(word) != squash(city)]
        if not own or squash(name) == squash(city) or country_named(name):
            return None
    return name
