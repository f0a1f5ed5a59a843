"""Sends launch messages after the answers to submissions: one thread, one broker connection, a bounded queue.

A job is accepted once it is recorded. A message that finds no room here, or no broker, is dropped: the
record's due entry has it sent again by a worker.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from api.batches import batch_of
from data.jobs import HandOut
from leadmill.log import get_logger
from pipelines.execution import canvas

log = get_logger(__name__)

#: Messages that may wait; more are left to the reconciler.
CAPACITY = 10_000
#: Hand-outs taken at once.
_BATCH = 200
#: When the last batch went less than so long ago, more are waited for: a batch costs little more than one.
_BUSY_S = 0.025
#: Seconds between two complaints about a broker that is away.
_COMPLAIN_S = 10.0


class Dispatcher:
    """The thread; `put` never blocks."""

    def __init__(self, app: Celery, capacity: int = CAPACITY) -> None:
        self._app = app
        self._queue: queue.Queue[Sequence[HandOut] | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._connection: Any = None
        self._producer: Any = None
        self._complained = self._sent_at = 0.0
        self._closing = threading.Event()
        #: Messages that were not sent from here.
        self.dropped = 0

    def start(self) -> None:
        self._thread.start()

    def put(self, outs: Sequence[HandOut]) -> None:
        """Send these when their turn comes."""
        if not outs:
            return
        try:
            self._queue.put_nowait(outs)
        except queue.Full:
            self.dropped += len(outs)

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what waits, but no longer than `timeout_s`, and end the thread."""
        if not self._thread.is_alive():
            return
        self._closing.set()
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            log.warning("launch messages left to the workers", messages=self._queue.qsize())
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            batch, last = self._take()
            if batch:
                self._send(batch)
            if last:
                self._drop()
                return

    def _take(self) -> tuple[list[HandOut], bool]:
        """What waits, up to a batch, and whether the end was among it."""
        first = self._queue.get()
        if first is None:
            return [], True
        if not self._closing.is_set() and time.monotonic() - self._sent_at < _BUSY_S:
            self._closing.wait(_BUSY_S)
        batch, last = batch_of(first, self._queue, _BATCH, len)
        return [out for outs in batch for out in outs], last

    def _send(self, batch: list[HandOut]) -> None:
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write()
                self._connection.ensure_connection(max_retries=1, timeout=3)  # by itself it would try for ever
                canvas.declare_queues(self._app, self._connection)
                self._producer = self._app.amqp.Producer(self._connection, auto_declare=False)
            with self._producer.batch():  # one round trip for all of them, where the transport can
                canvas.send(self._app, batch, self._producer)
            self._sent_at = time.monotonic()
        except (OperationalError, RedisError, OSError) as error:
            self._drop()
            self.dropped += len(batch)
            now = time.monotonic()
            if now - self._complained > _COMPLAIN_S:
                self._complained = now
                log.warning("launch messages not sent; the workers will", messages=len(batch), error=str(error))
        except Exception as error:
            # This thread survives any error: the due entries have every lost message sent again.
            self._drop()
            self.dropped += len(batch)
            log.error("dispatcher", exc_info=error)

    def _drop(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            try:
                connection.release()
            except Exception as error:
                log.debug("closing a broken connection", error=str(error))
