"""The worker's main process watches its children: what must not run any more is stopped, and killed if need be.

Python code notices at its lease's next check. C code that holds the interpreter does not, and its lease is not renewed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from extraction.budget import COMPANY_S, PAGE_S, SETTLE_S
from leadmill.log import get_logger
from pipelines.execution.marks import PageMark, Seen, board

log = get_logger(__name__)

#: What must not run is killed so long after its job ended (or after it was seen to have lost its unit), seconds: a
#: child that can stop by itself has done so by then (it is asked within a tick of 1 s and looks twice a second), and
#: what the kill still costs fits into the 2 s that a cancel promises.
GRACE_S = 1.7
#: A child that still sits on one page after so many CPU seconds is killed, the sooner, the longer (seconds) its
#: renewing thread, due every 0.5 s, has not run: C code holds the interpreter then, and the budget cannot interrupt
#: it at `PAGE_S`. What it can interrupt (extractors and enrichers, `PAGE_S` each) has ended before the first limit.
#: On a core of its own a page is killed well before the lease of 10 s lapses, so that no second process takes it;
#: where many share one, the last pair helps.
PAGE_LIMITS = ((0.0, 3 * PAGE_S), (2.0, PAGE_S), (5.0, 1.0))
#: CPU seconds for a company as a whole: above what `extraction.budget` grants all its pages and its settling together.
COMPANY_CPU_S = 2 * COMPANY_S + SETTLE_S + PAGE_S
#: How often children are looked at, seconds.
LOOK_S = 0.5


@dataclass(frozen=True)
class Kill:
    """Why the main process killed a child."""

    reason: str
    #: The unit was taken from it before: it is handed out already.
    lapsed: bool
    #: The page that it had begun is to blame without doubt.
    by_page: bool


#: By the owner of the run; taken out when its death is handled. Used in the worker's main process.
kills: dict[str, Kill] = {}


class ChildWatch:
    """The children of one prefork pool. Used by the reconciler's thread alone."""

    def __init__(self, processes: Callable[[], list[Any]]) -> None:
        """`processes` gives the pool's own list of its processes."""
        self._processes = processes
        #: What must stop, and the monotonic time at which it is killed.
        self._condemned: dict[Seen, float] = {}

    def runs(self) -> list[Seen]:
        """What the living children hold."""
        return [seen for process in self._alive() if (seen := board.read(process.pid)) is not None]

    def lost(self, run: Seen, ended_s: float) -> None:
        """A run does not hold its unit any more, its job having ended so long ago: it must stop."""
        key = _same(run)
        if key not in self._condemned:
            board.ask_to_stop(run)
            self._condemned[key] = time.monotonic() + max(0.0, GRACE_S - ended_s)

    def look(self) -> None:
        """Kill children whose time to stop is over, and those that are at one page for too long."""
        now = time.monotonic()
        for run, at in list(self._condemned.items()):
            if not self._runs_still(run):
                del self._condemned[run]
            elif now >= at:
                del self._condemned[run]
                by_page = self._cpu_on_page(board.read(run.pid)) > PAGE_LIMITS[-1][1]
                self._kill(run, Kill("it ran on although its unit was taken from it", True, by_page))
        for seen in self.runs():
            page = seen.page
            if (
                page is None
                or seen.owner in kills
                or _same(seen) in self._condemned
                or not self._stuck(seen, page, now)
            ):
                continue
            again = board.read(seen.pid)
            if again is not None and again.page == page:
                what = f"page {page.digest} of " if page.digest else ""
                reason = f"it spent too much CPU time on {what}{page.company_id} and was killed"
                self._kill(_same(seen), Kill(reason, False, True))

    def _stuck(self, seen: Seen, page: PageMark, now: float) -> bool:
        used = self._cpu_on_page(seen)
        if not page.digest:
            return used > COMPANY_CPU_S
        return any(now - seen.beat_at >= silent and used > limit for silent, limit in PAGE_LIMITS)

    def next_look(self) -> float:
        """Monotonic time at which to look again."""
        return min((time.monotonic() + LOOK_S, *self._condemned.values()))

    def _cpu_on_page(self, seen: Seen | None) -> float:
        """CPU seconds that a process has spent since it began its page; 0 when it is at none."""
        if seen is None or seen.page is None:
            return 0.0
        try:
            used = psutil.Process(seen.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(used.user + used.system - seen.page.began_cpu_s)

    def _alive(self) -> list[Any]:
        return [process for process in list(self._processes()) if process.pid]

    def _runs_still(self, run: Seen) -> bool:
        seen = board.read(run.pid)
        return seen is not None and _same(seen) == run

    def _kill(self, run: Seen, why: Kill) -> None:
        process = next((process for process in self._alive() if process.pid == run.pid), None)
        if process is None:
            return
        kills[run.owner] = why
        process._controlled_termination = True  # billiard's flag: the pool logs no error for a death that was wanted
        log.warning("process killed", job=run.job_id, unit=run.unit, child_pid=run.pid, reason=why.reason)
        os.kill(run.pid, signal.SIGKILL)


def _same(run: Seen) -> Seen:
    """The run without its present page, for comparing."""
    return Seen(run.pid, run.owner, run.job_id, run.unit, None)
