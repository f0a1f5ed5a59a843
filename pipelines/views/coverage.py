"""How many of the companies of jobs have a good row: what a page that adds up jobs tells of them.

A line of a list that names no company has an error row as any company that fails, so that whoever gave it finds it
again; but it is no company, and what is told of all jobs together does not count it as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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

    def add(self, companies: object, good: object, given: object) -> None:
        """One job more; `given`: what its result tells of its list (`input`). What is no number adds nothing."""
        nameless = (
            sum(map(_count, (given.get("without_address"), given.get("refused")))) if isinstance(given, Mapping) else 0
        )
        self.companies += max(0, _count(companies) - nameless)
        self.good += _count(good)
        self.lines_without_company += nameless


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
