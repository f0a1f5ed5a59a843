"""Queues and priorities: which there are, and the list in the broker that a hand-out goes to."""

from __future__ import annotations

from enum import IntEnum

from leadmill.stages import Queue

__all__ = ["LEVELS", "Priority", "Queue"]


class Priority(IntEnum):
    """Of a job, inside each queue. Strict, but low work that waits moves up (AGING_MS in data/jobs/model.py)."""

    HIGH = 0
    NORMAL = 1
    LOW = 2

    @classmethod
    def parse(cls, name: str) -> Priority:
        """`high`, `normal` or `low`; KeyError otherwise."""
        return cls[name.upper()]

    @property
    def label(self) -> str:
        return self.name.lower()


#: Priority levels in the broker, 0 first: each priority has a front (after a death, and for the close) and a back.
LEVELS = tuple(range(2 * len(Priority)))
