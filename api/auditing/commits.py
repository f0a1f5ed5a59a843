"""Entries on their way to the stream: one thread, which takes all that wait by one command.

An answer waits for its entry, so the more requests are under way, the more entries share a command. While nothing else
is under way an entry goes at once.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from api.batches import batch_of
from data.audit import AuditFiles, AuditStream, Entry
from data.audit.entry import LOST
from data.audit.stream import FLUSH_AT, MAX_TOGETHER
from leadmill.errors import LeadmillError
from leadmill.limited_log import LimitedLog
from leadmill.log import get_logger

log = get_logger(__name__)

#: Entries nobody waits for that may be on their way; more are counted.
CAPACITY = 5_000
#: While other requests are under way, their entries are waited for, seconds.
SHARE_S = 0.004
#: So many commands go between two looks at the stream's length.
LOOK_EVERY = 500
#: Between two flushes of this process, seconds: the disk that took nothing takes nothing a moment later.
PAUSE_S = 30.0


class _Waiting(NamedTuple):
    #: Empty: the stream's length is to be looked at.
    text: str
    #: Told whether the entry stands; None: nobody waits.
    told: asyncio.Future[bool] | None


class Commits:
    """The thread. `start` it within the loop whose requests it serves.

    `under_way` says how many requests are.
    """

    def __init__(self, stream: AuditStream, files: AuditFiles, under_way: Callable[[], int]) -> None:
        self._stream, self._files, self._under_way = stream, files, under_way
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._flushing: threading.Thread | None = None
        self._next_flush = 0.0
        self._log = LimitedLog(log)
        self._commands = 0
        #: Entries that nobody waited for and that are nowhere, since the last entry that says so, and in all.
        self._lost = 0
        self.lost = 0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Add what waits, but no longer than `timeout_s`, and end the thread."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._flushing is not None:
            self._flushing.join(timeout_s)

    def put(self, text: str) -> None:
        """Add an entry (`Entry.text`) when its turn comes; one that finds no room is counted."""
        if self._queue.qsize() >= CAPACITY:
            self._lose(1, "too many at once")
        else:
            self._queue.put(_Waiting(text, None))

    def look_soon(self) -> None:
        """Others have made the stream long: flush it, if that is so."""
        if time.monotonic() >= self._next_flush:
            self.put("")

    async def stands(self, text: str) -> bool:
        """Add an entry, and wait until it is durable; False when it is nowhere."""
        told: asyncio.Future[bool] = self._loop.create_future()
        self._queue.put(_Waiting(text, told))
        return await told

    # ---- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = self._take(first)
            try:
                kept = self._add([one.text for one in batch if one.text])
            except Exception as error:  # this thread survives any error; an answer must not wait for ever
                log.error("audit", exc_info=error)
                kept = False
            self._tell(batch, kept)
            if last:
                return

    def _take(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """What waits, and whether the end was among it."""
        if self._under_way() > 1 + self._queue.qsize():
            time.sleep(SHARE_S)
        return batch_of(first, self._queue, MAX_TOGETHER)

    def _add(self, texts: Sequence[str]) -> bool:
        if not texts:
            self._look()
            return True
        try:
            if self._lost:
                self._stream.append([Entry(action=LOST, code="not_kept", count=self._lost).text()], self._files.newest)
                self._lost = 0
            self._stream.append(texts, self._files.newest)
        except (LeadmillError, OSError) as error:
            self._log.warning("audit entries not in the stream", type(error).__name__, error=str(error)[:300])
            return False
        if self._commands % LOOK_EVERY == 0:
            self._look()
        self._commands += 1
        return True

    def _tell(self, batch: Sequence[_Waiting], kept: bool) -> None:
        """Let answers go out. Where Redis takes nothing, entries that are waited for go to the file of this machine."""
        waited = [one for one in batch if one.told is not None]
        if not kept:
            self._lose(len(batch) - len(waited), "the job store takes none")
            kept = bool(waited) and self._to_file([one.text for one in waited])
        if waited:
            self._loop.call_soon_threadsafe(_settle, [one.told for one in waited], kept)

    def _to_file(self, texts: Sequence[str]) -> bool:
        try:
            self._files.append(texts)
        except (LeadmillError, OSError) as error:
            self._log.warning("audit entries kept nowhere", type(error).__name__, error=str(error)[:300])
            return False
        return True

    def _lose(self, count: int, why: str) -> None:
        if count:
            self._lost += count
            self.lost += count
            self._log.warning("audit entries of refusals only counted", why, entries=count)

    # ---- a stream that grows too long --------------------------------------------------------------------

    def _look(self) -> None:
        busy = self._flushing is not None and self._flushing.is_alive()
        if busy or time.monotonic() < self._next_flush:
            return
        try:
            if self._stream.length() >= FLUSH_AT:
                self._next_flush = time.monotonic() + PAUSE_S
                self._flushing = threading.Thread(target=self._flush, name="audit flush", daemon=True)
                self._flushing.start()
        except LeadmillError as error:
            log.debug("length of the audit's stream unknown", error=str(error))

    def _flush(self) -> None:
        try:
            with self._files.exclusive(0.0):
                self._files.flush(self._stream)
        except TimeoutError:
            return  # another process is at it
        except (LeadmillError, OSError) as error:
            log.error("audit not flushed", error=str(error)[:300])
        try:
            if lost := self._stream.make_room():
                log.error("audit entries lost: the stream is full, and cannot be flushed", entries=lost)
        except LeadmillError as error:
            log.warning("audit not flushed", error=str(error)[:300])


def _settle(waiting: Sequence[asyncio.Future[bool] | None], kept: bool) -> None:
    for one in waiting:
        if one is not None and not one.done():
            one.set_result(kept)
