"""Audit entries on their way to the files: a stream behind the key prefix, in the order in which they came.

What is added together is one element: field `e`, a JSON list of entries (`Entry.text`). So many callers that wait at
once cost one command.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from redis.exceptions import ResponseError, WatchError

from data import keys
from data.audit.entry import LOST, Entry, rows_of
from data.jobs.connection import StoreConnection

#: Most entries that are added together.
MAX_TOGETHER = 32
#: From so many elements on the stream is flushed before its hour; and most that it may hold (one of a single entry
#: takes some 300 bytes). Only what cannot be flushed, for the disk is full, comes so far; then the oldest go, and an
#: entry says how many.
FLUSH_AT, KEPT = 100_000, 400_000
_PAGE = 1_000
#: The highest of both numbers of an id.
_HIGHEST = (1 << 64) - 1

#: What Redis names an element by: milliseconds, and a number within them.
StreamId = tuple[int, int]


class AuditStream:
    """The stream. Safe to share between threads.

    Every method may raise UnavailableError, and DamagedRecordError where the key holds something else.
    """

    def __init__(self, store: StoreConnection) -> None:
        self._store = store
        self._key = store.key(keys.AUDIT)

    def append(self, entries: Sequence[str], newest_in_files: Callable[[], StreamId]) -> None:
        """Add entries (`Entry.text`), at most `MAX_TOGETHER`.

        Ids go on from the server's clock. A server that knows no stream, new or emptied, is told how far they have come
        (`newest_in_files`): its clock may have been set back.
        """
        fields: dict[Any, Any] = {"e": f"[{','.join(entries)}]"}
        with self._store.guarded(keys.AUDIT):
            if self._store.redis.xadd(self._key, fields, nomkstream=True) is None:
                self._begin(fields, newest_in_files())

    def _begin(self, fields: dict[Any, Any], newest: StreamId) -> None:
        ms, number = max(newest, (self._store.now_ms(), 0))
        try:
            self._store.redis.xadd(self._key, fields, id=f"{ms}-{number + 1}")
        except ResponseError:  # another process has begun it
            if not self._store.redis.xadd(self._key, fields, nomkstream=True):
                raise

    def length(self) -> int:
        """Elements that are in no file yet, or whose flush is under way."""
        with self._store.guarded(keys.AUDIT):
            return int(self._store.redis.xlen(self._key))

    def oldest(self, limit: int, after: StreamId = (0, 0)) -> list[tuple[StreamId, str]]:
        """Elements behind `after`, in their order."""
        with self._store.guarded(keys.AUDIT):
            found = self._store.redis.xrange(self._key, min=_text(_next(after)), count=limit)
        return _elements(found)

    def newest(self, until: StreamId | None, limit: int = _PAGE) -> list[tuple[StreamId, str]]:
        """Elements up to `until` (None: all), the newest first."""
        with self._store.guarded(keys.AUDIT):
            found = self._store.redis.xrevrange(self._key, max="+" if until is None else _text(until), count=limit)
        return _elements(found)

    def drop_until(self, last: StreamId) -> None:
        """Remove elements up to this one: the files have them."""
        with self._store.guarded(keys.AUDIT):
            if last == (_HIGHEST, _HIGHEST):  # nothing can come behind it
                self._store.redis.delete(self._key)
            else:
                self._store.redis.xtrim(self._key, minid=_text(_next(last)), approximate=False)

    def begin_anew(self) -> None:
        """Let ids follow the clock again, once the stream is empty: they go on from the highest that it has had."""
        with self._store.guarded(keys.AUDIT), self._store.redis.pipeline() as pipe:
            cast("Any", pipe).watch(self._key)
            if pipe.xlen(self._key):
                return
            pipe.multi()
            pipe.delete(self._key)
            with suppress(WatchError):  # something was added meanwhile: the next flush sees to it
                pipe.execute()

    def make_room(self, kept: int | None = None) -> int:
        """Of more than `kept` elements drop the oldest, with an entry that says so; what they stand for."""
        kept = kept or KEPT
        if (length := self.length()) <= kept:
            return 0
        lost, last = 0, (0, 0)
        left = length - kept + kept // 10
        while left > 0 and (some := self.oldest(min(_PAGE, left), last)):
            lost += sum(one["count"] for at, text in some for one in rows_of(at, text))
            last, left = some[-1][0], left - len(some)
        told = json.dumps([json.loads(Entry(action=LOST, code="stream_full", count=lost).text())])
        with self._store.guarded(keys.AUDIT), self._store.redis.pipeline() as pipe:
            pipe.xtrim(self._key, minid=_text(_next(last)), approximate=False)
            pipe.xadd(self._key, {"e": told})
            pipe.execute()
        return lost


def _elements(found: Any) -> list[tuple[StreamId, str]]:
    rows = cast("list[tuple[str, dict[str, str]]]", found)
    return [(_read(stream_id), fields.get("e", "")) for stream_id, fields in rows]


def _read(text: str) -> StreamId:
    ms, _, number = text.partition("-")
    return int(ms), int(number)


def _text(at: StreamId) -> str:
    return f"{at[0]}-{at[1]}"


def _next(at: StreamId) -> StreamId:
    return (at[0], at[1] + 1) if at[1] < _HIGHEST else (at[0] + 1, 0)
