"""How good a company's row is, 0–1: which fields a seller needs are filled, each weighed by how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadmill.fact_fields import fact_field

#: What each field is worth. A row with all of them, each at confidence 1, has quality 1. The weights are
#: our own judgement of what a first call needs: who it is, how to reach them, where they are.
WEIGHTS: dict[str, float] = {
    "name": 0.20,
    "emails": 0.15,
    "phones": 0.15,
    "address": 0.12,
    "description": 0.10,
    "country": 0.08,
    "social": 0.06,
    "language": 0.04,
    "legal_name": 0.04,
    "contact_url": 0.03,
    "logo_url": 0.02,
    "founded": 0.01,
}


def quality(row: Mapping[str, Any], facts: Iterable[Mapping[str, Any]]) -> float:
    """Sum over `WEIGHTS` of weight × highest confidence among the field's facts, for the fields that are filled."""
    surest: dict[str, float] = {}
    for fact in facts:
        field = str(fact["field"]).partition(":")[0]
        surest[field] = max(surest.get(field, 0.0), float(fact["confidence"]))
    return round(
        sum(weight * surest.get(fact_field(field), 0.0) for field, weight in WEIGHTS.items() if row.get(field))
        / sum(WEIGHTS.values()),
        4,
    )
