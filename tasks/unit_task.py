"""The Celery shell of every stage, and what a worker's main process does when the child that ran one dies."""

from __future__ import annotations

import os
import queue
import signal as signals
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from billiard.einfo import ExceptionInfo
from celery import Celery, Task, shared_task
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker import state
from celery.worker.request import Request

from data.jobs import HandOut, JobStore
from data.lake import Lake
from leadmill.errors import LeadmillError, NewerStoreError
from leadmill.log import begin, get_logger
from leadmill.settings import get_settings
from pipelines.committed import known_by
from pipelines.execution import canvas
from pipelines.execution.job_log import job_log
from pipelines.execution.marks import board
from pipelines.execution.running import GIVE_BACK_S, Body, run_unit
from pipelines.execution.unit_run import Runtime
from pipelines.stages import STAGES
from tasks.child_watch import kills
from tasks.messages import names_a_unit

log = get_logger(__name__)


@dataclass(frozen=True)
class Death:
    """A pool child that died while it ran a unit."""

    job_id: str
    unit: str
    owner: str
    error: str
    #: What it had begun, as the record names it (`PageMark.name`); empty: nothing that it had marked.
    page: str = ""
    #: The page is to blame without doubt.
    sure: bool = False
    #: Its unit was not its own any more.
    lapsed: bool = False


#: Deaths that the reconciler's thread has yet to report. Filled and emptied in the worker's main process.
deaths: queue.SimpleQueue[Death] = queue.SimpleQueue()


def hand_over(app: Celery, run: Death) -> None:
    """Give a killed run's unit back, at a cold stop of the worker's main process; costs it no attempt."""
    try:
        send = runtime(app).store.release(run.job_id, run.unit, run.owner).send
        with app.connection_for_write() as connection:
            canvas.dispatch(app, send, connection)
    except LeadmillError as error:
        log.warning("unit left to its lease", job=run.job_id, unit=run.unit, error=str(error))


def owner_of(task_id: str, pid: int) -> str:
    """The owner's name in a lease, which the child that runs and the parent that sees it die can both compute."""
    return f"{task_id[:8]}:{pid}"


class UnitRequest(Request):
    """Reports the death of the child instead of storing a failure: the record decides what follows.

    Celery's own handling would mark the whole chord as failed and log two tracebacks a death.
    """

    def on_failure(self, exc_info: ExceptionInfo, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        if self._already_cancelled:
            return None
        error = exc_info.exception
        error = getattr(error, "exc", error)  # billiard wraps it with its traceback
        if isinstance(error, TimeLimitExceeded):
            return None  # `on_timeout` is called next and reports it
        if not isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt):
            return super().on_failure(exc_info, send_failed_event, return_ok)
        state.task_ready(self)
        self._report(f"its process died ({_cause(error)})")
        return None

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """The hard time limit: the pool kills the child next."""
        if soft:
            super().on_timeout(soft, timeout)
            return
        state.task_ready(self)
        self._report(f"it ran longer than the limit of {timeout:.0f} s and was killed")

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:
        """A cold stop: the child is killed, and the unit is no failure but handed over.

        Celery's own handling forgets the request before any bootstep could see what it ran.
        """
        state.task_ready(self)
        self._already_cancelled = True
        if self.worker_pid and len(self.args) >= 2:
            pool.terminate_job(self.worker_pid, signals.SIGKILL)
            hand_over(self.app, self.run_of(""))

    def run_of(self, error: str) -> Death:
        """The run that this request stands for, as the record knows it."""
        return Death(str(self.args[0]), str(self.args[1]), owner_of(self.id, self.worker_pid), error)

    def _report(self, error: str) -> None:
        if not self.worker_pid or len(self.args) < 2:
            return
        run = self.run_of(error)
        seen, killed = board.read(self.worker_pid), kills.pop(run.owner, None)
        board.clear(self.worker_pid)
        page = seen.page.name if seen is not None and seen.owner == run.owner and seen.page is not None else ""
        if killed is None:
            deaths.put(replace(run, page=page, sure=any(f"({name})" in error for name in _CRASHES)))
        elif not killed.lapsed:
            deaths.put(replace(run, error=killed.reason, page=page, sure=True))
        elif page:
            deaths.put(replace(run, error=killed.reason, page=page, sure=killed.by_page, lapsed=True))
        # Else the unit had been taken from it before: there is nothing to hand out again, and no death to count.


#: Signals that a process brings upon itself. Any other may come from outside, whatever page it was at.
_CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")


def _cause(error: BaseException) -> str:
    text = str(error)
    for number in signals.Signals:
        if f"signal {number.value} " in text or f"exitcode {-number.value} " in text or number.name in text:
            return number.name
    return text.splitlines()[0][:80] if text else type(error).__name__


class UnitTask(Task):
    """Base of every stage's task."""

    Request = UnitRequest
    ignore_result = True
    #: Name of its stage.
    stage = ""

    @classmethod
    def on_bound(cls, app: Celery) -> None:
        """Celery's hook, once the task has the app's settings."""
        if cls.stage:
            cls.time_limit = app.conf.task_time_limit * STAGES[cls.stage].time_limit_factor


@lru_cache(maxsize=1)
def _runtime(app: Celery, pid: int) -> Runtime:
    """One a process, made after the fork: connections do not cross it."""
    settings = get_settings()

    def dispatch(outs: Sequence[HandOut]) -> None:
        canvas.dispatch(app, outs)

    store = JobStore.connect(settings.redis_url, settings.key_prefix, lake=settings.data_dir)
    job_log.connect(store)
    return Runtime(settings, store, Lake(settings.data_dir, store.critical, commits_of=known_by(store)), dispatch)


def runtime(app: Celery) -> Runtime:
    """This process's runtime."""
    return _runtime(app, os.getpid())


def unit_task(stage: str) -> Callable[[Body], Any]:
    """Make the Celery task of a declared stage out of its body, a function of one `UnitRun`."""

    def make(body: Body) -> Any:
        @shared_task(bind=True, base=UnitTask, name=STAGES[stage].task, stage=stage)
        def shell(
            self: Any, job_id: str, unit: str, epoch: int, index: int = 0, chained: bool = False, mac: str | None = None
        ) -> None:
            begin(job=job_id, unit=unit, stage=stage, epoch=epoch or None)
            # The MAC was verified when the message arrived (tasks/consumer.py).
            if not names_a_unit(job_id, unit, epoch, index, chained):
                log.warning("message that names no unit", args=repr(self.request.args)[:200])
                self.request.chain = None
                return
            owner = owner_of(self.request.id, os.getpid())
            try:
                going_on = run_unit(
                    runtime(self.app), body, job_id, unit, epoch, index, owner=owner, chained=chained, task_stage=stage
                )
            except NewerStoreError as error:
                log.error("message given back: a later version works here", job=job_id, unit=unit, error=str(error))
                time.sleep(GIVE_BACK_S)  # this worker is about to end, and might be given it again
                canvas.send_back(self.app, self.request)
                going_on = False
            except LeadmillError as error:
                log.warning("unit left to its lease", job=job_id, unit=unit, error=str(error))
                going_on = False
            job_log.settle()
            job_log.send()
            if going_on:
                canvas.send_next(self.app, self.request)
            else:
                self.request.chain = None  # the rest of a stale chain would find nothing to do

        return shell

    return make
