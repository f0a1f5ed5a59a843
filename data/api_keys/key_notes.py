"""What Redis knows of API keys: which version of the table is the last, and when each key was used last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from data import keys

if TYPE_CHECKING:  # commands that ask the file alone do not wait for Redis' library
    from data.jobs import JobStore


class KeyNotes:
    """Reading and writing of it. Every call raises UnavailableError when Redis does not answer."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def announced(self) -> int | None:
        """The version of the table that was written last; None: no change was ever announced here."""
        with self._store.guarded(keys.API_KEYS_VERSION):
            found = self._store.redis.get(self._store.key(keys.API_KEYS_VERSION))
        return int(found) if isinstance(found, str) and found.isdecimal() else None

    def announce(self, version: int) -> None:
        """Have every API process read the table anew."""
        with self._store.guarded(keys.API_KEYS_VERSION):
            self._store.redis.set(self._store.key(keys.API_KEYS_VERSION), version)

    def note_used(self, minutes: Mapping[Any, Any]) -> None:
        """Keep in which minute (ISO 8601) each key was used last."""
        with self._store.guarded(keys.API_KEYS_USED):
            self._store.redis.hset(self._store.key(keys.API_KEYS_USED), mapping=minutes)

    def last_used(self) -> dict[str, str]:
        """The minute in which each key was used last."""
        with self._store.guarded(keys.API_KEYS_USED):
            return cast("dict[str, str]", self._store.redis.hgetall(self._store.key(keys.API_KEYS_USED)))
