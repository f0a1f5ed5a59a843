"""How many requests a caller may make: a token bucket for each key.

A bucket holds a burst of requests and fills at the rate. It is kept as one number, the time at which it will be full
again (the generic cell rate algorithm): in this process, or while several API processes live in Redis, so that all of
them give no more than one would. What is left is told in every answer by the headers `RateLimit-Policy` and
`RateLimit` (draft-ietf-httpapi-ratelimit-headers-11).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import lru_cache

from fastapi.concurrency import run_in_threadpool

from data.presence import Presence
from data.shared_buckets import SharedBuckets
from leadmill.access import Caller
from leadmill.errors import LeadmillError, TooOftenError
from leadmill.log import get_logger
from leadmill.rate import Rate, Taken

log = get_logger(__name__)

#: What a key may do where `LEADMILL_RATE_LIMIT` says nothing: no program that waits for its answers meets it.
OF_KEYS = Rate(100, 1_000)
#: Between two looks at which other API processes live, seconds.
SHARE_S = 1.0
#: Most buckets that are kept; those that are nearly full go first.
MAX_BUCKETS = 10_000


class Buckets:
    """Buckets of one rate, by name, in this process."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, name: str) -> Taken:
        """Take one place out of a bucket, if there is one."""
        now = self._clock()
        taken = self._at(self._full_at.get(name, now) - now)
        if taken.allowed:
            if len(self._full_at) >= MAX_BUCKETS and name not in self._full_at:
                self._make_room(now)
            self._full_at[name] = now + taken.full_in_s
        return taken

    def give_back(self, name: str) -> None:
        """Put back a place that was taken for what turned out well."""
        if name in self._full_at:
            self._full_at[name] -= 1 / self.rate.per_second

    def _at(self, full_in_s: float) -> Taken:
        return Taken.of(self.rate, max(0.0, full_in_s))

    def _make_room(self, now: float) -> None:
        kept = {name: at for name, at in self._full_at.items() if at > now}
        if len(kept) >= MAX_BUCKETS:
            kept = dict(sorted(kept.items(), key=lambda one: one[1])[MAX_BUCKETS // 2 :])
        self._full_at = kept


class RateLimit:
    """That of every caller: what `LEADMILL_RATE_LIMIT` says, else `OF_KEYS` for keys and none without."""

    def __init__(self, setting: str | None) -> None:
        self._of_all = None if setting is None else Rate.of(setting)
        self._of_keys = OF_KEYS if setting is None else self._of_all
        self._own = {rate: Buckets(rate) for rate in (self._of_all, self._of_keys) if rate is not None}
        self._shared: SharedBuckets | None = None
        self._several = False
        #: Requests that were one too many.
        self.refused = 0

    async def take(self, caller: Caller) -> tuple[Rate, Taken] | None:
        """Count a request; None where there is no limit."""
        rate = self._of_keys if caller.key_id else self._of_all
        if rate is None:
            return None
        taken = await self._take(rate, caller.key_id or caller.address)
        self.refused += not taken.allowed
        return rate, taken

    async def _take(self, rate: Rate, name: str) -> Taken:
        if self._several and self._shared is not None:
            try:
                return await run_in_threadpool(self._shared.take, name, rate)
            except LeadmillError as error:  # this process' own bucket holds it meanwhile
                log.debug("rates are counted here alone", error=str(error)[:200])
        return self._own[rate].take(name)

    async def check(self, caller: Caller) -> None:
        """Count a request of somebody who was not known before it.

        Raises:
            TooOftenError: it is one too many.
        """
        counted = await self.take(caller)
        if counted is not None and not counted[1].allowed:
            rate, taken = counted
            raise TooOftenError(too_many(rate), code="rate_limited", free_in_s=taken.free_in_s)

    def applies(self, *, with_keys: bool) -> bool:
        """Whether anybody's requests are counted, in an installation with or without keys."""
        return (self._of_keys if with_keys else self._of_all) is not None

    def share(self, buckets: SharedBuckets, presence: Presence) -> None:
        """Say that this process lives, and count in Redis if others do; called each second.

        Raises:
            UnavailableError: Redis does not answer; it stays as it was.
        """
        self._shared = buckets
        self._several = presence.tell() > 1


def too_many(rate: Rate) -> str:
    """What a caller is told that has to wait."""
    return f"more than {rate.per_second:g} requests a second ({rate.burst:,} at once); send this one again later"


def headers(rate: Rate, taken: Taken) -> list[tuple[bytes, bytes]]:
    """What an answer tells of it."""
    return [_policy(rate), (b"ratelimit", b'"requests";r=%d;t=%d' % (taken.left, math.ceil(taken.full_in_s)))]


@lru_cache(maxsize=16)
def _policy(rate: Rate) -> tuple[bytes, bytes]:
    return b"ratelimit-policy", b'"requests";q=%d;w=%d' % (rate.burst, math.ceil(rate.fills_in_s))
