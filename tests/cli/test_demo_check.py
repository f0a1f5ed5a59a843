"""The demo's comparison tells every kind of fault, and the demo's table its reasons."""

from __future__ import annotations

from typing import Any

import pytest

from cli.demo import best_leads
from cli.demo_check import compare

TRUTH = {
    "a.example": {
        "name": "Acme",
        "city": "Bern",
        "language": "de",
        "emails": ["b@a.example", "a@a.example"],
        "technologies": ["React"],
        "social": {"linkedin": "https://de.linkedin.com/company/acme/", "x": "https://twitter.com/acme"},
    },
    "dead.example": {"error_category": "network"},
}


def row(domain: str = "a.example", **changes: Any) -> dict[str, Any]:
    good = {
        "domain": domain,
        "name": "Acme",
        "address": {"city": "Bern"},
        "language": "de-CH",
        "emails": ["a@a.example", "b@a.example"],
        "technologies": ["Nginx", "React"],
        "social": {"linkedin": "https://www.linkedin.com/company/acme", "x": "https://x.com/acme", "github": "g"},
        "error": None,
        "error_category": None,
    }
    return {**good, **changes}


DEAD = row("dead.example", error="no answer", error_category="network")


def test_what_is_right_passes() -> None:
    found = compare([row(), DEAD], TRUTH)
    assert (found.faults, found.differences, found.compared) == ([], [], 6)
    assert found.passed


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([DEAD], "a.example: is missing"),
        ([row(), row(), DEAD], "a.example: comes out 2 times"),
        ([row(), DEAD, row("b.example")], "b.example: was not asked for"),
        ([row(error="x", error_category="data"), DEAD], "a.example: failed with data: x, but should do well"),
        ([row(), row("dead.example")], "dead.example: did well, but should fail with network"),
    ],
)
def test_each_fault_is_said(rows: list[dict[str, Any]], fault: str) -> None:
    found = compare(rows, TRUTH)
    assert found.faults == [fault]
    assert not found.passed


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"name": None}, "name is None, not 'Acme'"),
        ({"address": None}, "city is None, not 'Bern'"),
        ({"language": "fr"}, "language is 'fr', not 'de'"),
        ({"emails": ["a@a.example"]}, "emails is ['a@a.example'], not ['b@a.example', 'a@a.example']"),
        ({"technologies": None}, "technologies lack React"),
    ],
)
def test_each_difference_is_said(changes: dict[str, Any], difference: str) -> None:
    found = compare([row(**changes), DEAD], TRUTH)
    assert found.differences == [f"a.example: {difference}"]
    assert not found.passed
    assert found.right == pytest.approx(5 / 6)


def test_no_rows_is_no_success() -> None:
    assert not compare([], {}).passed


def test_best_leads_come_with_their_strongest_reasons() -> None:
    parts = [
        {"rule": f"r{points}", "axis": "fit", "points": float(points), "reason": f"reason {points}"}
        for points in (3, -20, 8, 1)
    ]
    rows = [
        {"domain": f"{n}.example", "name": None, "score": score, "tier": "A", "country": "DE", "contributions": parts}
        for n, score in enumerate(range(34, 19, -1))
    ]
    best = best_leads(rows)
    assert [lead["score"] for lead in best] == list(range(34, 24, -1))
    assert best[0]["why"] == "-20 reason -20; +8 reason 8; +3 reason 3"
    assert (best[0]["company"], best[0]["rank"], best[9]["rank"]) == ("0.example", 1, 10)
