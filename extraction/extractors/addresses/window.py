"""The address around one place of a page: a postcode, or the house number of a street that has none.

The town is looked for on the side of the code that a country of such codes writes it on, the street before it, or
behind it where some country does so. A code of four or five digits proves nothing: it needs a town and a street.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from typing import NamedTuple

from extraction.extractors.addresses import streets, towns
from extraction.extractors.addresses.beside import Town, country_by_city, side_of, told_country, town_after, town_before
from extraction.extractors.addresses.cjk import read_cjk
from extraction.extractors.addresses.formats import code_form, countries_of, folded, table
from extraction.extractors.addresses.segments import Segment, label_of, pieces
from extraction.extractors.addresses.street_search import joined, leading_parts, street_before, street_behind
from extraction.extractors.countries import country_named
from extraction.line_cache import cached_by_line

_AHEAD = r"(?<![A-Za-z0-9_$€£¥#+@.=&]{0})(?<!\d[,:/-]{0})"
_BEHIND = r"(?![A-Za-z0-9_%@]|[.,:/-]\d)"
#: Codes of digits, and those that begin with them; without the first one.
_OF_DIGITS = (
    r"\d{4}-\d{4}|\d{4}-\d{3}|\d{3}-\d{3}|\d\d-\d{4}|\d-\d{3}|\d\d[ ]\d{2,3}|\d{3}(?:[ ]?[A-Z]{2}|[a-z]{2})|\d{3,6}"
)
_DIGITS = re.compile(rf"\d{_AHEAD.format('.')}(?:{_OF_DIGITS}){_BEHIND}")
_LETTERED = re.compile(r"\d(?<=[A-Za-z].)")
#: Whatever has the form of a postcode somewhere.
_ANY = re.compile(
    rf"{_AHEAD.format('')}(?:\d(?:{_OF_DIGITS})"
    r"|[A-Za-z]{1,2}\d[A-Za-z\d]?\s{0,2}\d[A-Za-z]{2}|[A-Za-z]\d[A-Za-z][ -]?\d[A-Za-z]\d"
    rf"|(?:[A-Z]\d\d|D6W)[ ]?[A-Z\d]{{4}}|[A-Z]\d{{4}}[A-Z]{{3}}){_BEHIND}"
)


def codes_in(line: str) -> Iterator[re.Match[str]]:
    """Whatever has the form of a postcode of some country."""
    # Most lines have none that begins with a letter: the search then goes from digit to digit.
    return (_ANY if _LETTERED.search(line) else _DIGITS).finditer(line)


#: Longest line looked at as a whole: what is longer ends an address.
MAX_LINE = 400
#: Lines before and behind a code, and segments of them, that may be of its address.
LINES_BEFORE, LINES_BEHIND = 6, 4
SEGMENTS_BEFORE, SEGMENTS_BEHIND = 7, 3

_MARK = re.compile(r"(?:^|[\s(])([A-Z]{1,3})\s?([-–]?)\s?\Z")
_CODE_LABEL = re.compile(
    r"(?:\b(?:plz|cep|c\.?\s?p\.?|cap|zip(?:\s?code)?|post\s?code|postal\s?code|eircode|psč|irsz\.?|pin(?:\s?code)?|"
    r"t\.?\s?k\.?|postnr\.?|p\.?c\.?)|〒|우)\s?[-.:–]?\s?\Z",
    re.IGNORECASE,
)
#: Codes that no other thing looks like: they need a town only.
_TELLING = frozenset(("GB", "CA", "NL", "AR", "IE"))
_RARE_FORM = frozenset(("999999", "999 999", "9999999", "999-9999", "999", "AAA 9999", "AAA9999"))
_start_of = attrgetter("start")
_DUBLIN = re.compile(r"dublin \d{1,2}w?\Z")
#: Countries whose addresses may end with the region, without a code.
_WITH_REGION = ("US", "CA", "AU", "IE")


class Reading(NamedTuple):
    """An address as read: its parts ("" where there is none), its line, and whether it is called the head office."""

    street: str
    city: str
    region: str
    postcode: str
    country: str
    line: int
    head: bool


class Found(NamedTuple):
    """A reading, and where in the window it ends: line and place."""

    reading: Reading
    end: tuple[int, int]


class _Asked(NamedTuple):
    """A code and what stands around it."""

    code: str
    number: int
    #: What stands before it in its segment, and behind.
    rest: Segment
    right: str
    before: list[Segment]
    behind: list[Segment]
    countries: tuple[str, ...]
    mark: str
    labelled: bool


class Window:
    """The lines of a page, looked at around one place after the other. `home`: countries that the page points to."""

    def __init__(self, lines: Sequence[str], home: tuple[str, ...]) -> None:
        self.lines = lines
        self.home = home
        #: The place, by line and sign, from which on the text is nobody's yet.
        self.after = (-1, -1)
        self._segments: dict[int, list[Segment]] = {}

    def _cut(self, number: int) -> list[Segment]:
        segments = self._segments.get(number)
        if segments is None:
            cuts = pieces(self.lines[number])
            segments = [Segment(text, number, start, end) for text, start, end in cuts]
            self._segments[number] = segments
        return segments

    def _before(self, number: int, own: list[Segment]) -> list[Segment]:
        """The segments before those of a line that are given, the nearest first."""
        before = own[::-1]
        for above in range(number - 1, max(-1, number - 1 - LINES_BEFORE), -1):
            if len(before) >= SEGMENTS_BEFORE or len(self.lines[above]) > MAX_LINE:
                break
            before += self._cut(above)[::-1]
        after = self.after
        return [s for s in before[:SEGMENTS_BEFORE] if s.line > after[0] or (s.line, s.start) > after]

    def _below(self, number: int, most: int, last: int) -> list[Segment]:
        """The segments behind a line, at most so many, down to the line `last`."""
        below: list[Segment] = []
        for line in range(number + 1, min(last + 1, len(self.lines))):
            if len(below) >= most or len(self.lines[line]) > MAX_LINE:
                break
            below += self._cut(line)
        return below[:most]

    def around_code(self, number: int, begin: int, end: int) -> Found | None:
        """The address around the code at `lines[number][begin:end]`."""
        line, segments = self.lines[number], self._cut(number)
        code = " ".join(line[begin:end].split())
        countries = countries_of(code)
        place = bisect_right(segments, begin, key=_start_of) - 1
        if place < 0 or end > segments[place].end or not countries:
            return None
        own = segments[place]
        if code.isdigit() and streets.is_room(own.text) and streets.ROOM.fullmatch(own.text):
            return None
        if code.isdigit() and streets.is_of_box(own.text, begin - own.start):
            return None
        before = self._before(number, segments[:place])
        behind = segments[place + 1 :] + self._below(number, SEGMENTS_BEHIND, number + LINES_BEHIND)
        left, right = line[own.start : begin], line[end : own.end].lstrip(" )],.-–—/")
        if not line.isascii() and (found := self._in_script(code, number, [right, left], before, behind, countries)):
            return found
        left, mark = _mark(left, countries, bool(right))
        left, labelled = _unlabelled(left, before)
        rest = own._replace(text=left.strip(" ,.([-–|/"), end=own.start + len(left))
        countries = (mark,) if mark else tuple(c for c in countries if not table().formats[c].always_marked)
        asked = _Asked(
            code, number, rest, right, _unlabelled_parts(before), _unlabelled_parts(behind), countries, mark, labelled
        )
        return self._read(asked, own, end)

    def _read(self, asked: _Asked, own: Segment, end: int) -> Found | None:
        ahead, after = self._sides(asked)
        told = asked.mark or told_country(ahead, after, asked.right, asked.countries)
        if not told and len(asked.countries) == 1 and not asked.right and asked.behind:
            told = asked.countries[0] if towns.is_region(asked.behind[0].text, asked.countries) else ""
        city_of = told or country_by_city(ahead, after, asked.countries)
        chosen = city_of or self._at_home(asked.countries)
        side = side_of(chosen, asked.countries, ahead, after, bool(asked.right), asked.rest, asked.before, asked.behind)
        town, nearest, used = after, [asked.rest, *asked.before], after.used
        if side == "before":
            town, nearest, used = ahead, asked.before[ahead.used :], 0
            if ahead.street:
                nearest = [ahead.street, *nearest]
            if not town.region and not asked.right and asked.behind:
                town = town._replace(region=towns.is_region(asked.behind[0].text, asked.countries) or "")
        if not town.name and asked.code.isdigit():
            return None
        telling = len(asked.countries) == 1 and asked.countries[0] in _TELLING
        if telling and is_year(asked.code[:4]) and "NL" not in self.home:
            telling = False  # `2014 UK`
        street = street_before(self.lines, [s for s in nearest if s.text], sure=telling or bool(told))
        if not street:
            street = town.tail or street_behind(self.lines, asked.behind[used:], asked.number, chosen, asked.countries)
        known = bool(told or asked.labelled)
        if not _holds(asked.code, town, street, proof=telling or known, known=known or bool(chosen)):
            return None
        last = asked.behind[used - 1] if used else own
        reading = Reading(
            streets.bare_street(street),
            towns.district_off(town.name),
            town.region,
            asked.code.upper(),
            city_of or _by_street(street, asked.countries),
            asked.number,
            any(label_of(s.text) == "head" for s in asked.before),
        )
        return Found(reading, (last.line, max(last.start, end - 1 if last is own else 0)))

    def _at_home(self, countries: tuple[str, ...]) -> str:
        if len(countries) == 1:
            return countries[0]
        return next((country for country in self.home if country in countries), "")

    def _sides(self, asked: _Asked) -> tuple[Town, Town]:
        """The towns before and behind a code; one side is not looked at where the other tells enough."""
        any_case = any(map(str.isalpha, asked.code)) and self.lines[asked.number].islower()
        home = self._at_home(asked.countries)
        after = Town()
        if asked.right and home and table().formats[home].sides == {"after"}:
            after = town_after(asked.right, asked.behind, asked.countries, any_case=any_case)
            if after.name:
                return Town(), after
        ahead = town_before(asked.rest, asked.before, asked.countries, any_case=any_case)
        if not (ahead.name and ahead.region and folded(ahead.region) in table().formats["US"].regions):
            after = town_after(asked.right, asked.behind, asked.countries, any_case=any_case)
        return ahead, after

    def _in_script(
        self, code: str, number: int, own: list[str], before: list[Segment], behind: list[Segment], of: tuple[str, ...]
    ) -> Found | None:
        for text in (*own, *(s.text for s in behind[:1]), *(s.text for s in before[:2])):
            if text and not text.isascii() and (found := read_cjk(text, of)):
                country, parts = found
                head = any(label_of(s.text) == "head" for s in before)
                reading = Reading(parts["street"], parts["city"], parts.get("region", ""), code, country, number, head)
                return Found(reading, (number, len(self.lines[number])))
        return None

    def without_code(self, number: int) -> Found | None:
        """An address that ends without a code: with its town where a country has no codes, a region or a country."""
        own = self._cut(number)
        first = next((at for at, s in enumerate(own) if streets.strength(s.text) >= streets.FORMED), None)
        if first is None or (number, own[first].start) <= self.after:
            return None
        following = (own[first + 1 :] + self._below(number, 4, number + LINES_BEHIND))[:5]
        for at, piece in enumerate(following):
            ends = _ending(piece.text)
            if ends is None:
                continue
            city, region, country = ends
            near = [*following[: at + 3], *self._below(following[-1].line, 1, number + LINES_BEHIND)]
            if any((code := next(codes_in(s.text), None)) and country in countries_of(code[0]) for s in near):
                return None
            if not city:
                city = towns.whole(following[at - 1].text) if at else ""
                if not city or streets.strength(following[at - 1].text) >= streets.FORMED or streets.belongs(city):
                    return None
            extras = [s for s in following[:at] if streets.belongs(s.text)]
            street = joined(self.lines, [*leading_parts(own[first], own[:first][::-1]), own[first], *extras])
            reading = Reading(
                streets.bare_street(street),
                city,
                region,
                "",
                country,
                number,
                any(label_of(s.text) == "head" for s in self._before(number, own[:first])),
            )
            return Found(reading, (piece.line, piece.end))
        return None


@cached_by_line
def ends_address(line: str) -> bool:
    """Whether a segment of a line ends an address without a code: none does where no line behind its street has one."""
    return len(line) <= MAX_LINE and any(_ending(text) is not None for text, _, _ in pieces(line))


def is_year(code: str) -> bool:
    return len(code) == 4 and code.isdigit() and 1900 <= int(code) < 2100


def _mark(left: str, countries: tuple[str, ...], town_behind: bool) -> tuple[str, str]:
    """(text before the mark, country) of a code's mark: `D-80331`, `LV-1010`, `SE 113 29`."""
    match = _MARK.search(left)
    country = table().marks.get(match[1], "") if match else ""
    if match is None or country not in countries:
        return left, ""
    if not match[2] and not town_behind and folded(match[1]) in table().regions:
        return left, ""
    return left[: match.start()], country


def labelled_code(ahead: str) -> bool:
    """Whether a text ends with what announces a postcode: `PLZ `, `CEP: `."""
    return bool(_CODE_LABEL.search(ahead))


def _unlabelled(left: str, before: list[Segment]) -> tuple[str, bool]:
    match = _CODE_LABEL.search(left)
    if match:
        return left[: match.start()], True
    return left, bool(before) and not left.strip(" (") and label_of(before[0].text) in ("postcode", "both")


@lru_cache(maxsize=1_024)
def _ending(text: str) -> tuple[str, str, str] | None:
    """(town, region, country) of a segment that ends an address without a code."""
    if len(text) > 40:
        return None
    name = folded(text)
    if country := table().towns.get(name):
        return text, "", country
    if _DUBLIN.match(name):
        return "Dublin", "", "IE"
    if name.startswith(("co ", "county ")) and name.partition(" ")[2] in table().formats["IE"].regions:
        return "", text, "IE"
    if (len(text) == 2 or len(text) > 4) and (ends := _regions_at_ends().get(name)):
        return ("", *ends) if text[:2].isupper() or len(text) > 3 else None
    country = country_named(text) if len(text) > 2 else None
    return ("", "", country) if country else None


@cache
def _regions_at_ends() -> dict[str, tuple[str, str]]:
    """Folded regions that may end an address → (region, country)."""
    formats = table().formats
    return {
        name: (kept, country) for country in reversed(_WITH_REGION) for name, kept in formats[country].regions.items()
    }


def _holds(code: str, town: Town, street: str, *, proof: bool, known: bool) -> bool:
    """Whether what was found around a code is an address, and no year, price or number of something else."""
    if not street and not town.name:
        return False
    form = code_form(code)
    if form in _RARE_FORM and not (known and (town.name or street)):
        return False
    if proof and town.name and not (form == "9999" and is_year(code) and not street):
        return not town.runs_on or bool(street)
    if proof and street and not code.isdigit():
        return True
    if town.runs_on or not street or not town.name:
        return False
    # Four digits are a year, a model, a price: where nothing tells the country, the street must be called one.
    return form != "9999" or known or streets.strength(street) == streets.NAMED


def _by_street(street: str, countries: tuple[str, ...]) -> str:
    """The country of a bare code, where the words of the street leave one: `utca` is Hungarian."""
    if len(countries) == 1:
        return countries[0]
    named = streets.countries_by_words(street).intersection(countries) if street else ()
    return next(iter(named)) if len(named) == 1 else ""


def _unlabelled_parts(segments: list[Segment]) -> list[Segment]:
    return [s for s in segments if label_of(s.text) not in ("postcode", "both", "city", "country", "region")]
