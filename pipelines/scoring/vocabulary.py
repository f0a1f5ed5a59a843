"""The words of an ideal customer profile: countries and regions, industries and their groups, technologies."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from iso3166 import countries_by_alpha2

from extraction.enrichers.industries import leaves
from extraction.enrichers.technologies import load_rules
from extraction.extractors.countries import country_code
from leadmill.suggest import unknown
from reports import display_names

#: Zero-width characters within words of some languages.
_JOINERS = "\u200c\u200d"
_GROUPS = Path(__file__).with_name("vocabulary.toml")


class Meant(NamedTuple):
    """What a word of a profile stands for."""

    #: As reasons call it: `DACH`, `Germany`, `Shopify`.
    label: str
    #: The values of the column that it means: alpha-2 codes, names.
    values: frozenset[str]


def place(word: str) -> Meant:
    """A region, or a country by name or code; ValueError: neither."""
    if (named := _spelled(_places(), word)) is not None:
        return named
    if (code := country_code(word)) is not None:
        return Meant(display_names.country(code), frozenset({code}))
    raise ValueError(unknown("country or region", word, places()))


def country_codes(words: Iterable[str]) -> tuple[str, ...]:
    """The alpha-2 codes of countries and regions; ValueError: a word is none."""
    return tuple(dict.fromkeys(code for word in words for code in sorted(place(word).values)))


def industry(word: str) -> Meant:
    """An industry or a group of them; ValueError: neither."""
    return _known("industry", word, _industries())


def technology(word: str) -> Meant:
    """A technology that is looked for; ValueError: it is not."""
    return _known("technology", word, _technologies())


def phrase(word: str) -> Meant:
    """A word or a phrase of any language, `shop*` for the beginning of a word; ValueError: it is neither."""
    word = " ".join(word.split())
    if not any(letter.isalnum() for letter in word) or "*" in word[:-1]:
        raise ValueError(f"{word!r}: a word or a phrase is needed; one * may stand behind it")
    if not all(letter.isprintable() or letter in _JOINERS for letter in word):
        raise ValueError(f"{word!r}: it has a character that nobody sees")
    return Meant(f"“{word}”", frozenset({word}))


def folded(word: str) -> str:
    """What is the same for two words that are found in the same texts: without case, accents and punctuation."""
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(letter)
    )
    return " ".join("".join(letter if letter.isalnum() or letter in "+#*" else " " for letter in bare).split())


def places() -> list[str]:
    """Names of regions and countries."""
    return [*_places()]


def industries() -> list[str]:
    """Names of industries and of their groups."""
    return [*_industries()]


def technologies() -> list[str]:
    """Names of the technologies that are looked for."""
    return [*_technologies()]


def _known(what: str, word: str, known: dict[str, Meant]) -> Meant:
    if (found := _spelled(known, word)) is None:
        raise ValueError(unknown(what, word, known))
    return found


def _spelled(known: dict[str, Meant], word: str) -> Meant | None:
    """The entry of this name, whatever its case."""
    return known.get(word) or next((one for name, one in known.items() if name.casefold() == word.casefold()), None)


@cache
def _groups() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(_GROUPS.read_text(encoding="utf-8"))
    return found


@cache
def _places() -> dict[str, Meant]:
    countries = {display_names.country(code): [code] for code in countries_by_alpha2}
    return _meant({name: codes.split() for name, codes in _groups()["regions"].items()} | countries)


@cache
def _industries() -> dict[str, Meant]:
    groups = {
        name: [leaf.name for leaf in leaves().values() if leaf.nace.startswith(tuple(codes.split()))]
        for name, codes in _groups()["industry_groups"].items()
    }
    return _meant({name: [name] for name in leaves()} | groups)


@cache
def _technologies() -> dict[str, Meant]:
    return _meant({name: [name] for name in load_rules().categories})


def _meant(values: dict[str, list[str]]) -> dict[str, Meant]:
    return {name: Meant(name, frozenset(own)) for name, own in values.items()}
