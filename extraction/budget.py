"""How much CPU time one page may take: over it, the work on the page is broken off and the page becomes an error row.

An interval timer interrupts Python code and `re`, in the main thread, where a worker's tasks run. C code that holds
the interpreter (the HTML parser) is not interrupted: `extraction.markup_guard` bounds what it gets to see, and the
worker's parent kills what runs on all the same.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Literal, Self, TypeVar

from leadmill.errors import ErrorCategory
from leadmill.rows import ErrorRow, error_row

#: What the error row of such a page or company says.
TOO_COSTLY = "too costly to read"
#: CPU seconds that one page may take in one stage: a real page takes some milliseconds, the dearest text that fits
#: into the guard's limits below half a second, on a machine of 2024.
PAGE_S = 2.0
#: CPU seconds that all pages of one company may take in one stage: fifty pages each just below its limit are an
#: attack, too. Fifty real ones take below one second.
COMPANY_S = 10.0
#: CPU seconds to settle one company out of the findings of its pages, whose number is bounded.
SETTLE_S = 4.0
#: The alarm is repeated at this pace, CPU seconds, until the block is left: an exception raised in a destructor, or
#: caught by a bare `except:`, is lost.
_AGAIN_S = 0.05
#: Frames looked through for our own code: an alarm in there is passed over, the next one counts.
_DEEPEST_OWN = 4


T = TypeVar("T")


class TooCostlyError(BaseException):
    """The work took more CPU time than it may. No `Exception`: code that forgives one bad value must not forgive this.

    Catch it right outside the `CpuBudget` that raised it.
    """


class CpuBudget:
    """A block of synchronous work that may take so many seconds of its thread's CPU time.

    `with CpuBudget(2.0):` raises `TooCostlyError` inside the block once they are used up, and never outside it.
    Blocks may be nested; an inner block also ends when an outer one's time is up. Outside the main thread (the crawl
    of a notebook) nothing is interrupted. Signal handler and timer are as before when the block is left.
    """

    __slots__ = ("_began", "_charged", "_is_exact", "_seconds", "_spend", "_watched")

    def __init__(self, seconds: float, spend: Callable[[float], None] | None = None, *, is_exact: bool = False) -> None:
        """`spend` is told the CPU seconds taken when the block is left; exactly also among many blocks, if wanted."""
        self._seconds = seconds
        self._is_exact = is_exact
        self._spend = spend
        self._watched = False
        #: By the thread's clock. Among many blocks that of the first alarm, so that none is over too early.
        self._began: float | None = None
        #: Among many blocks: the CPU seconds that alarms found it at.
        self._charged: float | None = None

    def __enter__(self) -> Self:
        if self._seconds <= 0:
            raise TooCostlyError(TOO_COSTLY)
        if threading.get_ident() == threading.main_thread().ident:
            self._watched = True
            if _watch.samples and not self._is_exact:
                self._charged = 0.0
                _watch.enter(self)
                return self
        self._began = time.thread_time()
        if self._watched:
            _watch.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watched:
            _watch.leave(self)
        if self._spend is not None:
            self._spend(self._seconds - self.left() if self._charged is None else self._charged)

    def left(self) -> float:
        """CPU seconds that are left; negative when over. Asked in the thread of the block."""
        return self._seconds if self._began is None else self._seconds - (time.thread_time() - self._began)

    def charge(self, seconds: float, now: float) -> None:
        """An alarm found it open, so many CPU seconds after the last one."""
        if self._charged is not None:
            self._charged += seconds
            self._began = now if self._began is None else self._began


class CompanyBudgets:
    """What the pages of each company may still take in one stage: so much a page, so much all together."""

    def __init__(self, page_s: float = PAGE_S, company_s: float = COMPANY_S) -> None:
        self._page_s, self._company_s = page_s, company_s
        self._spent: dict[str, float] = defaultdict(float)

    def page(self, company_id: str) -> CpuBudget:
        """The block for the next page of a company. Entering it raises `TooCostlyError` when nothing is left."""
        left = self._company_s - self._spent[company_id]
        return CpuBudget(min(self._page_s, left), partial(self._add, company_id))

    def within(self, company_id: str, look: Callable[[], T]) -> T | None:
        """What a look at the next page of a company gives; None where it would cost too much."""
        try:
            with self.page(company_id):
                return look()
        except TooCostlyError:
            return None

    def _add(self, company_id: str, seconds: float) -> None:
        self._spent[company_id] += seconds


def too_costly_row(
    subject: Mapping[str, Any], scope: Literal["company", "page"], stage: str, now: datetime, *, url: str | None = None
) -> ErrorRow:
    """The row of `data.schemas.ERRORS` of a page or a company that was given up for its cost."""
    return error_row(subject, scope, stage, ErrorCategory.DATA, TOO_COSTLY, now, url=url)


class _Watch:
    """The process's one timer, and the open blocks that it watches. Main thread only."""

    def __init__(self) -> None:
        self._open: list[CpuBudget] = []
        self._handler: Any = None
        self._timer = (0.0, 0.0)
        #: It looks at the open blocks at a steady pace, and what each took is what passed between two looks.
        self.samples = False
        self._looked_at = 0.0
        #: Interrupted in here, a block has not begun or has ended: its caller must not fail any more.
        self._own = {f.__code__ for f in (self.enter, self.leave, CpuBudget.__enter__, CpuBudget.__exit__)}

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Look at the open blocks every `_AGAIN_S` seconds of CPU time, whichever they are."""
        self._handler = signal.signal(signal.SIGPROF, self._struck)
        signal.siginterrupt(signal.SIGPROF, False)  # what reads and writes between blocks goes on
        self._timer = signal.setitimer(signal.ITIMER_PROF, _AGAIN_S, _AGAIN_S)
        self._looked_at = time.thread_time()
        self.samples = True
        try:
            yield
        finally:
            self.samples = False
            self._restore()

    @property
    def is_idle(self) -> bool:
        """Whether it watches nothing."""
        return not self._open and not self.samples

    def enter(self, budget: CpuBudget) -> None:
        if self.samples:
            self._open.append(budget)
            return
        if not self._open:
            self._handler = signal.signal(signal.SIGPROF, self._struck)
        self._open.append(budget)
        before = self._arm()
        if len(self._open) == 1:
            self._timer = before

    def leave(self, budget: CpuBudget) -> None:
        self._open.remove(budget)
        if self.samples:
            return
        if self._open:
            self._arm()
            return
        self._restore()

    def _restore(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        if self._handler in (signal.SIG_DFL, None):
            # An alarm under way to another thread would end the process: to ignore it first takes it back.
            signal.signal(signal.SIGPROF, signal.SIG_IGN)
        signal.signal(signal.SIGPROF, self._handler or signal.SIG_DFL)
        if self._timer[0]:
            signal.setitimer(signal.ITIMER_PROF, *self._timer)

    def _arm(self) -> tuple[float, float]:
        least = min([budget.left() for budget in self._open])
        return signal.setitimer(signal.ITIMER_PROF, max(least, _AGAIN_S / 10), _AGAIN_S)

    def _struck(self, number: int, frame: FrameType | None) -> None:
        if self.samples:
            now = time.thread_time()
            for budget in self._open:
                budget.charge(now - self._looked_at, now)
            self._looked_at = now
        # The timer counts the CPU time of all threads, a budget that of this one: too early, the next alarm looks.
        if any(budget.left() <= 0 for budget in self._open) and not self._inside(frame):
            raise TooCostlyError(TOO_COSTLY)

    def _inside(self, frame: FrameType | None) -> bool:
        for _ in range(_DEEPEST_OWN):
            if frame is None:
                return False
            if frame.f_code in self._own:
                return True
            frame = frame.f_back
        return False


_watch = _Watch()


@contextmanager
def many_budgets() -> Iterator[None]:
    """A stretch of work with many small blocks: the timer is set once for all of them, and no clock is read for each.

    What passed since the last alarm is charged to the blocks that the next one finds open: of one block that is wrong
    by some hundredths of a second, of many it is right. That a block's own time is up is noticed so much later, never
    earlier. Outside the main thread nothing changes.
    """
    if threading.get_ident() != threading.main_thread().ident or not _watch.is_idle:
        yield
        return
    with _watch.ticking():
        yield
