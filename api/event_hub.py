"""Live job events for any number of viewers over one Redis connection.

One thread reads the streams of all watched jobs together (XREAD, blocking) and hands entries to the viewers'
queues; nobody watching, it sleeps. A viewer reads what was before from the store itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from redis.exceptions import RedisError, ResponseError

from api.problems import TooManyError
from data.jobs import JobStore
from data.jobs.entries import event_of
from leadmill.errors import UnavailableError
from leadmill.log import get_logger

log = get_logger(__name__)

#: (id, kind, data) of one event.
Entry = tuple[str, str, dict[str, Any]]
#: How long one read waits for news, ms: also how soon a new viewer's job is watched.
_BLOCK_MS = 400
#: Entries a viewer may fall behind before its stream is ended (it then resumes by Last-Event-ID).
_BEHIND = 500
_PAUSE_S = 1.0
#: Most open streams: in all, and of one client address. Each is a connection that stays and a task that waits.
MAX_STREAMS = 400
MAX_STREAMS_PER_CLIENT = 200


def order(entry_id: str) -> tuple[int, int]:
    """A stream id as numbers that compare."""
    ms, _, n = entry_id.partition("-")
    return int(ms), int(n or 0)


class Viewer:
    """One open event stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        #: None ends the stream.
        self.entries: asyncio.Queue[Entry | None] = asyncio.Queue(_BEHIND)

    def give(self, entry: Entry | None) -> None:
        """Called from the hub's thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, entry)
        except RuntimeError:
            log.debug("viewer's loop has ended")

    def _put(self, entry: Entry | None) -> None:
        if self.entries.full():
            while not self.entries.empty():
                self.entries.get_nowait()
            entry = None
        self.entries.put_nowait(entry)


class Seats:
    """How many streams are open, and whose. Used from the server's loop only."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def seat(self, client: str) -> Iterator[None]:
        """One more stream of a client while the block lasts.

        Raises:
            TooManyError: it has as many as one client may.
            UnavailableError: there are as many as there may be.
        """
        if self._taken[client] >= MAX_STREAMS_PER_CLIENT:
            raise TooManyError(f"there are {MAX_STREAMS_PER_CLIENT} open event streams of yours; close one first")
        if self._taken.total() >= MAX_STREAMS:
            raise UnavailableError(f"there are {MAX_STREAMS} open event streams; ask for the job's status instead")
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]


class EventHub:
    """The reading thread and who watches what."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self.seats = Seats()
        self._viewers: dict[str, set[Viewer]] = {}
        self._read_to: dict[str, str] = {}
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="event hub", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end_streams(self) -> None:
        """End every stream; viewers may come back."""
        with self._news:
            viewers = [viewer for some in self._viewers.values() for viewer in some]
        for viewer in viewers:
            viewer.give(None)

    def close(self) -> None:
        """End every stream and the thread."""
        with self._news:
            self._closed = True
            self._news.notify()
        self.end_streams()
        if self._thread.is_alive():
            self._thread.join(_BLOCK_MS / 1000 + 3)

    @contextmanager
    def watch(self, job_id: str, after: str) -> Iterator[Viewer]:
        """Entries of a job behind `after`; some may come that the viewer already has."""
        viewer = Viewer(asyncio.get_running_loop())
        with self._news:
            self._viewers.setdefault(job_id, set()).add(viewer)
            self._read_to.setdefault(job_id, after)
            self._news.notify()
        try:
            yield viewer
        finally:
            with self._news:
                left = self._viewers.get(job_id, set())
                left.discard(viewer)
                if not left:
                    self._viewers.pop(job_id, None)
                    self._read_to.pop(job_id, None)

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._viewers and not self._closed:
                    self._news.wait()
                if self._closed:
                    return
                streams = {self._store.key(f"ev:{job}"): at for job, at in self._read_to.items()}
            try:
                rows = cast("Any", self._store.redis.xread(cast("Any", streams), count=200, block=_BLOCK_MS))
            except ResponseError as error:
                log.warning("an event stream cannot be read", error=str(error)[:200])
                self._let_go_of_damaged(list(streams))
                continue
            except RedisError as error:
                log.warning("event streams stand still", error=type(error).__name__)
                with self._news:
                    self._news.wait_for(lambda: self._closed, _PAUSE_S)
                continue
            self._hand_on(rows.items() if isinstance(rows, dict) else rows or ())

    def _let_go_of_damaged(self, keys: list[str]) -> None:
        """End the streams of jobs whose key is none, so that the others go on; who comes back is told why."""
        head = len(self._store.key("ev:"))
        try:
            types = {key: self._store.redis.type(key) for key in keys}
        except RedisError:
            types = {}
        damaged = [key[head:] for key, kind in types.items() if kind not in ("stream", "none")]
        with self._news:
            viewers = [viewer for job in damaged for viewer in self._viewers.pop(job, ())]
            for job in damaged:
                self._read_to.pop(job, None)
            if not damaged:  # refused for another reason
                self._news.wait_for(lambda: self._closed, _PAUSE_S)
        for viewer in viewers:
            viewer.give(None)

    def _hand_on(self, rows: Any) -> None:
        head = len(self._store.key("ev:"))
        for key, entries in rows:
            job = key[head:]
            with self._news:
                viewers = list(self._viewers.get(job, ()))
                if job in self._read_to and entries:
                    self._read_to[job] = entries[-1][0]
            for entry_id, fields in entries:
                entry = (entry_id, *event_of(fields))
                for viewer in viewers:
                    viewer.give(entry)
