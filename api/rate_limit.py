"""How many requests a caller may make: a token bucket for each key, held in this process.

A bucket holds `burst` requests and fills at `rate` a second. It is kept as one number, the time at which it will be
full again (the generic cell rate algorithm). What is left is told in every answer by the headers `RateLimit-Policy`
and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

#: Most buckets that are kept; those that are nearly full go first.
MAX_BUCKETS = 10_000


class Rate(NamedTuple):
    """So many requests a second on average, and so many at once."""

    rate: float
    burst: int

    @property
    def fills_in_s(self) -> float:
        """From empty to full."""
        return self.burst / self.rate


class Taken(NamedTuple):
    """What became of one request's wish for its place."""

    allowed: bool
    #: Requests that may follow at once.
    remaining: int
    #: Until the bucket is full; until the next place, if this one was refused. Seconds.
    full_in_s: float
    free_in_s: float

    def headers(self, rate: Rate) -> list[tuple[bytes, bytes]]:
        """What the answer tells of it."""
        policy = f'"requests";q={rate.burst};w={math.ceil(rate.fills_in_s)}'
        left = f'"requests";r={self.remaining};t={math.ceil(self.full_in_s)}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]


class Buckets:
    """Buckets of one rate, by name, in this process."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, name: str) -> Taken:
        """Take one place out of a bucket, if there is one."""
        now, each = self._clock(), 1 / self.rate.rate
        full_at = max(self._full_at.get(name, now), now)
        late = full_at + each - now - self.rate.fills_in_s
        if late > 1e-9:
            return Taken(False, 0, full_at - now, late)
        if len(self._full_at) >= MAX_BUCKETS and name not in self._full_at:
            self._make_room(now)
        self._full_at[name] = full_at + each
        return self._taken(full_at + each - now)

    def look(self, name: str) -> Taken:
        """The same without taking one."""
        now = self._clock()
        full_in = max(0.0, self._full_at.get(name, now) - now)
        late = full_in + 1 / self.rate.rate - self.rate.fills_in_s
        return Taken(False, 0, full_in, late) if late > 1e-9 else self._taken(full_in)

    def _taken(self, full_in_s: float) -> Taken:
        return Taken(True, math.floor(self.rate.burst - full_in_s * self.rate.rate + 1e-6), full_in_s, 0.0)

    def _make_room(self, now: float) -> None:
        kept = {name: at for name, at in self._full_at.items() if at > now}
        if len(kept) >= MAX_BUCKETS:
            kept = dict(sorted(kept.items(), key=lambda one: one[1])[MAX_BUCKETS // 2 :])
        self._full_at = kept
