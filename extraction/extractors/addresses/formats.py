"""How countries write addresses: `formats.toml`, read once, as what the reader asks of it.

The table is the only place that knows a country. A form of a postcode (`9999 AA`) leads to the countries that write
so; a word of a street (`utca`) to those whose streets are called so; a name of a region to those that have it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

_DIGITS_AND_LETTERS = {ord(sign): "9" for sign in "0123456789"} | {
    ord(sign): "A" for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
}
_EIRCODE = re.compile(r"(?:[A-Z]\d\d|D6W) ?(?=\w*[A-Z])(?=\w*\d)[A-Z\d]{4}")
_TABLE = Path(__file__).with_name("formats.toml")


class Format(NamedTuple):
    """How one country writes an address."""

    country: str
    #: Forms of its postcode, `9` a digit and `A` a letter; none where it has no postcodes.
    codes: frozenset[str]
    #: What a code of such a form must match besides.
    pattern: re.Pattern[str] | None
    #: Orders of the parts from the street down, `/` a new line: `street / code city`.
    orders: tuple[str, ...]
    #: Languages of its streets.
    words: tuple[str, ...]
    #: Where the town stands: `after` the code, `before` it, or either.
    sides: frozenset[str]
    #: The street may stand behind the town.
    street_last: bool
    #: A bare code says nothing: it is written with the country's mark (`LV-1010`).
    always_marked: bool
    #: Its regions, folded → as they are kept.
    regions: dict[str, str]


class Table(NamedTuple):
    """All formats, and what leads to them."""

    formats: dict[str, Format]
    #: Form of a postcode → countries, in the table's order, each with what its codes match besides.
    by_code: dict[str, tuple[tuple[str, re.Pattern[str] | None], ...]]
    #: Mark before a code → country.
    marks: dict[str, str]
    #: Street word, case folded → countries.
    street_words: dict[str, frozenset[str]]
    #: Those of the words that names of towns have as well.
    ambiguous: frozenset[str]
    #: How street names end → countries.
    street_endings: dict[str, frozenset[str]]
    #: The same by their last letter, the longest first; those that no names of towns have.
    endings: dict[str, tuple[str, ...]]
    sure_endings: dict[str, tuple[str, ...]]
    #: Folded region → countries.
    regions: dict[str, frozenset[str]]
    #: Folded towns that end an address without a postcode → country.
    towns: dict[str, str]
    #: Folded names of well-known cities → country.
    cities: dict[str, str]


def folded(text: str) -> str:
    """A name for comparing: `N.S.W. ` → `nsw`."""
    return text.casefold().replace(".", "").strip()


@cache
def table() -> Table:
    """The table, read once a process."""
    read = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    formats: dict[str, Format] = {}
    by_code: dict[str, list[str]] = {}
    words: dict[str, set[str]] = {}
    endings: dict[str, set[str]] = {}
    regions: dict[str, set[str]] = {}
    marks: dict[str, str] = {}
    towns: dict[str, str] = {}
    cities: dict[str, str] = {}
    for country, entry in read["countries"].items():
        formats[country] = one = _format(country, entry)
        for code in one.codes:
            by_code.setdefault(code, []).append(country)
        for language in one.words:
            spoken = read["streets"][language]
            for word in (*spoken.get("words", ()), *spoken.get("perhaps", ())):
                words.setdefault(word.casefold(), set()).add(country)
            for ending in (*spoken.get("endings", ()), *spoken.get("perhaps_endings", ())):
                endings.setdefault(ending.casefold(), set()).add(country)
        for name in one.regions:
            regions.setdefault(name, set()).add(country)
        marks.update(dict.fromkeys(entry.get("marks", ()), country))
        towns.update((folded(town), country) for town in entry.get("towns", ()))
        cities.update((folded(city), country) for city in entry.get("cities", ()))
    return Table(
        formats,
        {code: tuple((one, formats[one].pattern) for one in countries) for code, countries in by_code.items()},
        marks,
        {word: frozenset(countries) for word, countries in words.items()},
        _ambiguous(read["streets"]),
        {end: frozenset(countries) for end, countries in endings.items()},
        _by_last(endings),
        _by_last({end.casefold() for spoken in read["streets"].values() for end in spoken.get("endings", ())}),
        {name: frozenset(countries) for name, countries in regions.items()},
        towns,
        cities,
    )


def _by_last(endings: Iterable[str]) -> dict[str, tuple[str, ...]]:
    of_last: dict[str, list[str]] = {}
    for ending in sorted(endings, key=len, reverse=True):
        of_last.setdefault(ending[-1], []).append(ending)
    return {last: tuple(those) for last, those in of_last.items()}


def _ambiguous(streets: dict[str, dict[str, list[str]]]) -> frozenset[str]:
    sure = {word.casefold() for spoken in streets.values() for word in spoken.get("words", ())}
    return frozenset(word.casefold() for spoken in streets.values() for word in spoken.get("perhaps", ())) - sure


def _format(country: str, entry: dict[str, list[str]]) -> Format:
    sides = set()
    for order in entry["orders"]:
        town, code = order.find("city"), order.find("code")
        if code >= 0:
            sides.add("before" if town < code else "after")
    regions: dict[str, str] = {}
    for name in entry.get("regions", ()):
        short, _, long = name.partition("=")
        regions[folded(short)] = regions[folded(long or short)] = short
    return Format(
        country,
        frozenset(form for code in entry.get("codes", ()) for form in _forms(code)),
        re.compile(str(entry["pattern"]), re.IGNORECASE) if "pattern" in entry else None,
        tuple(entry["orders"]),
        tuple(entry["words"]),
        frozenset(sides),
        any(order.rfind("street") > order.find("city") for order in entry["orders"]),
        bool(entry.get("always_marked")),
        regions,
    )


def _forms(code: str) -> list[str]:
    """`999_99` → `999 99` and `99999`: a blank that may be missing."""
    return ["".join(parts) for parts in product(*((" ", "") if sign == "_" else (sign,) for sign in code))]


def code_form(code: str) -> str:
    """`1015 CS` → `9999 AA`; behind the first three signs of an Eircode letters and digits stand in any order."""
    return "A99 AAAA" if _EIRCODE.fullmatch(code) else code.translate(_DIGITS_AND_LETTERS)


@lru_cache(maxsize=1_024)
def countries_of(code: str) -> tuple[str, ...]:
    """The countries that have such a postcode; none for what is no postcode anywhere."""
    code = " ".join(code.split())
    having = table().by_code.get(code_form(code), ())
    return tuple([country for country, pattern in having if pattern is None or pattern.fullmatch(code)])


def is_postcode(code: str, country: str | None) -> bool:
    """Whether a code may be one of the country. Where nobody knows the country, five digits may, and what has signs."""
    if not code:
        return True
    if country is None:
        return len(code) == 5 if code.isdigit() else True
    return country in countries_of(code) if country in table().formats else True
