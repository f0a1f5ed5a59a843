"""A job's own log: what a worker's processes log of it as a warning or an error goes to a capped stream in Redis.

Whoever logs pays no round trip: lines are kept in memory, and sent by a thread that speaks to the job store anyway (the
one that renews leases, the reconciler), and at the end of a run. Of one run so many lines are kept, the others counted
by what they say. A store that is away costs lines, never the work.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from data.jobs import JobStore
from leadmill.errors import LeadmillError
from leadmill.ids import JOB_ID
from leadmill.log import context, event_of, get_logger, last_words
from leadmill.one_line import one_line, visible
from leadmill.redaction import redacted

log = get_logger(__name__)

#: Lines of a job that are kept until the next `settle`: in all, and of one that says the same.
MOST, MOST_ALIKE = 50, 10
#: Lines of all jobs that wait to be sent.
_WAITING = 500
#: Bytes of a line, as JSON in ASCII; characters of a text, and of a traceback's end.
MAX_BYTES, MAX_TEXT, MAX_TRACE = 4_000, 500, 1_500
#: Entries of a list or mapping that are told.
_MOST_ITEMS = 20
#: After a store that did not answer nothing is sent for so long, seconds.
_PAUSE_S = 5.0
#: What the stream's entry tells, or what is the same in every line.
_NOT_TOLD = frozenset({"job", "level", "project", "timestamp"})
_FIRST = ("at", "event", "stage", "unit", "partition", "epoch", "attempt")


class JobLog(logging.Handler):
    """Takes warnings and errors that name a job. One of these a process."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._store: JobStore | None = None
        self._sending = threading.Lock()
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """What the parent has yet to send is not the child's, nor is its connection."""
        self._store, self._sending = None, threading.Lock()
        self._waiting: list[tuple[str, str, str]] = []
        self._alike: Counter[tuple[str, str]] = Counter()
        self._kept: Counter[str] = Counter()
        self._more: Counter[tuple[str, str]] = Counter()
        self._not_before = 0.0

    def connect(self, store: JobStore) -> None:
        """Lines go there from now on."""
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, or count it. Never raises: whoever logs has work to do."""
        try:
            self._take(record)
        except Exception:
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        # A line that is only counted is not written out: a traceback takes longest.
        said = record.msg if isinstance(record.msg, Mapping) else {**context(), "event": record.msg}
        job = said.get("job")
        if not isinstance(job, str) or not JOB_ID.match(job):
            return
        kind = job, str(said["event"])[: 4 * MAX_TEXT]  # of a secret that is cut here nothing is shown
        if self._kept[job] >= MOST or self._alike[kind] >= MOST_ALIKE or len(self._waiting) >= _WAITING:
            if kind in self._more or len(self._more) < _WAITING:
                self._more[kind] += 1
            return
        self._kept[job] += 1
        self._alike[kind] += 1
        self._waiting.append((job, record.levelname.lower(), told(event_of(record), record.created)))

    def settle(self) -> None:
        """A run is over: say how many lines more there were of what was told often, and begin to count anew."""
        if not (self._kept or self._more):
            return
        with self._locked():
            for (job, event), count in islice(self._more.items(), max(0, 2 * _WAITING - len(self._waiting))):
                line = told({"event": f"and {count:,} more: {event}", "more": count}, time.time())
                self._waiting.append((job, "warning", line))
            self._alike.clear()
            self._kept.clear()
            self._more.clear()

    def send(self) -> None:
        """Send what waits. Never raises: what a store that does not answer was sent is lost."""
        if not self._waiting or self._store is None or time.monotonic() < self._not_before:
            return
        with self._sending:
            with self._locked():
                waiting, self._waiting = self._waiting, []
            lines: dict[str, list[tuple[str, str]]] = {}
            for job, level, text in waiting:
                lines.setdefault(job, []).append((level, text))
            for job, of_job in lines.items():
                try:
                    self._store.add_lines(job, of_job)
                except Exception as error:  # whatever it is: the thread that renews leases goes on
                    self._not_before = time.monotonic() + _PAUSE_S
                    unknown = None if isinstance(error, LeadmillError) else error
                    log.info("lines lost to jobs' logs", lines=len(waiting), error=str(error), exc_info=unknown)
                    return

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def handleError(self, record: logging.LogRecord) -> None:
        last_words(f"a line is not in its job's log: {record.name}")


def told(said: Mapping[str, Any], at: float) -> str:
    """A line as its stream keeps it: JSON without secrets and control characters, bounded."""
    kept = {name: value for name, value in said.items() if name not in _NOT_TOLD and value is not None}
    about = {name: _short(name, value) for name, value in redacted.within(kept).items()}
    about["at"] = round(at, 3)
    line = json.dumps({**{name: about[name] for name in _FIRST if name in about}, **about})
    if len(line) > MAX_BYTES:
        line = json.dumps({name: about[name] for name in _FIRST if name in about} | {"cut": True})
    return line


def _short(name: str, value: Any) -> Any:
    if name == "exception":
        return visible(str(value))[-MAX_TRACE:]
    plain = _plain(value)
    if isinstance(plain, list | dict) and len(text := json.dumps(plain, ensure_ascii=False)) > MAX_TEXT:
        return text[:MAX_TEXT]
    return plain


def _plain(value: Any) -> Any:
    """As JSON can say it, each text on one line and bounded; of much the beginning."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return one_line(value[: 2 * MAX_TEXT])[:MAX_TEXT]
        case Mapping():
            return {_plain(str(key)): _plain(inner) for key, inner in islice(value.items(), _MOST_ITEMS)}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in islice(value, _MOST_ITEMS)]
    return one_line(repr(value)[: 2 * MAX_TEXT])[:MAX_TEXT]


#: This process's.
job_log = JobLog()


def listen() -> None:
    """Keep what is logged from now on, in a worker and its children."""
    root = logging.getLogger()
    if job_log not in root.handlers:
        root.addHandler(job_log)
