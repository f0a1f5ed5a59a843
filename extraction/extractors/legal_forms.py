"""Legal forms in company names: where one stands in a text, whether a name has one, and the name without it.

The forms are those of `legal_forms.toml`. They are compared without dots, blanks, case and accents, but for those that
are short or words of a language, which count as they are written there only: `AS`, `AG`, `SA`, `S.p.A.`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from extraction.text import squash

#: Words that one form has at most; words looked at of a text.
MAX_FORM = 7
MAX_WORDS = 300
_WORD = re.compile(r"\S+")
#: What stands around a word and is no part of it.
_AROUND = " ,;:()[]\"'“”„«»‚‘’!?*"
#: Forms that are words: in small letters they are no form (`a limited offer`).
_LONG = 7
SHORT = 2
#: Longest form that is written with dots as well: `P.L.C.`.
DOTTED = 5


class _Forms(NamedTuple):
    """The forms of one place, by their squashed text; None: in any case, else the ways that count."""

    spelled: dict[str, frozenset[str] | None]
    #: The squashed words that forms begin with, and of how many words those have at most.
    begins: dict[str, int]
    countries: dict[str, frozenset[str]]
    #: Those that are written in several words.
    parted: frozenset[str]


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("legal_forms.toml").read_text(encoding="utf-8"))


def _forms(free: str, exact: str, home: str | None = None) -> _Forms:
    """The forms of two lists; of `home`, an ISO code, those as well that are words elsewhere."""
    spelled: dict[str, set[str] | None] = {}
    countries: dict[str, set[str]] = {}
    for country, lists in _table().items():
        # Two letters are always told by the way they are written.
        short = (form for form in lists.get(free, ()) if len(squash(form)) <= SHORT)
        for form in (
            *lists.get(exact, ()),
            *lists.get("comma", ()),
            *short,
            *(lists.get("home", ()) if country == home else ()),
        ):
            key = squash(form)
            countries.setdefault(key, set()).add(country)
            if (ways := spelled.setdefault(key, set())) is not None:
                ways.add("".join(form.split()))
        for key in {squash(form) for form in lists.get(free, ())}:
            countries.setdefault(key, set()).add(country)
            if len(key) > SHORT:
                spelled[key] = None
    forms = [form for lists in _table().values() for form in (*lists.get(free, ()), *lists.get(exact, ()))]
    forms += [form for lists in _table().values() for form in lists.get("comma", ())]
    forms += _table().get(home or "", {}).get("home", [])
    begins: dict[str, int] = {}
    for form in forms:
        # Dotted letters are written apart as well: `S. r. l.`.
        most = len(form.split()) + 2 * form.count(".")
        for begin in (squash(form.split()[0]), squash(form), *([squash(form[0])] if form[1:2] == "." else ())):
            begins[begin] = max(begins.get(begin, 0), min(most, MAX_FORM))
    begins.pop("", None)
    frozen = {key: None if ways is None else frozenset(ways) for key, ways in spelled.items()}
    of_countries = {key: frozenset(those) for key, those in countries.items()}
    parted = frozenset(squash(form) for form in forms if " " in form)
    return _Forms(frozen, begins, of_countries, parted)


@cache
def behind(home: str | None = None) -> _Forms:
    """The forms that stand behind a name; on pages of a country those as well that are words elsewhere."""
    return _forms("behind", "exact", home) if "home" in _table().get(home or "", {}) or home is None else behind()


@cache
def before() -> _Forms:
    """The forms that stand before a name."""
    return _forms("before", "first")


@cache
def joined() -> tuple[str, ...]:
    """The forms that are written together with a name, the longest first."""
    return tuple(
        sorted({form for lists in _table().values() for form in lists.get("joined", ())}, key=len, reverse=True)
    )


@cache
def behind_comma() -> frozenset[str]:
    """The forms that stand behind a comma only, squashed."""
    return frozenset(squash(form) for lists in _table().values() for form in lists.get("comma", ()))


@cache
def kept() -> frozenset[str]:
    return frozenset(squash(form) for lists in _table().values() for form in lists.get("kept", ()))


_squash = lru_cache(maxsize=8_192)(squash)


class Form(NamedTuple):
    """A legal form among words: the places of its first word and of the one behind it; its squashed text."""

    first: int
    end: int
    key: str


def forms_in(words: Sequence[str], forms: _Forms) -> Iterator[Form]:
    """The forms among words, the longest where one is within another, in their order."""
    end = 0
    for place, key in enumerate(map(_squash, words)):
        if key in forms.begins and place >= end and (form := _form_at(words, place, forms)):
            yield form
            end = form.end


def _form_at(words: Sequence[str], place: int, forms: _Forms) -> Form | None:
    most = forms.begins.get(_squash(words[place]))
    if most is None:
        return None
    parts = words[place : place + most]
    keys = list(map(_squash, parts))
    for size in range(len(parts), 0, -1):
        key = "".join(keys[:size])
        ways = forms.spelled.get(key, ())
        if ways == () or not keys[size - 1]:
            continue
        if size > 1 and key not in forms.parted and max(map(len, keys[:size])) > SHORT:
            continue  # `Acme Ltd, a firm of Leeds` is no Ltda
        written = "".join(parts[:size]).strip(_AROUND)
        if written.count("(") > written.count(")"):
            written += ")"
        if key in behind_comma() and "." not in written and not (place and words[place - 1].endswith(",")):
            continue  # `Gaming PC`
        if ways is None:
            if size > 1 or len(key) < _LONG or not written.islower():
                return Form(place, place + size, key)
        elif written in ways or f"{written}." in ways or written.rstrip(".") in ways:
            return Form(place, place + size, key)
    return None


#: A name's last word that is made of initials, whose dot is its own: `Ann Lee, M.D.`.
_INITIALS = re.compile(r"(?<![\w.])(?:\w{1,2}\.){2,3}$")
#: Letters apart: `s. r. o.`, `e. V.`.
_APART = re.compile(r"(?<!\w)\w\.\s\w\.")
_PUNCTUATION = ("", ",", ".", ";", ")", ":", ".,", '"', "!", "?", "”", "»", "“", "*")


@cache
def _telling(home: str | None = None) -> frozenset[str]:
    """Of each form its longest word as texts have it between blanks: a text that has none of them has no form."""
    words: set[str] = set()
    for country, lists in _table().items():
        # Words elsewhere would have most lines read.
        for place in ("behind", "exact", "before", "first", "comma", *(("home",) if country == home else ())):
            for form in lists.get(place, ()):
                word = max(reversed(form.split()), key=lambda part: len(part.strip(".,()&")))
                ways = {word, word.replace(".", ""), "".join(form.split())}
                if word.isalpha() and SHORT < len(word) <= DOTTED and place in ("behind", "before"):
                    ways |= {f"{'.'.join(word.upper())}.", f"{'.'.join(word.lower())}."}
                if place in ("behind", "before") and len(squash(form)) > SHORT:
                    ways |= {way for said in tuple(ways) for way in (said.lower(), said.upper(), said.title())}
                ways |= {way.strip(".,()") for way in ways} | {way.rstrip(".,)") for way in ways}
                words |= {way + end for way in ways for end in _PUNCTUATION}
    return frozenset(word for word in words if len(word) > 1)


def may_have_form(text: str, home: str | None = None) -> bool:
    """Cheap: whether a form may stand in a text; on pages of a country those as well that are words elsewhere."""
    telling = _telling(home) if "home" in _table().get(home or "", ()) else _telling()
    return not telling.isdisjoint(text.split()) or (". " in text and _APART.search(text) is not None)


def ends_with_form(words: Sequence[str]) -> Form | None:
    """The form that the words end with, the longest."""
    for place in range(max(0, len(words) - MAX_FORM), len(words)):
        form = _form_at(words, place, behind())
        if form is not None and form.end == len(words):
            return form
    return None


def begins_with_form(words: Sequence[str]) -> Form | None:
    """The form that the words begin with, the longest."""
    return _form_at(words, 0, behind()) if words else None


def form_follows(text: str, place: int) -> bool:
    """Whether a legal form stands at a place of a text, behind a blank."""
    words = text[place : place + 60].split()
    return text[place : place + 1].isspace() and bool(words) and _form_at(words[:MAX_FORM], 0, behind()) is not None


#: An Italian form with the partners named behind it.
_PARTNERS = re.compile(r",?\s(?:s\.?n\.?c|s\.?a\.?s)\.?\sdi\s[^\W\d_].{1,80}$", re.IGNORECASE)


@lru_cache(maxsize=4_096)
def without_form(name: str) -> str:
    """The name without its legal form: `Katz Marshall & Banks, LLP` → `Katz Marshall & Banks`."""
    name = name.strip()[:300]
    if " di " in name:
        name = _PARTNERS.sub("", name)
    if not name.isascii():
        for attached in joined():
            if name != attached:
                name = name.removeprefix(attached).removesuffix(attached).strip()
    words = name.split()[:MAX_WORDS]
    for _ in range(2):
        last = ends_with_form(words)
        if last is None or last.first == 0:
            break
        name = " ".join(words[: last.first]).rstrip(" ,-&(")
        name = name if _INITIALS.search(name) else name.rstrip(" ,.-&(")
        words = name.split()
    first = _form_at(words, 0, before()) if words else None
    # Short ones before a name are told by its country only: `SAS Institute` and `SC Dental` are whole names.
    if first and first.end < len(words) and before().spelled[first.key] is None:
        name = " ".join(words[first.end :]).strip(_AROUND)
    return name


def has_form(name: str) -> bool:
    """Whether the name carries a legal form."""
    bare = without_form(name)
    return (len(bare) < len(name.strip().rstrip(" ,.-")) and bool(bare)) or not kept().isdisjoint(
        map(_squash, name.split())
    )


def spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand."""
    return [match.span() for match in _WORD.finditer(text)][:MAX_WORDS]
