"""The street beside a town, put together of what a page has cut: its number, a unit, a floor, a building."""

from __future__ import annotations

import re
from collections.abc import Sequence

from extraction.extractors.addresses import streets
from extraction.extractors.addresses.formats import table
from extraction.extractors.addresses.segments import Segment, label_of

_ASIDE = re.compile(r"\b(?:tel|tél|phone|fon|fax|mob|e-?mail|www|mail)\b|@|\d{3}[\s./-]\d{3}|\+\d", re.IGNORECASE)


def street_before(lines: Sequence[str], pieces: list[Segment], *, sure: bool) -> str:
    """The street among the segments before a town, the nearest first, with what belongs to it."""
    extras: list[Segment] = []
    gap = 0
    for at, piece in enumerate(pieces):
        label = label_of(piece.text)
        if label == "street" and at:
            return joined(
                lines, [*pieces[at - 1 : at], *extras[-2:-1]] if not extras else [pieces[at - 1], *extras[:-1]]
            )
        if label:
            continue
        if streets.belongs(piece.text):
            extras.append(piece)
            continue
        strength = streets.strength(piece.text)
        if _gives_way(piece, strength, pieces[at + 1 : at + 2], sure=sure):
            continue
        numbered = bool(extras) and bool(streets.HOUSE.match(extras[-1].text))
        leads = any(p.line == piece.line and streets.HOUSE.match(p.text) for p in pieces[at + 1 : at + 2])
        if strength == streets.UNNUMBERED and not numbered and not leads and _is_street(pieces[at + 1 : at + 2]):
            if _goes_on(piece, pieces[at + 1]):
                return joined(lines, [*leading_parts(pieces[at + 1], pieces[at + 2 :]), pieces[at + 1], piece])
            continue  # a part of the town behind a street: `295 Eastern Avenue, Gants Hill`
        if (
            strength >= streets.FORMED
            or (strength and (sure or numbered or leads or streets.is_site(piece.text)))
            or (numbered and _is_name(piece, extras[-1]))
        ):
            return joined(lines, [*leading_parts(piece, pieces[at + 1 :]), piece, *extras[::-1]])
        if not _ASIDE.search(piece.text):
            gap += 1
        if gap > (2 if sure else 1):
            return ""
    return ""


def _gives_way(piece: Segment, strength: int, above: list[Segment], *, sure: bool) -> bool:
    """Whether the street stands above a P.O. box or a zone: `12 rue des Forges`, `ZA des Landes`."""
    street = streets.strength(above[0].text) if above else 0
    if strength == streets.NAMED and streets.is_box(piece.text):
        return street >= (streets.FORMED if sure else streets.NAMED) and not streets.is_box(above[0].text)
    return strength == streets.UNNUMBERED and bool(street) and streets.is_site(piece.text)


def _goes_on(street: Segment, before: Segment) -> bool:
    """Whether a street without a number is that of the house or terrace before it: `7-8 The Glade, Church Lane`."""
    near = street.line - before.line < 2
    return near and streets.strength(before.text) == streets.FORMED and streets.names_street(street.text, surely=True)


def leading_parts(street: Segment, further: list[Segment]) -> list[Segment]:
    """What stands before a street and belongs to it: its number (`12, rue …`), a unit, a building."""
    taken: list[Segment] = []
    nearest = street
    for piece in further[:3]:
        if not (_is_number_of(piece, nearest) or _houses(piece, nearest)):
            break
        taken.insert(0, piece)
        nearest = piece
    return taken


def _is_number_of(piece: Segment, street: Segment) -> bool:
    if piece.line != street.line or not streets.HOUSE.match(piece.text):
        return False
    bare = not any(map(str.isdigit, street.text)) or (street.text[:1].isdigit() and piece.text.isdigit())
    return bare or piece.text[:2].lower() in ("no", "nº")


def _houses(piece: Segment, street: Segment) -> bool:
    """Whether a segment before a street is the unit or the building that stands in it."""
    if piece.line == street.line and piece.start > 0 and streets.is_building(piece.text):
        return True
    near = street.line - piece.line < 2 and len(piece.text) <= 40 and streets.strength(piece.text) < streets.NAMED
    return near and streets.is_room(piece.text)


def street_behind(
    lines: Sequence[str], behind: list[Segment], number: int, chosen: str, countries: tuple[str, ...]
) -> str:
    """A street behind the town, where a country writes so: `1052 Budapest, Váci utca 12.`"""
    formats = table().formats
    likely = [formats[country] for country in ((chosen,) if chosen else countries)]
    # Elsewhere it may do so as well, where it stands right behind the town: `8010 Graz, Herrengasse 9`.
    most, below = (2, 1) if any(one.street_last for one in likely) else (1, 0)
    if not below and any("before" in one.sides for one in likely):
        return ""
    for at, piece in enumerate(behind[:most]):
        if piece.line > number + below:
            break
        extras = [s for s in behind[at + 1 : at + 3] if s.line == piece.line and streets.belongs(s.text)][:1]
        strength = streets.strength(piece.text)
        if strength == streets.NAMED or (chosen and strength and (extras or strength == streets.FORMED)):
            return joined(lines, [piece, *extras])
    return ""


def joined(lines: Sequence[str], pieces: list[Segment]) -> str:
    """The pieces as the page writes them: with its own signs where they share a line."""
    if not pieces:
        return ""
    text = ""
    for before, piece in zip([None, *pieces], pieces, strict=False):
        if before is None:
            text = piece.text
        elif before.line == piece.line and 0 <= piece.start - before.end < 8:
            text += lines[piece.line][before.end : piece.start] + piece.text
        else:
            parted = lines[before.line][before.end : before.end + 1] in (",", ";")
            joins = text[-1:].isalpha() and piece.text[0].isdigit() and streets.HOUSE.match(piece.text) and not parted
            text += (" " if joins else ", ") + piece.text
    return text


def _is_street(pieces: list[Segment]) -> bool:
    return any(streets.strength(piece.text) >= streets.FORMED for piece in pieces)


def _is_name(piece: Segment, number: Segment) -> bool:
    """Whether a segment just before a house number that stands alone may be the street's name."""
    words = piece.text.split()
    return (
        len(words) <= 4
        and number.line - piece.line <= 1
        and not any(map(str.isdigit, piece.text))
        and words[0][0].isupper()
    )
