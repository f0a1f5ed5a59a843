"""One project's companies as a table: whether it is as the lake is, and what has to be read for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from threading import Event, Lock
from typing import Literal

import duckdb
import pyarrow as pa

from api.company_view.database import Database
from api.company_view.sources import SNAPSHOTS, Difference, Sources, by_stage
from api.company_view.table import RowTable
from data.damage import ForeignError, is_ours, mend
from data.jobs import JobStore, Status
from data.jobs.moves import GONE, moves_behind, running
from data.lake import Lake
from leadmill.errors import LeadmillError, UnavailableError
from leadmill.log import get_logger

log = get_logger(__name__)

#: Files that one step reads: each is opened before the first row comes.
_STEP = 200
_STEP_BYTES = 64_000_000
#: What a request reads itself before it answers; more is read beside it, and it scans the lake.
_AT_ONCE, _AT_ONCE_BYTES = 20, 4_000_000
#: A job's files are looked at for so long after it came to another status, seconds: cleanup removes them behind it.
_SETTLES_S = 10.0
#: A request waits so long for another's reading, seconds.
_PATIENCE_S = 0.2
#: Looking at all jobs, or at those that run, may take so long at each request, seconds; what takes longer rests.
_BRIEF_S = 0.01
#: Of few jobs all are looked at however long it takes.
_FEW_JOBS = 100
#: So many times as long as it took.
_REST_OF_ALL, _REST_OF_RUNNING = 100, 10
#: After a fault it is built anew, seconds later; and Redis that did not answer is asked again.
_AGAIN_S, _DEAF_S = 30.0, 5.0
_TRIES = 5
#: How long rows that were taken out may stay in the table's file, seconds: those that left the lake, that others may go
#: with them; and those that are there still, as when a company's next stage has its row.
_ERASED_S, _SUPERSEDED_S = 10.0, 3_600.0
#: The file is not written anew before so many times as long as it took the last time.
_REST_OF_WRITING = 20
_OF_FILES = (duckdb.Error, pa.ArrowException, OSError, ForeignError)
_FAULTS = (*_OF_FILES, LeadmillError)


class _Pace:
    """When a look is due again: at once if it is brief, else after a rest that grows with what it took."""

    def __init__(self, rest: float) -> None:
        self._rest, self.next, self.took = rest, 0.0, 0.0

    @property
    def is_brief(self) -> bool:
        return self.took < _BRIEF_S

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self.next

    @contextmanager
    def look(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.took = time.monotonic() - began
        self.next = 0.0 if self.is_brief else time.monotonic() + self._rest * self.took


@dataclass
class Seen:
    """The state of a view, as health and metrics tell it."""

    state: Literal["building", "ready", "failed"] = "building"
    companies: int = 0
    #: When it was last found to be as the lake is, seconds since the epoch; None: never.
    at: float | None = None
    #: Why it failed.
    error: str = ""

    @property
    def age_s(self) -> float | None:
        """Seconds since it was."""
        return None if self.at is None else max(0.0, time.time() - self.at)


@dataclass
class CompanyView:
    """The rows of a project's companies. Every call may come from any thread."""

    lake: Lake
    store: JobStore
    #: Of all projects.
    database: Database
    #: Called when there is more to read than a request does.
    behind: Callable[[], None] = lambda: None
    #: Set when the process ends.
    ended: Event = field(default_factory=Event)
    seen: Seen = field(default_factory=Seen)
    #: When a request asked last, monotonic seconds.
    asked: float = 0.0
    _lock: Lock = field(default_factory=Lock)
    _table: RowTable | None = None
    _sources: Sources = field(init=False)
    _again: float = 0.0
    #: When the file is to be written anew, and when it may, monotonic seconds.
    _unclean: float = inf
    _rested: float = 0.0

    # ---- for requests --------------------------------------------------------------------------------

    def current(self) -> str | None:
        """The table's name, when it is as the lake is in this moment; None: scan the lake."""
        self.asked = asked = time.monotonic()
        if self.seen.state != "ready" or not self._lock.acquire(timeout=_PATIENCE_S):
            return None
        try:
            if self._table is None:
                return None
            # Of those that waited here together one looks.
            return self._table.name if self._as_of >= asked or self._catch_up(by_request=True) else None
        except _FAULTS as error:
            self._fail(error)
            return None
        finally:
            self._lock.release()

    def files_of(self, numbers: Collection[int]) -> dict[Path, int] | None:
        """The files that the table has under these numbers (`Sources.files_of`); None: one of them counts no more."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return None
        try:
            return self._sources.files_of(numbers)
        finally:
            self._lock.release()

    # ---- beside them ---------------------------------------------------------------------------------

    def feed(self) -> None:
        """Build what is not built, read what is new. May take minutes, in which requests scan the lake."""
        try:
            if self._table is not None and self._of_all.is_due and not self._is_brief and self._may_be_other:
                self._look_at_all()
            with self._lock:
                if self._table is not None:
                    self._catch_up(by_request=False)
                elif time.monotonic() >= self._again:
                    self._build()
            if max(self._unclean, self._rested) <= time.monotonic():
                self.write_anew()
        except _FAULTS as error:
            with self._lock:
                self._fail(error)

    def write_anew(self) -> None:
        """Have a file that holds no row that was taken out. Requests ask the old one meanwhile, which stays current.

        Raises:
            duckdb.Error: there is no room for both.
            UnavailableError: the process ends.
        """
        began = time.monotonic()
        new = RowTable(self.database)
        try:
            with self._lock:
                if (old := self._table) is None:
                    return
                self._unclean, sources = inf, self._sources.copy()
                new.see(old)
            for _ in new.take_over(old):
                self._go_on()
            with self._lock:
                if self._table is old:  # no request has given it up
                    came = sources.owners_that_differ(self._sources)
                    self._moved |= dict.fromkeys(came, time.monotonic() + _SETTLES_S)
                    self._table, self._sources, new = new, sources, old
                    self._catch_up(by_request=False)
        finally:
            self._remove(new)
        took = time.monotonic() - began
        self._rested = began + took * (1 + _REST_OF_WRITING)
        log.info("table of companies written anew", project=self.lake.project, seconds=round(took, 1))

    def drop(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._forget()
            self.seen = Seen()

    def _fail(self, error: Exception) -> None:
        if not self.ended.is_set():
            log.warning(
                "the table of companies is given up, and built anew", project=self.lake.project, error=str(error)
            )
        self._forget()
        self.seen = Seen("failed", error=str(error)[:200])
        self._again = time.monotonic() + _AGAIN_S

    def _forget(self) -> None:
        table, self._table = self._table, None
        if table is not None:
            self._remove(table)

    def _remove(self, table: RowTable) -> None:
        try:
            table.drop()
        except (duckdb.Error, OSError) as error:
            log.warning("a table of companies stays", project=self.lake.project, error=str(error))

    def _build(self) -> None:
        began = time.monotonic()
        self.seen = Seen()
        self._misses = self._made_up = 0
        self._deaf_until = self._as_of = 0.0
        self._running, self._place = running(self.store)
        self._moved: dict[str, float] = {}
        self._compacted_until = 0.0
        self._of_all, self._of_running = _Pace(_REST_OF_ALL), _Pace(_REST_OF_RUNNING)
        self._sources = Sources(self.lake)
        self._unclean = inf
        self._table = RowTable(self.database)
        self._read(self._look(everything=True), building=True)
        self._table.settle()
        self._catch_up(by_request=False)
        self._tell()
        took = round(time.monotonic() - began, 1)
        log.info("table of companies built", project=self.lake.project, companies=self.seen.companies, seconds=took)

    def _tell(self) -> None:
        assert self._table is not None
        self.seen = Seen("ready", self._table.companies(), time.time())

    # ---- what is to be read ----------------------------------------------------------------------------

    def _catch_up(self, *, by_request: bool) -> bool:
        """Read what is new since the last time. False: it is more than a request waits for, and `behind` was told."""
        began = time.monotonic()
        self._hear()
        missed, is_brief = self._misses > self._made_up, self._is_brief
        if missed and not is_brief:
            if began >= self._deaf_until:
                self._of_all.next = 0.0
                self.behind()
            return False
        lacking = self._look(everything=is_brief)
        if by_request and (len(lacking.new) > _AT_ONCE or lacking.bytes > _AT_ONCE_BYTES):
            self.behind()
            return False
        if lacking.new or lacking.gone:
            self._read(lacking)
            self._tell()
        if is_brief:
            self._made_up = self._misses
        self._as_of = began
        self._moved = {job: until for job, until in self._moved.items() if until > began}
        self.seen.at = time.time()
        return True

    def _hear(self) -> None:
        """Learn which jobs moved, or that some may have."""
        now = time.monotonic()
        if now < self._deaf_until:
            self._misses += 1
            return
        try:
            moves = moves_behind(self.store, self._place)
            if not moves.place:
                self._running, self._place = running(self.store)
        except LeadmillError as error:
            log.debug("jobs that ended are looked for in the lake", error=str(error))
            self._misses += 1
            self._deaf_until = now + _DEAF_S
            return
        self._misses += not moves.whole
        self._place = moves.place or self._place
        for job, status in moves.of.items():
            self._moved[job] = now + _SETTLES_S
            if status == GONE:
                self._compacted_until = now + _SETTLES_S
            (self._running.add if status == Status.RUNNING else self._running.discard)(job)

    @property
    def _is_brief(self) -> bool:
        """Whether all jobs may be looked at by each request."""
        return not self.lake.storage.shows_uncommitted and (self._jobs <= _FEW_JOBS or self._of_all.is_brief)

    @property
    def _may_be_other(self) -> bool:
        """Whether files may have changed that no move tells of: by hand, where they are at hand."""
        return not self.lake.storage.shows_uncommitted or self._misses > self._made_up

    def _look_at_all(self) -> None:
        """Find which jobs' files have changed that no move told of; requests go on meanwhile."""
        with self._lock:
            misses = self._misses
        found = self._look(everything=True)
        with self._lock:
            until = time.monotonic() + _SETTLES_S
            self._moved |= dict.fromkeys(found.owners, until)
            self._made_up = misses

    def _look(self, everything: bool) -> Difference:
        if everything:
            with self._of_all.look():
                owners = self._sources.owners()
                self._jobs = len(owners)
                return self._sources.difference(owners)
        # What a snapshot holds is in the table until the jobs that it was made of leave.
        looks = not self.lake.storage.shows_uncommitted or time.monotonic() < self._compacted_until
        lacking = self._sources.difference({*([SNAPSHOTS] if looks else ()), *self._moved})
        if self._of_running.is_due:
            with self._of_running.look():
                lacking.add(self._sources.difference(self._running - self._moved.keys()))
        return lacking

    def _read(self, lacking: Difference, *, building: bool = False) -> None:
        """Take over what the table lacks, at once for whoever reads it, without what is damaged or went meanwhile."""
        for left in reversed(range(_TRIES)):
            steps = lacking.in_steps(_STEP, _STEP_BYTES)
            begun: list[Difference] = []
            try:
                # Nobody reads what is being built: there each step is written down by itself.
                for together in ([step] for step in steps) if building else [steps]:
                    self._take(together, begun, settle=not building)
                return
            except _OF_FILES as error:
                at_fault = [one.file for step in begun[-1:] for one in step.new]
                if not left or is_ours(error) or not mend(self.lake, at_fault):
                    raise
                lacking = self._look(everything=True)

    def _go_on(self) -> None:
        if self.ended.is_set():
            raise UnavailableError("the server ends")

    def _take(self, steps: Iterable[Difference], begun: list[Difference], *, settle: bool) -> None:
        assert self._table is not None
        taken = []
        with self._table.transaction():
            for step in steps:
                self._go_on()
                begun.append(step)
                gone, numbers = self._sources.numbers_of(step.gone), self._sources.numbered(step)
                self._table.change(gone, by_stage(step), numbers, settle=settle)
                taken.append((step, numbers))
        for step, numbers in taken:
            self._sources.note(step, numbers)
            if step.gone:
                stays = _ERASED_S if step.erased else _SUPERSEDED_S
                self._unclean = min(self._unclean, time.monotonic() + stays)
