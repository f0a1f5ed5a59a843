"""Celery's results (chord counts, nothing else) in a Redis that its Sentinels name."""

from __future__ import annotations

from typing import Any

from celery.backends.redis import RedisBackend

from data.sentinels import PrimaryPool

#: Of redis-py's options what Celery takes from its own settings; the rest is in the URL.
_TAKEN = ("socket_timeout", "socket_connect_timeout", "socket_keepalive", "max_connections", "retry_on_timeout")


class SentinelResults(RedisBackend):
    """Finds the primary as everything else here does; `servers` of its transport options names the Sentinels."""

    def _get_pool(self, **params: Any) -> PrimaryPool:
        options = {name: value for name, value in params.items() if name in _TAKEN and value is not None}
        return PrimaryPool(self._transport_options["servers"], **options)
