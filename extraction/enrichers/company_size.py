"""How many people work there: declared, or said in a clause (`extraction.headcounts`); a range of two integers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from extraction.clauses import MAX_READ
from extraction.enrichers import Enricher, Outcome
from extraction.findings import Finding, fact
from extraction.headcounts import COUNT, HINTS, LABEL, TEAM_HINTS, Size, integer, sizes
from extraction.number_words import is_written

if TYPE_CHECKING:
    from extraction.document import Document
    from extraction.structured import Node

#: Lines with a number and a word for people that are looked at closely on one page.
MAX_LINES = 150
_DIGIT = re.compile(r"\d")


def _look(page: Document) -> Iterator[Finding]:
    for node in page.graph.own:
        declared = _declared(node)
        if declared:
            yield page.declared("employees", declared._asdict(), node, 0.95)
    count = looked = 0
    teams = set(page.marked(TEAM_HINTS))
    for place, text in _telling(page):
        if looked < MAX_LINES and (_DIGIT.search(text) or is_written(text[:MAX_READ])):
            looked += 1
            for size, confidence in sizes(text, page.core, place in teams):
                about = 0.1 if page.kind in ("about", "careers", "team") else 0.0
                yield page.found("employees", size._asdict(), "text", confidence + about, line=place)
                count += 1
            if count >= 10:
                return


def _telling(page: Document) -> Iterator[tuple[int, str]]:
    """The lines with a hint word, by their numbers; one that is only a label with the number on the line behind it."""
    labelled = -1
    for number in page.marked(HINTS):
        line = page.lines[number]
        behind = page.lines[number + 1] if number + 1 < len(page.lines) else ""
        if len(line) <= 30 and len(behind) <= 40 and _DIGIT.search(behind[:16]) and LABEL.match(line):
            labelled = number + 1
            yield labelled, f"{line} {behind}"
        elif number != labelled:
            yield number, line


def _declared(node: Node) -> Size | None:
    for part in node.nodes("numberOfEmployees"):
        least = integer(part.first("minValue") or part.first("value") or "")
        most = integer(part.first("maxValue") or part.first("value") or "")
        if least is not None or most is not None:
            return Size(least if least is not None else 1, most)
    for text in node.texts("numberOfEmployees")[:1]:
        match = re.match(rf"\s*{COUNT}(?:\s?[-–]\s?{COUNT})?", text[:60])
        if match:
            least = integer(match[1])
            most = integer(match[2]) if match[2] else least
            return Size(least, most) if least is not None else None
    return None


def _settle(row: Mapping[str, Any], findings: Sequence[Finding]) -> Outcome:
    best = max(findings, key=lambda f: (f.confidence, f.value["least"]), default=None)
    if best is None:
        return Outcome({"employees_min": None, "employees_max": None}, [])
    size = Size(**best.value)
    shown = (
        f"{size.least}+"
        if size.most is None
        else str(size.least)
        if size.least == size.most
        else f"{size.least}-{size.most}"
    )
    return Outcome({"employees_min": size.least, "employees_max": size.most}, [fact(best, shown)])


ENRICHER = Enricher("company_size", ("employees_min", "employees_max"), _look, _settle)
