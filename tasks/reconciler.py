"""The reconciler's bootstep: a thread in every worker's main process."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from dataclasses import asdict
from typing import Any

from celery import bootsteps

from data.jobs import JobStore
from data.lake import Lake
from leadmill.errors import ForeignLakeError, LeadmillError, NewerStoreError, UnavailableError
from leadmill.log import get_logger
from leadmill.settings import get_settings
from pipelines.committed import known_by
from pipelines.execution.job_log import job_log
from pipelines.execution.recovery import TICK_S, Node, Reconciler
from pipelines.execution.signing import signer_of
from tasks.child_watch import ChildWatch
from tasks.deliverer import DelivererProcess
from tasks.unit_task import deaths

log = get_logger(__name__)

#: How often the pool looks for dead children, seconds (Celery's own look takes up to 5 s).
REAP_S = 0.5

#: Held by the reconciler's thread while it is inside Redis' and Celery's code, and by every fork: a lock of theirs that
#: the thread held at a fork (each `cached_property` of kombu's has one) would stay held in the child, for ever.
_no_fork = threading.Lock()
os.register_at_fork(before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_no_fork.release)


class ReconcilerStep(bootsteps.StartStopStep):
    """Starts with the worker (not with its broker connection, which comes and goes) and ends with it."""

    requires = {"celery.worker.components:Pool"}  # noqa: RUF012 - Celery's own form

    def __init__(self, worker: Any, **_: Any) -> None:
        self._ended = threading.Event()
        self._watch = ChildWatch(list)
        self._deliverer = DelivererProcess()
        self._thread: threading.Thread | None = None

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Look for dead children twice a second."""
        maintain = getattr(worker.pool, "_pool", None)
        if maintain is not None:
            hub.call_repeatedly(REAP_S, maintain.maintain_pool)

    def start(self, worker: Any) -> None:
        settings = get_settings()
        pool: Any = getattr(worker.pool, "_pool", None)
        if isinstance(getattr(pool, "_pool", None), list):  # prefork; other pools have no child to watch
            self._watch = ChildWatch(lambda: pool._pool)
        queues = tuple(sorted(worker.app.amqp.queues.consume_from))
        node = Node(worker.hostname, queues, worker.concurrency, signs=signer_of(worker.app) is not None)
        store = JobStore.connect(settings.redis_url, settings.key_prefix, lake=settings.data_dir)
        job_log.connect(store)
        self._reconciler = Reconciler(worker.app, store, Lake(settings.data_dir, commits_of=known_by(store)), node)
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        away = False
        while not self._ended.is_set():
            try:
                with _no_fork:
                    self._reconciler.check_folder()
                    self._reconciler.tick(self._watch.runs(), self._watch.lost)
                    self._deliverer.look(wanted=self._reconciler.notices_wait)
                    job_log.settle()
                    job_log.send()
                away = False
            except NewerStoreError as error:
                log.critical("a later version works here; this worker ends", error=str(error))
                os.kill(os.getpid(), signal.SIGTERM)
                break
            except ForeignLakeError as error:
                # The broker still works, so the consumer would go on taking messages that this worker cannot process.
                log.critical("the lake is gone from its folder; this worker ends", error=str(error))
                os.kill(os.getpid(), signal.SIGTERM)
                break
            except UnavailableError as error:
                if not away:
                    log.warning("job store or broker away; trying every second", error=str(error))
                away = True
            except LeadmillError as error:
                if not away:
                    log.error("reconciler tick failed; trying every second", error=str(error))
                away = True
            except Exception:
                log.exception("reconciler tick failed")
            self._until_next_tick()
        self._reconciler.leave()

    def _until_next_tick(self) -> None:
        """Report each death as it comes, and kill children whose time to stop is over."""
        tick = time.monotonic() + TICK_S
        while not self._ended.is_set():
            self._watch.look()
            pause = min(tick, self._watch.next_look()) - time.monotonic()
            try:
                death = deaths.get(timeout=max(0.0, pause))
            except queue.Empty:
                if time.monotonic() >= tick:
                    return
                continue
            try:
                with _no_fork:
                    self._reconciler.died(**asdict(death))
            except UnavailableError:
                deaths.put(death)
                return
            except LeadmillError as error:  # its record is damaged: the claims report it, and its lease lapses
                log.warning("death not told", job=death.job_id, unit=death.unit, error=str(error))

    def stop(self, worker: Any) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)
        self._deliverer.stop()

    def terminate(self, worker: Any) -> None:
        """A cold stop. Its units were handed over when Celery cancelled their requests (`UnitRequest.cancel`)."""
        self.stop(worker)
