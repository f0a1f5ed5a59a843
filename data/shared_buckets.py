"""Token buckets in Redis, for API processes that live side by side (data/presence.py says which do).

rate:<name>     when a bucket will be full again, µs since the epoch by the server's clock; gone once it is
"""

from __future__ import annotations

from typing import Any

from data import keys
from data.jobs import JobStore
from leadmill.rate import Rate, Taken

_TAKE = """
local t, each, whole = redis.call('TIME'), tonumber(ARGV[1]), tonumber(ARGV[2])
local now = t[1] * 1000000 + t[2]
local full_in = math.max(0, (tonumber(redis.call('GET', KEYS[1])) or 0) - now)
if full_in + each <= whole + 1 then
  local after = full_in + each
  redis.call('SET', KEYS[1], string.format('%d', now + after), 'PX', math.ceil(after / 1000) + 1)
end
return string.format('%d', full_in)
"""


class SharedBuckets:
    """Buckets of any rate, by name."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._script: Any = store.redis.register_script(_TAKE)

    def take(self, name: str, rate: Rate) -> Taken:
        """Take one place out of a bucket, if there is one.

        Raises:
            UnavailableError: Redis does not answer.
        """
        key = keys.rate(name)
        with self._store.guarded(key):
            each, whole = round(1_000_000 / rate.per_second), round(1_000_000 * rate.fills_in_s)
            full_in = int(self._script(keys=[self._store.key(key)], args=[each, whole]))
        return Taken.of(rate, full_in / 1_000_000)
