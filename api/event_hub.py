"""Live job events for any number of viewers over one Redis connection.

One thread reads the streams of all watched jobs together (XREAD, blocking) and hands entries to the viewers'
queues; with no viewer it sleeps. A viewer reads what was before from the store itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from api.problems import TooManyError
from data.jobs import JobStore
from data.jobs.event_feed import Event, damaged_streams, news
from leadmill.errors import DamagedRecordError, LeadmillError, UnavailableError
from leadmill.log import get_logger

log = get_logger(__name__)

#: How long one read waits for news, ms: also how soon a new viewer's job is watched.
_BLOCK_MS = 400
#: Most events of a job in one read.
_AT_ONCE = 200
#: Entries a viewer may fall behind before its stream is ended (it then resumes by Last-Event-ID).
_BEHIND = 500
_PAUSE_S = 1.0
#: Most open streams: in all, and of one client (a project, a key of the default one, an address without keys).
#: Each is a connection that stays and a task that waits.
MAX_STREAMS = 400
MAX_STREAMS_PER_CLIENT = 200


def order(entry_id: str) -> tuple[int, int]:
    """A stream id as numbers that compare."""
    ms, _, n = entry_id.partition("-")
    return int(ms), int(n or 0)


class Viewer:
    """One open event stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop, welcome: Callable[[], bool]) -> None:
        self._loop = loop
        #: Whether its caller may still follow.
        self.welcome = welcome
        #: None ends the stream.
        self.entries: asyncio.Queue[Event | None] = asyncio.Queue(_BEHIND)

    def give(self, entry: Event | None) -> None:
        """Called from the hub's thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, entry)
        except RuntimeError:
            log.debug("viewer's loop has ended")

    def _put(self, entry: Event | None) -> None:
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
        for viewer in self._all():
            viewer.give(None)

    def end_unwelcome(self) -> None:
        """End the streams of callers who would not be let in any more: their key was revoked, or has expired."""
        for viewer in self._all():
            if not viewer.welcome():
                viewer.give(None)

    def _all(self) -> list[Viewer]:
        with self._news:
            return [viewer for some in self._viewers.values() for viewer in some]

    def close(self) -> None:
        """End every stream and the thread."""
        with self._news:
            self._closed = True
            self._news.notify()
        self.end_streams()
        if self._thread.is_alive():
            self._thread.join(_BLOCK_MS / 1000 + 3)

    @contextmanager
    def watch(
        self, stream: str, after: str, welcome: Callable[[], bool], viewer: Viewer | None = None
    ) -> Iterator[Viewer]:
        """Entries of a job's stream (`data.jobs.event_feed.stream_of`) behind `after`, while its caller is `welcome`.

        Some may come that the viewer already has. `viewer`: one that watches another stream, too.
        """
        viewer = viewer or Viewer(asyncio.get_running_loop(), welcome)
        with self._news:
            self._viewers.setdefault(stream, set()).add(viewer)
            self._read_to.setdefault(stream, after)
            self._news.notify()
        try:
            yield viewer
        finally:
            with self._news:
                left = self._viewers.get(stream, set())
                left.discard(viewer)
                if not left:
                    self._viewers.pop(stream, None)
                    self._read_to.pop(stream, None)

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._viewers and not self._closed:
                    self._news.wait()
                if self._closed:
                    return
                read_to = dict(self._read_to)
            try:
                self._hand_on(news(self._store, read_to, most=_AT_ONCE, wait_ms=_BLOCK_MS))
            except DamagedRecordError as error:
                log.warning("an event stream cannot be read", error=str(error)[:200])
                self._let_go_of_damaged(list(read_to))
            except LeadmillError as error:
                log.warning("event streams stand still", error=str(error)[:200])
                with self._news:
                    self._news.wait_for(lambda: self._closed, _PAUSE_S)

    def _let_go_of_damaged(self, streams: list[str]) -> None:
        """End those whose key is damaged, so that the others go on; who comes back gets the error."""
        try:
            damaged = damaged_streams(self._store, streams)
        except LeadmillError:
            damaged = []
        with self._news:
            viewers = [viewer for stream in damaged for viewer in self._viewers.pop(stream, ())]
            for stream in damaged:
                self._read_to.pop(stream, None)
            if not damaged:  # mended meanwhile, or Redis does not answer
                self._news.wait_for(lambda: self._closed, _PAUSE_S)
        for viewer in viewers:
            viewer.give(None)

    def _hand_on(self, found: Mapping[str, Sequence[Event]]) -> None:
        for stream, events in found.items():
            with self._news:
                viewers = list(self._viewers.get(stream, ()))
                if stream in self._read_to and events:
                    self._read_to[stream] = events[-1][0]
            for event in events:
                for viewer in viewers:
                    viewer.give(event)
