"""The town on either side of a postcode, what is read on the way to it, and on which side it stands."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from extraction.extractors.addresses import streets, towns
from extraction.extractors.addresses.formats import folded, table
from extraction.extractors.addresses.segments import Segment, label_of
from extraction.extractors.countries import country_named

#: Countries that are called as their town.
_CITY_STATES = frozenset(("LU", "MC", "SM", "SG"))
_NUMBER_AND_TOWN = re.compile(r"(\d{1,5}[A-Za-z]?)\s+([^\W\d].{1,40})\Z")


class Town(NamedTuple):
    """The town on one side of a code, and what was read on the way to it."""

    name: str = ""
    region: str = ""
    country: str = ""
    #: What stands before the town in its own segment, and may be the street.
    street: Segment | None = None
    #: How many segments on its side are used up.
    used: int = 0
    #: Something follows the town in the same breath that is no part of an address.
    runs_on: bool = False
    #: The street that follows it in the same breath: `35-001 Rzeszów ul. 3 Maja 20`.
    tail: str = ""


def town_before(rest: Segment, before: list[Segment], countries: tuple[str, ...], *, any_case: bool) -> Town:
    """The town before a code, walking away from it: over the country, the region, to the town."""
    region = country = ""
    doubtful: Town | None = None
    pieces = [rest, *before] if rest.text else before
    own = 1 if rest.text else 0
    for at, piece in enumerate(pieces[:4]):
        used = at + 1 - own
        text = piece.text
        if label_of(text):
            break
        if not region and (kept := towns.is_region(text, countries)):
            region = kept
            doubtful = Town(towns.whole(text), "", country, None, used) if towns.whole(text) else None
            continue
        named = country_named(text) if len(text) > 2 and not country else None
        if named in countries and folded(text) not in table().towns:
            country = named or ""
            continue
        if not region:
            text, found = towns.region_behind(text, countries)
            region = found or ""
        if name := towns.whole(text, any_case=any_case):
            strength = streets.strength(piece.text)
            numbered = strength == streets.FORMED and towns.district_off(text) != text  # `Dublin 2`
            if strength < streets.FORMED or (
                numbered and any(streets.strength(s.text) >= streets.FORMED for s in pieces[at + 1 : at + 3])
            ):
                return Town(name, region, country, None, used)
        street, name = towns.after_street(text)
        if name:
            taken = piece._replace(text=street, end=piece.start + len(street))
            return Town(name, region, country, taken, max(used, 0))
        match = _NUMBER_AND_TOWN.match(text)
        if match and used < len(before) and towns.whole(match[2]):
            taken = piece._replace(text=match[1], end=piece.start + len(match[1]))
            return Town(towns.whole(match[2]), region, country, taken, max(used, 0))
        if doubtful is None:
            return Town("", region, country, piece._replace(text=text), max(used, 0))
        break
    return doubtful or Town("", region, country)


def town_after(right: str, behind: list[Segment], countries: tuple[str, ...], *, any_case: bool) -> Town:
    """The town behind a code, and the region and country behind it."""
    used = 0
    if right:
        name, rest = _without_street(*towns.leading(right, any_case=any_case))
    else:
        if not behind:
            return Town()
        name, rest = towns.whole(behind[0].text, any_case=any_case), ""
        used = 1
    if (
        not name
        or (not right and streets.strength(behind[0].text) >= streets.FORMED)
        or streets.names_street(name, surely=True)
    ):
        return Town()
    told = country_named(name) if right else None
    if told in countries and told not in _CITY_STATES:
        return Town("", "", told or "")  # `Ness-Ziona, 74140 Israel`
    name, country = towns.without_country(name)
    name, region = towns.region_behind(name, countries)
    if len(name) < 2:
        return Town()
    if rest[:1] in ("(", "/", "-") or (rest and rest.split(" ")[0].strip("().,").isupper()):
        region = region or towns.is_region(rest.split(")")[0] if rest[0] == "(" else rest.split(" ")[0], countries)
        rest = "" if region or rest[0] == "(" else rest
    tail = rest if rest and streets.strength(rest) == streets.NAMED else ""
    rest = towns.district_off(f"a {rest}")[2:] if rest else rest
    runs_on = not tail and bool(rest) and (rest[0].islower() or rest[0].isdigit()) and not country_named(rest)
    for piece in behind[used : used + 2]:
        if not region and (kept := towns.is_region(piece.text, countries)):
            region, used = kept, used + 1
        elif (named := country_named(piece.text)) and not country:
            country, used = named, used + 1
            break
        else:
            break
    if country is None and rest:
        country = country_named(rest.strip(" ,.()-–"))
    return Town(name, region or "", country or "", None, used, runs_on, tail)


def _without_street(name: str, rest: str) -> tuple[str, str]:
    """(town, rest) of `Madrid Calle Mayor`, `5`: a street's word before a number begins the street."""
    if rest[:1].isdigit():
        words = name.split()
        at = next((at for at, word in enumerate(words) if at and streets.names_street(word, surely=True)), 0)
        if at:
            return " ".join(words[:at]), " ".join((*words[at:], rest))
    return name, rest


def side_of(
    chosen: str,
    countries: tuple[str, ...],
    ahead: Town,
    after: Town,
    right: bool,
    rest: Segment,
    before: list[Segment],
    behind: list[Segment],
) -> str:
    """On which side of the code its town stands: as the countries write, and where a town is."""
    sides = _sides((chosen,) if chosen else countries)
    if len(sides) == 1:
        return next(iter(sides))
    if not after.name or not ahead.name:
        return "after" if after.name else "before"
    if not right and country_named(after.name):
        return "before"
    alone = not rest.text and not (before and before[0].line == rest.line)
    if right or (alone and behind and behind[0].line == rest.line):
        return "after"
    return "before" if rest.text or not any(streets.strength(s.text) >= streets.FORMED for s in before[:1]) else "after"


@lru_cache(maxsize=512)
def _sides(countries: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(table().formats[country].sides for country in countries))


def told_country(ahead: Town, after: Town, right: str, countries: tuple[str, ...]) -> str:
    """The country that is named beside the code, or whose region is."""
    for country in (after.country, ahead.country):
        if country in countries:
            return country
    if (named := country_named(right.strip(" ,.()"))) and named in countries:
        return named
    for town in (ahead, after):
        if town.region and town.name:
            at = table().regions.get(folded(town.region), frozenset())
            having = [country for country in countries if country in at]
            if having:
                return having[0] if len(having) == 1 or town is ahead else ""
    for town in (ahead, after):
        if (country := table().towns.get(folded(town.name), "")) in countries:
            return country
    return ""


def country_by_city(ahead: Town, after: Town, countries: tuple[str, ...]) -> str:
    """The country of a well-known city beside a code that several countries have: less than a proof."""
    for town in (after, ahead):
        if (country := table().cities.get(folded(town.name), "")) in countries:
            return country
    return ""
