"""The lease of a running unit: renewed by a thread beside the work, carries progress, says when the run must stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import psutil

from data.jobs import CUT_OFF_S, RENEW_S, Grant, JobStore
from leadmill.errors import LeadmillError, NewerStoreError, UnavailableError
from leadmill.log import get_logger
from leadmill.traffic import Traffic
from pipelines.execution.job_log import job_log
from pipelines.execution.marks import marks

log = get_logger(__name__)

#: Least time between two writes of progress, seconds (at most 4 a second and partition).
PROGRESS_S = 0.5


class RunStoppedError(Exception):
    """The run no longer holds its unit (cancelled, taken over, cut off): what it made is dropped."""


class Lease:
    """Keeps one grant alive until closed. Shared between the working thread and its own."""

    def __init__(self, store: JobStore, grant: Grant, stages: int, memory_limit_mb: int) -> None:
        self._store, self._grant, self._stages = store, grant, stages
        self._memory_limit_mb = memory_limit_mb
        self._renewing = threading.Lock()
        self._closed = False
        self._told: tuple[int | None, str, int, Traffic] = (None, "", 0, Traffic())
        self._news: tuple[int | None, str, int, Traffic] = self._told
        self._reached = self._told_at = time.monotonic()
        self._beside: Callable[[], None] | None = None
        #: Set when the work must stop; `reason` says why.
        self.stop = threading.Event()
        self.reason = ""
        self._marks = marks()
        self._marks.hold(grant.owner, grant.job_id, grant.unit)
        _renewer(os.getpid()).leases.add(self)

    def progress(self, fraction: float, message: str = "", pages: int = 0, traffic: Traffic | None = None) -> None:
        """Tell how far the stage is (0–1), in words, how many pages it has fetched in all, and all of its traffic.

        Raises:
            RunStoppedError: the run must stop.
        """
        self.check()
        done = (self._grant.index + min(1.0, max(0.0, fraction))) / self._stages
        self._news = (int(1000 * done), message, pages, traffic or self._news[3])

    def check(self) -> None:
        """Raise RunStoppedError when the run must stop."""
        if self.stop.is_set():
            raise RunStoppedError(self.reason)

    @contextmanager
    def beside(self, call: Callable[[], None]) -> Iterator[None]:
        """Within the block the renewing thread calls this, too, about every `PROGRESS_S` seconds while it holds."""
        self._beside = call
        try:
            yield
        finally:
            self._beside = None

    def call_beside(self) -> None:
        """What `beside` asks for. Called by the renewing thread."""
        call = self._beside
        if call is not None and not (self._closed or self.stop.is_set()):
            call()

    @property
    def pages_untold(self) -> int:
        """Pages fetched that no renewal has reported yet; the commit does."""
        return self._news[2] - self._told[2]

    @property
    def traffic_untold(self) -> list[int] | None:
        """The same of the traffic."""
        return self._news[3].since(self._told[3]) if self._news[3] != self._told[3] else None

    def close(self) -> None:
        """Stop renewing; returns when a renewal under way has ended."""
        with self._renewing:
            self._closed = True
            self._marks.release()
        _renewer(os.getpid()).leases.discard(self)

    def look(self) -> None:
        """Renew if it is time, or if there is progress to tell. Called by the renewing thread."""
        with self._renewing:
            news, now = self._news, time.monotonic()
            if self._closed or self.stop.is_set():
                return
            self._marks.beat()
            if self._marks.asked_to_stop():
                self._end("the worker saw that it is not held any more")
                return
            if news == self._told and now - self._told_at < RENEW_S:
                return
            self._told_at = now
            self._check_memory()
            try:
                refused = self._store.renew(
                    self._grant,
                    news[0],
                    news[1],
                    news[2] - self._told[2],
                    news[3].since(self._told[3]) if news[3] != self._told[3] else None,
                )
            except NewerStoreError as error:  # it could not commit either
                self._end(str(error))
                return
            except UnavailableError:
                # While Redis is away nobody else can take the unit either: going on loses nothing.
                if now - self._reached > CUT_OFF_S:
                    self._end(f"no answer from the job store for {CUT_OFF_S:.0f} s")
                return
            except LeadmillError as error:  # its record is damaged: it could not commit either
                self._end(str(error))
                return
            self._reached, self._told = now, news
            if refused:
                self._end(refused)

    def _check_memory(self) -> None:
        """Kill this process when it takes too much memory: nothing else stops C code. The parent reports the death."""
        used_mb = psutil.Process().memory_info().rss // 1_000_000
        if used_mb <= self._memory_limit_mb:
            return
        text = f"it used {used_mb} MB of memory, over its limit of {self._memory_limit_mb} MB"
        log.error("process over its memory", job=self._grant.job_id, unit=self._grant.unit, used_mb=used_mb)
        try:
            page = self._marks.page()
            self._store.died(
                self._grant.job_id, self._grant.unit, self._grant.owner, text, page=page.name if page else ""
            )
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    def _end(self, reason: str) -> None:
        self.reason = reason
        self.stop.set()
        log.info("run stops", job=self._grant.job_id, unit=self._grant.unit, reason=reason)


class _Renewer:
    """The renewing thread of one process, for all its runs: to wake twice a second costs less than a thread a run."""

    def __init__(self) -> None:
        self.leases: set[Lease] = set()
        threading.Thread(target=self._run, name="leases", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(PROGRESS_S)
            for lease in list(self.leases):
                try:
                    lease.look()
                    lease.call_beside()
                except Exception:
                    log.exception("a lease could not be renewed")
            job_log.send()


@lru_cache(maxsize=1)
def _renewer(pid: int) -> _Renewer:
    """This process's; a thread does not cross a fork."""
    return _Renewer()
