"""Coverage: the share of companies that have a good row, of one job or of several together.

The companies are those that a job's input names, as launch counts them (`data.unit_files.PlanSize`). A line of a list
that names none has an error row, so that whoever gave it finds it again, but it is told beside the companies and no
coverage counts it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Covered:
    """Companies of jobs, and those of them that have a row without error."""

    companies: int = 0
    good: int = 0

    @property
    def coverage(self) -> float | None:
        """The share of good companies; None where there were none."""
        return self.good / self.companies if self.companies else None

    def add(self, companies: object, good: object) -> None:
        """One job more. What is no number adds nothing."""
        self.companies += _count(companies)
        self.good += _count(good)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
