"""Which class a role is of (`job_titles.toml`), by its words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from extraction.scan import Hints, Scan

_FILE = Path(__file__).with_name("job_titles.toml")
#: The class of a role that is declared, and has no word of another.
OTHER = "other"
#: Longest role, characters.
MAX_TITLE = 100
_ARTICLE = re.compile(
    r"^(?:(?:der|die|das|den|dem|ihre?n?|unsere?n?|the|our|your|le|la|les|el|il|lo|de|het)\s|l['’])", re.IGNORECASE
)


class JobTitle(NamedTuple):
    """A role as it is written, and its class."""

    text: str
    name: str
    #: It says what a person is; otherwise it may be what a department is called.
    personal: bool


class _Class(NamedTuple):
    name: str
    any: re.Pattern[str]
    persons: re.Pattern[str] | None


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def _classes() -> list[_Class]:
    """In their order: the first class that a role has a word of is its own."""
    return [
        _Class(
            one["name"],
            _pattern([*one["words"], *one.get("fields", ())]),
            _pattern(one["words"]) if one["words"] else None,
        )
        for one in _table()["class"]
    ]


@cache
def class_names() -> tuple[str, ...]:
    """Every class, in the order in which they are looked for; `other` is what markup says and none has words for."""
    return (*(one.name for one in _classes()), OTHER)


@cache
def _nouns() -> re.Pattern[str]:
    return _pattern([*_table()["nouns"], *(word for one in _table()["class"] for word in one["words"])])


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    spelled = sorted({re.escape(word).replace(r"\*", r"\w{0,20}") for word in words}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelled)})(?!\w)", re.IGNORECASE)


def _hint_words() -> Iterator[str]:
    for one in _table()["class"]:
        yield from (word.strip("*").lower() for word in (*one["words"], *one.get("fields", ())))


#: Every line with a role has one; apart from the other hints, for most jobs look for no person.
HINTS = Hints(_hint_words, scan=Scan(of_bytes=False))


def title_in(text: str) -> JobTitle | None:
    """The role that a short text says; None where it says none."""
    return _title_in(text) if len(text) <= 3 * MAX_TITLE else None


@lru_cache(maxsize=4_096)
def _title_in(text: str) -> JobTitle | None:
    text = _ARTICLE.sub("", " ".join(text.split()).strip(" ,;:|–—-•·()/"))
    if not 2 <= len(text) <= MAX_TITLE:
        return None
    found = next((one for one in _classes() if one.any.search(text)), None)
    return None if found is None else JobTitle(text, found.name, _nouns().search(text) is not None)
