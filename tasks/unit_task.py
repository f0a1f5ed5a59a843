"""The Celery shell of every stage, and what a worker's main process does when the child that ran one dies."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from billiard.einfo import ExceptionInfo
from celery import Task, shared_task
from celery.exceptions import WorkerLostError
from celery.worker import state
from celery.worker.request import Request

from data.jobs import HandOut, JobStore
from data.lake import Lake
from leadmill.errors import UnavailableError
from leadmill.log import get_logger
from leadmill.settings import get_settings
from pipelines import canvas
from pipelines.stages import STAGES
from pipelines.unit_run import Body, Runtime, run_unit

log = get_logger(__name__)


@dataclass(frozen=True)
class Death:
    """A pool child that died while it ran a unit."""

    job_id: str
    unit: str
    owner: str
    error: str


#: Deaths that the reconciler's thread has yet to report. Filled and emptied in the worker's main process.
deaths: queue.SimpleQueue[Death] = queue.SimpleQueue()


def owner_of(task_id: str, pid: int) -> str:
    """Who holds a lease: known alike to the child that runs and to the parent that sees it die."""
    return f"{task_id[:8]}:{pid}"


class UnitRequest(Request):
    """Reports the death of the child instead of storing a failure: the record decides what follows.

    Celery's own handling would mark the whole chord as failed and log two tracebacks a death.
    """

    def on_failure(self, exc_info: ExceptionInfo, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        error = exc_info.exception
        error = getattr(error, "exc", error)  # billiard wraps it with its traceback
        if not isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt):
            return super().on_failure(exc_info, send_failed_event, return_ok)
        state.task_ready(self)
        self._report(f"its process died ({_cause(error)})")
        return None

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """The hard limit: the pool kills the child next."""
        if soft:
            super().on_timeout(soft, timeout)
            return
        state.task_ready(self)
        self._report(f"it ran longer than the limit of {timeout:.0f} s and was killed")

    def _report(self, error: str) -> None:
        args = self.args
        if self.worker_pid and len(args) >= 2:
            deaths.put(Death(args[0], args[1], owner_of(self.id, self.worker_pid), error))


def _cause(error: BaseException) -> str:
    text = str(error)
    for number in signal.Signals:
        if f"signal {number.value} " in text or f"exitcode {-number.value} " in text or number.name in text:
            return number.name
    return text.splitlines()[0][:80] if text else type(error).__name__


class UnitTask(Task):
    """Base of every stage's task."""

    Request = UnitRequest
    ignore_result = True


@lru_cache(maxsize=1)
def _runtime(pid: int) -> Runtime:
    """One a process, made after the fork: connections do not cross it."""
    from tasks.app import app

    settings = get_settings()

    def publish(outs: Sequence[HandOut]) -> None:
        canvas.publish(app, outs)

    return Runtime(
        settings, JobStore.connect(settings.redis_url, settings.key_prefix), Lake(settings.data_dir), publish
    )


def runtime() -> Runtime:
    """This process's runtime."""
    return _runtime(os.getpid())


def unit_task(stage: str) -> Callable[[Body], Any]:
    """Make the Celery task of a declared stage out of its body, a function of one `UnitRun`."""

    def make(body: Body) -> Any:
        @shared_task(bind=True, base=UnitTask, name=STAGES[stage].task)
        def shell(self: Any, job_id: str, unit: str, epoch: int, index: int = 0, chained: bool = False) -> None:
            owner = owner_of(self.request.id, os.getpid())
            try:
                going_on = run_unit(runtime(), body, job_id, unit, epoch, index, owner=owner, chained=chained)
            except UnavailableError as error:
                log.warning("unit left to its lease", job=job_id, unit=unit, error=str(error))
                going_on = False
            if not going_on:
                self.request.chain = None  # the rest of a stale chain would find nothing to do

        shell.__doc__ = body.__doc__
        return shell

    return make
