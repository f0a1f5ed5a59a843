"""A finding: one value seen on one page, with where, how and how surely; the root of every fact.

Extractors and enrichers yield findings; the settling code weighs them and keeps the winners as facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from leadmill.rows import Fact

#: Longest value kept in a fact, characters.
MAX_FACT_VALUE = 500
#: Facts kept of one company.
MAX_FACTS = 200


class PageRef(NamedTuple):
    """The page a value was seen on."""

    url: str
    page_hash: str
    kind: str
    seen_at: datetime


class Finding(NamedTuple):
    """One value of one field seen on one page. `value` is text, or a mapping where the field has parts."""

    field: str
    value: Any
    method: str
    confidence: float
    page: PageRef


def fact(finding: Finding, value: str | None = None, *, field: str | None = None) -> Fact:
    """The finding as a row of `data.schemas.FACT`, with the value as settled (by default as seen)."""
    shown = str(finding.value) if value is None else value
    return {
        "field": field or finding.field,
        "value": shown[:MAX_FACT_VALUE],
        "source": finding.page.url,
        "page_hash": finding.page.page_hash,
        "method": finding.method,
        "confidence": round(min(1.0, max(0.0, finding.confidence)), 3),
        "seen_at": finding.page.seen_at,
    }


def surest(findings: Iterable[Finding]) -> Finding | None:
    """The finding of highest confidence; the first seen of equals."""
    return max(findings, key=lambda finding: finding.confidence, default=None)
