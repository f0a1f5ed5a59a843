"""Lines cut into segments: what stands between commas, bars, dashes and the ends of lines, labels taken off.

A table or a definition list says what a part is in the cell before it; a line of text says it before a colon.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

_SIGNS = ",;|·•‣▪●►»、，；｜⋅∙⦁◦■□◆◇♦❖★☆✦✧→›"
#: Begins with one set of signs, so that the search runs over letters at once.
_CUT = re.compile(
    rf"[{_SIGNS}:：\s/.–—](?:(?<=[{_SIGNS}])|(?<=[^\W\d][:：])|(?<=\s)(?:[-–—/*~:+>]+\s|[-/](?=\w))|(?<=\w\w/)\s"
    r"|(?<=\w[–—])\s|(?<=\d\.)\s(?=\d{4}))"
)
_EDGES = " \t.:*-–—_>/\"“”„'’‘()[]"
_ENDS = ' \t:*-–—_>"“”„'
_LABELS = Path(__file__).with_name("labels.toml")
#: Longest label that stands alone, characters.
_MAX_LABEL = 40
_JOINT = re.compile(r"\s?[&/+]\s?|,\s|\s(?:and|und|et|y|e|en|og|och|i|a)\s")
#: What stands in one label with the head office.
_PREMISES = frozenset(
    "factory works plant showroom warehouse workshop shop store laboratory production sales service "
    "werk produktion lager verwaltung fabrik ausstellung usine atelier entrepôt magasin fábrica almacén tienda taller "
    "fabbrica stabilimento magazzino showroom fabriek magazijn fabrik lager fabryka magazyn".split()
)


class Segment(NamedTuple):
    """A piece of a line and where it stands: `line[start:end]`."""

    text: str
    line: int
    start: int
    end: int


@cache
def _labels() -> dict[str, str]:
    return {said: part for part, words in tomllib.loads(_LABELS.read_text("utf-8")).items() for said in words}


@lru_cache(maxsize=2_048)
def label_of(text: str) -> str:
    """Which part a segment announces that is nothing but a label: street, postcode, city, both, region, country,
    address, head (the head office's) or aside (a phone, a web address); "" for what is none.
    """
    if len(text) > _MAX_LABEL:
        return ""
    text = text.casefold()
    return _labels().get(text) or ("head" if _JOINT.search(text) and _is_head_of_several(text) else "")


def _is_head_of_several(text: str) -> bool:
    """Whether a label names the head office beside other things: `registered office & factory`."""
    parts = _JOINT.split(text)
    kinds = [_labels().get(part, "") for part in parts]
    return "head" in kinds and all(kind or part in _PREMISES for kind, part in zip(kinds, parts, strict=True))


@lru_cache(maxsize=1_024)
def pieces(line: str) -> tuple[tuple[str, int, int], ...]:
    """(text, start, end) of each segment of a line, white space and signs around it taken off. Kept: pages of one site
    share their lines.
    """
    found: list[tuple[str, int, int]] = []
    begin = 0
    for match in _CUT.finditer(line):
        _take(found, line, begin, match.start())
        begin = match.end()
    _take(found, line, begin, len(line))
    return tuple(found)


def _take(found: list[tuple[str, int, int]], line: str, begin: int, end: int) -> None:
    bare = line[begin:end].lstrip(_EDGES)
    if bare[:2] in ("t ", "s-") and line[end - len(bare) - 1 : end - len(bare)] in ("'", "’", "‘"):
        bare = line[end - len(bare) - 1 : end]  # `'t Zand`
    if kept := bare.rstrip(_ENDS):
        start = end - len(bare)
        found.append((kept, start, start + len(kept)))
