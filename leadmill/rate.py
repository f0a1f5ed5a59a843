"""How often something may happen: so many times a second on average, and so many at once."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

_FORM = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(?:/([0-9]{1,6}))?")
#: Without a burst of its own a rate allows those of so many seconds at once.
_BURST_S = 2
#: Sums of fractions of a second are as exact as this; places, too.
_EXACT_S, _EXACT = 2e-6, 1e-3


class Rate(NamedTuple):
    """`per_second` on average, at most `burst` at once."""

    per_second: float
    burst: int

    @classmethod
    def of(cls, text: str) -> Self | None:
        """From `20` or `20/100`; None for `0`: there is no limit.

        Raises:
            ValueError: it is neither.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None or (found[2] is not None and int(found[2]) < 1):
            raise ValueError("requests a second, like 20, or 20/100 with those at once; 0: no limit")
        per_second = float(found[1])
        if per_second == 0:
            return None
        return cls(per_second, int(found[2] or max(1, round(per_second * _BURST_S))))

    @property
    def fills_in_s(self) -> float:
        """From none to all of the burst."""
        return self.burst / self.per_second


class Taken(NamedTuple):
    """What became of the wish for one place."""

    allowed: bool
    #: Places that are left for now.
    left: int
    #: Until all are there again, and until the next one is, seconds.
    full_in_s: float
    free_in_s: float

    @classmethod
    def of(cls, rate: Rate, full_in_s: float) -> Self:
        """Out of a bucket that would be full after so long."""
        after = full_in_s + 1 / rate.per_second
        late = after - rate.fills_in_s
        if late > _EXACT_S:
            return cls(False, 0, full_in_s, late)
        return cls(True, int((rate.fills_in_s - after) * rate.per_second + _EXACT), after, 0.0)
