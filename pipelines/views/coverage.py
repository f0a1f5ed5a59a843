"""How many of the companies of jobs have a good row: what a page that adds up jobs tells of them.

A line of a list that names no company has an error row as any company that fails, so that whoever gave it finds it
again; but it is no company, and what is told of all jobs together does not count it as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Covered:
    """Of jobs that have ended: their companies, and those of them that have a row without error."""

    companies: int = 0
    good: int = 0
    #: Lines of their lists that name no company.
    lines_without_company: int = 0

    @property
    def coverage(self) -> float | None:
        """The share of good companies; None where there were none."""
        return self.good / self.companies if self.companies else None

    def add(self, result: Mapping[str, Any]) -> None:
        """One job more, by its `result`; one without companies adds nothing."""
        given = result.get("input")
        nameless = sum(_count(given, name) for name in ("without_address", "refused"))
        self.companies += max(0, _count(result, "companies") - nameless)
        self.good += _count(result, "good")
        self.lines_without_company += nameless


def _count(found: object, name: str) -> int:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, int) and value > 0 else 0
