"""Addresses in the lines of a page: postcodes are found first, and read with what stands around them.

Most numbers of a page are none: what is dialled, dated, counted or bought is told by the sign or word beside it before
anything else is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from extraction.extractors.addresses import streets
from extraction.extractors.addresses.formats import countries_of
from extraction.extractors.addresses.window import (
    LINES_BEFORE,
    LINES_BEHIND,
    MAX_LINE,
    Found,
    Reading,
    Window,
    codes_in,
    ends_address,
    is_year,
    labelled_code,
)
from extraction.line_cache import cached_by_line

#: Codes looked at on one page.
MAX_LOOKED = 300
#: Windows kept in this process, each of some lines of `MAX_LINE` characters at most.
MAX_WINDOWS = 256
#: Longest line of a street whose address has no code.
MAX_STREET_LINE = 160

_DIGIT = re.compile(r"\d")
#: What every code has: spares most lines the search for one.
_HINT = re.compile(
    r"\d(?:\d{3}|\d-\d{3}|\d\d[ -]\d\d|[A-Za-z]{2}(?![A-Za-z])|[A-Za-z][ -]?\d[A-Za-z]|"
    r"\d ?[A-Z\d]{4}|[ ]{0,2}\d[A-Za-z]{2})"
)
#: Codes that much else looks like: on pages of their country only.
_AT_HOME = {
    "TW": re.compile(r"(?<![A-Za-z0-9$€£¥#+@.=&-])\d{3}(?![A-Za-z0-9%@]|[.,:/ -]\d)"),
    "IS": re.compile(r"(?<![A-Za-z0-9$€£¥#+@.=&])(?<!\d-)\d{3}(?=\s[^\W\d])"),
    "MT": re.compile(r"\b[A-Z]{3}\s?\d{4}\b"),
}
#: What makes a number behind it none of an address.
_COUNTED = re.compile(
    r"(?:\b(?:tel|fax|phone|fon|mobile|no|nr|n[º°]|order|ref|call|since|seit|depuis|desde|founded|est|established|"
    r"copyright|vat|reg|id|hrb|kvk|iban|model|art|isbn|over|about|around|than|of|in|by|year|the|from|until|"
    r"for|with|and|to|at|between|suite|ste|unit|apt|room|box|floor|lot|version)\b\W{0,3}|(?:[©$€£#+]|\(c\))\s?)\Z",
    re.IGNORECASE,
)
#: Digits or a label right before a number, digits right behind it: it is dialled.
_DIALLED = re.compile(
    r"(?:\d{2,}(?:\s-)?|\d\)|\+\d|\b(?:tel(?!\saviv)|fax|phone|fon|call|mobile)[^\d,]{0,12})[\s/.)-]{1,2}\Z",
    re.IGNORECASE,
)
#: A street and its number before a code of two parts: `Björkvägen 12 - 137 41 Västerhaninge`.
_HOUSE_AHEAD = re.compile(
    r"(?<!\w)(?!tel|fax|mob|pho|call|fon)[^\W\d_]{4,}\s\d{1,3}\s?[A-Za-z]?\s(?:[-–]\s)?\Z", re.IGNORECASE
)
_ROOM_AHEAD = re.compile(r"(?:\b(?:suite|ste|unit|apt|apartment|room|rm)\b\.?\s?|#\s?)\Z", re.IGNORECASE)
_DIGITS_BEHIND = re.compile(r"\s?[-/]?\s?\d")
_NAME_BEHIND = re.compile(r"[\s,)-]{1,2}[^\W\d_a-z]|[\u3040-\ud7af]")
_PART = re.compile(r"[^,;|·•\u3000-\ud7af]{1,40}")
_SIGNS = frozenset(",|•·:;–-")
_SIGN_BEHIND = re.compile(r"\s?(?:[,|·•;(<–—]|\Z)")
#: A day or a month before a year, or nothing.
_DATED = re.compile(
    r"(?:\d(?:st|nd|rd|th)?[.,]?|(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zé]*\.?,?)\s\Z|^\W*\Z",
    re.IGNORECASE,
)
#: What a line must have to be looked at for an address without a postcode: a house number. The search runs from digit
#: to digit: before a street, behind it or behind `box`.
_HOUSE = re.compile(
    r"\d(?:(?<=^.)|(?<=[,|·•].)|(?<=[,|·•]\s.))\d{0,4}[A-Za-z]?,?\s[A-Z]"
    r"|\d(?:(?<=[^\W\d_]\s.)|(?<=[^\W\d_][.,]\s.))\d{0,4}\w?\s*(?:[,|·•]|$)|\d(?<=\bbox\s.)",
    re.IGNORECASE,
)


class Reader:
    """Reads the addresses of one page's lines; `home`: countries that the page itself points to, surest first."""

    def __init__(self, lines: Sequence[str], home: tuple[str, ...], with_digits: Sequence[int] | None = None) -> None:
        self.lines = lines
        #: The places of the lines with a digit.
        self._places = range(len(lines)) if with_digits is None else with_digits
        self.home = home
        #: Whether its own codes look like years.
        self._has_years = any(country in home for country in countries_of("2000"))
        #: Where the last address ended: what stands before is its own.
        self._after = (-1, -1)

    def read(self) -> Iterator[Reading]:
        """The addresses in the order of the page."""
        looked = 0
        at_home = next((_AT_HOME[country] for country in self.home if country in _AT_HOME), None)
        for number in self._places:
            line = self.lines[number]
            codes, houses = _looked_at(line)
            if codes and not self._has_years:
                codes = tuple(code for code in codes if self._may_be_here(number, *code))
            if at_home is not None and (special := list(islice(at_home.finditer(line), 3))):
                codes = tuple(match.span() for match in special)
            looked += len(codes)
            if looked > MAX_LOOKED:
                return
            found = [reading for begin, end in codes if (reading := self._at(number, begin, end))]
            if not found and houses and any(map(ends_address, self.lines[number : number + LINES_BEHIND + 1])):
                found = [reading] if (reading := self._at(number, 0, 0)) else []
            yield from found

    def _may_be_here(self, number: int, begin: int, end: int) -> bool:
        """Whether what looks like a year may be a code where the page's country has none such: behind a number."""
        line = self.lines[number]
        ahead = line[:begin] or (self.lines[number - 1] if number else "")
        return not is_year(line[begin:end]) or bool(_DIGIT.search(ahead))

    def _at(self, number: int, begin: int, end: int) -> Reading | None:
        """The address around a place; of one without a code where the place is empty."""
        if (number, begin) <= self._after:
            return None
        first, line, offset = max(0, number - LINES_BEFORE), self.lines[number], 0
        if len(line) > MAX_LINE:
            offset = max(0, begin - MAX_LINE // 2)
            line = line[offset : end + MAX_LINE // 3]
        # Of a line that ends an address for its length no more is kept than tells that.
        above, below = (
            [one[: MAX_LINE + 1] for one in lines]
            for lines in (self.lines[first:number], self.lines[number + 1 : number + LINES_BEHIND + 1])
        )
        before, place = self._after
        after = (before - first, place - (offset if before == number else 0)) if before >= first else (-1, -1)
        found = _around((*above, line, *below), number - first, begin - offset, end - offset, self.home, after)
        if found is None:
            return None
        last, place = found.end
        self._after = (last + first, place + (offset if last + first == number else 0))
        return found.reading._replace(line=number)


@lru_cache(maxsize=MAX_WINDOWS)
def _around(
    lines: tuple[str, ...], number: int, begin: int, end: int, home: tuple[str, ...], after: tuple[int, int]
) -> Found | None:
    """What stands around a code, or around a place without one; kept, as the pages of one site share their feet."""
    window = Window(lines, home)
    window.after = after
    return window.around_code(number, begin, end) if end > 0 else window.without_code(number)


@cached_by_line
def _looked_at(line: str) -> tuple[tuple[tuple[int, int], ...], bool]:
    """Where postcodes may stand in a line, and whether a street may that has none."""
    codes: tuple[tuple[int, int], ...] = ()
    if _HINT.search(line):
        codes = tuple(match.span() for match in islice(codes_in(line), 20) if _may_be(line, match))
    return codes, len(line) <= MAX_STREET_LINE and _HOUSE.search(line) is not None


def _may_be(line: str, match: re.Match[str]) -> bool:
    """A cheap look at what stands beside a code: what is dialled, dated, counted or bought is none."""
    code = match[0]
    if not (code[0].isdigit() and code[-1].isdigit()):
        return not code[:4].isdigit() or code[-2:].isupper() or len(code) == 6
    ahead, behind = line[max(0, match.start() - 20) : match.start()], line[match.end() : match.end() + 4]
    named = bool(_NAME_BEHIND.match(behind))
    if (
        ahead
        and not ahead[-1].isalnum()
        and _DIALLED.search(ahead)
        and not (named and (code.isdigit() or _HOUSE_AHEAD.search(ahead)))
    ):
        return False
    if not code.isdigit():
        return not _ROOM_AHEAD.search(ahead) and (named or not _DIGITS_BEHIND.match(behind))
    return (bool(ahead) and labelled_code(ahead)) or not (
        (not named and _DIGITS_BEHIND.match(behind))
        or (bool(ahead) and _is_counted(ahead))
        or (is_year(code) and not named and (_DATED.search(ahead) or not _SIGN_BEHIND.match(behind)))
        or (named and _is_house_number(line, match))
        or (behind[:1] == " " and behind[1:2].islower() and not line.islower())
    )


def _is_counted(ahead: str) -> bool:
    counted = _COUNTED.search(ahead)
    # `IN 46142` is Indiana.
    return counted is not None and not (counted[0][:2].isupper() and len(counted[0].strip()) == 2)


def _is_house_number(line: str, match: re.Match[str]) -> bool:
    """`1720 Kirkwood Drive` is no code and its town."""
    if match.start() and line[match.start() - 2 : match.start() - 1] not in _SIGNS:
        return False
    part = _PART.match(line, match.end())
    return part is not None and streets.names_street(part[0], surely=True)
