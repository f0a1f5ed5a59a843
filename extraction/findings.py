"""A finding: one value seen on one page, with where, how and how surely; the root of every fact.

Extractors and enrichers yield findings; the settling code weighs them and keeps the winners as facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from extraction.calibration import confidence
from leadmill.fact_fields import MAX_QUOTE
from leadmill.rows import Fact

#: Longest value kept in a fact, characters.
MAX_FACT_VALUE = 500
#: Facts kept of one company.
MAX_FACTS = 200
#: Candidates kept of one field of a company.
MAX_CANDIDATES = 5
#: Words kept in a fact, characters of each.
MAX_WORDS = 8
MAX_WORD = 80


class PageRef(NamedTuple):
    """The page a value was seen on."""

    url: str
    page_hash: str
    kind: str
    seen_at: datetime


class Finding(NamedTuple):
    """One value of one field seen on one page. `value` is text, or a mapping or list where the field has parts."""

    field: str
    value: Any
    method: str
    confidence: float
    page: PageRef
    #: Where it was read: the place in `Document.lines`, or the declared node, as `json-ld:3`.
    line: int | None = None
    node: str = ""
    #: The words of the page that it was read from, at most `MAX_QUOTE` characters.
    quote: str = ""
    #: Where no sentence tells it: what made the rule speak, as it stands in text, markup, headers or address.
    words: tuple[str, ...] = ()
    #: Why settling took it, or did not; empty where the confidences tell.
    why: str = ""
    #: Whose it is where it is not the company's: a role (`extraction.roles`), or another firm's legal name.
    owner: str = ""
    #: On a page that gives several firms: the legal name in whose lines it stands, and what labels that name.
    party: str = ""
    cue: str = ""


def excerpt(line: str, value: Any) -> str:
    """At most `MAX_QUOTE` characters of a line, with the value among them where it, or a part of it, stands there."""
    if len(line) <= MAX_QUOTE:
        return line
    parts = (
        value.values() if isinstance(value, dict) else (value, value.partition("@")[0]) if type(value) is str else ()
    )
    place = next((at for part in parts if part and type(part) is str and (at := line.find(part)) >= 0), 0)
    start = max(0, place - MAX_QUOTE // 2) if place + 40 > MAX_QUOTE // 2 else 0
    return line[start : start + MAX_QUOTE]


def weight(finding: Finding) -> float:
    """What a finding is weighed with, 0 to 1, as its fact tells it."""
    return round(min(1.0, max(0.0, finding.confidence)), 3)


def fact(finding: Finding, value: str | None = None, *, field: str | None = None, chosen: bool = True) -> Fact:
    """The finding as a row of `data.schemas.FACT`, with the value as settled (by default as seen).

    The confidence of a chosen one is how often such values are right (`extraction.calibration`); that of a candidate
    stays what it was weighed with.
    """
    weighed = weight(finding)
    shown = str(finding.value) if value is None else value
    return {
        "field": field or finding.field,
        "value": shown[:MAX_FACT_VALUE],
        "source": finding.page.url,
        "page_hash": finding.page.page_hash,
        "method": finding.method,
        "confidence": confidence(field or finding.field, finding.method, weighed) if chosen else weighed,
        "seen_at": finding.page.seen_at,
        "quote": finding.quote or None,
        "words": list(finding.words[:MAX_WORDS]) or None,
        "line": finding.line,
        "node": finding.node or None,
        "why": finding.why[:MAX_QUOTE] or None,
    }


def few(candidates: Iterable[Fact]) -> list[Fact]:
    """Of each field the surest `MAX_CANDIDATES`, in the order of the fields."""
    fields: dict[str, list[Fact]] = {}
    for candidate in candidates:
        fields.setdefault(candidate["field"], []).append(candidate)
    return [
        candidate
        for of_field in fields.values()
        for candidate in sorted(of_field, key=lambda c: -c["confidence"])[:MAX_CANDIDATES]
    ]


def surest(findings: Iterable[Finding]) -> Finding | None:
    """The finding of highest confidence; the first seen of equals."""
    return max(findings, key=lambda finding: finding.confidence, default=None)
