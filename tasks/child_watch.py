"""The worker's main process watches its children: what must not run any more is stopped, and killed if need be.

Python code hears of it at its lease's next look. C code that holds the interpreter hears nothing, and renews nothing.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leadmill.log import get_logger
from pipelines.marks import Seen, board

log = get_logger(__name__)

#: What must not run is killed so long after its job ended (or after it was seen to have lost its unit), seconds: a
#: child that can stop by itself has done so by then (it is asked within a tick of 1 s and looks twice a second), and
#: what the kill still costs fits into the 2 s that a cancel promises.
GRACE_S = 1.7


@dataclass(frozen=True)
class Kill:
    """Why the main process killed a child."""

    reason: str
    #: The record has taken the unit from it before: its death is nobody's fault.
    lost: bool


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
        """Kill what had its time to stop."""
        now = time.monotonic()
        for run, at in list(self._condemned.items()):
            if not self._runs_still(run):
                del self._condemned[run]
            elif now >= at:
                del self._condemned[run]
                self._kill(run, Kill("it ran on although its unit was taken from it", lost=True))

    def next_look(self) -> float:
        """Monotonic time at which the next one has had its time; infinity when there is none."""
        return min(self._condemned.values(), default=float("inf"))

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
        process._controlled_termination = True  # billiard's: the pool logs no error for a death that was wanted
        log.warning("process killed", job=run.job_id, unit=run.unit, pid=run.pid, reason=why.reason)
        os.kill(run.pid, signal.SIGKILL)


def _same(run: Seen) -> Seen:
    """The run without where it is just now."""
    return Seen(run.pid, run.owner, run.job_id, run.unit, None)
