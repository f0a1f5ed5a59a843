"""The reconciler: sends due units, sends lost messages again, takes over units whose lease lapsed.

It knows nothing of Celery's worker; `tasks/reconciler.py` runs it there.

Every worker runs one; claiming is atomic, so any number may run at once and there is no leader.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from data import keys
from data.jobs import HandOut, JobStore
from data.lake import Lake
from leadmill import __version__
from leadmill.errors import NewerStoreError, UnavailableError
from leadmill.log import get_logger
from leadmill.pause import pause_point
from pipelines.execution import canvas, thrown_away
from pipelines.execution.marks import Seen
from pipelines.execution.restore import check_generation
from pipelines.queues import LEVELS
from pipelines.stages import STAGES

log = get_logger(__name__)

#: Seconds between ticks.
TICK_S = 1.0


@dataclass(frozen=True)
class Node:
    """A worker as the others see it."""

    name: str
    queues: tuple[str, ...]
    processes: int
    started: float = field(default_factory=time.time)
    #: Whether its messages carry a MAC, and it takes no others.
    signs: bool = False

    def about(self) -> str:
        """What the store keeps of it, as JSON: also what it threw away, once there is something."""
        about: dict[str, Any] = {
            "queues": self.queues,
            "processes": self.processes,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": self.started,
            "version": __version__,
            "form": keys.RECORD_VERSION,
        }
        if self.signs:
            about["signs"] = True
        thrown = thrown_away.counts()
        return json.dumps(about | ({"thrown_away": thrown} if thrown else {}))


class Reconciler:
    """One worker's share of the recovery. Not thread-safe; owns its broker connection."""

    def __init__(self, app: Celery, store: JobStore, lake: Lake, node: Node) -> None:
        self._app, self._store, self._lake, self._node = app, store, lake, node
        self._generation: str | None = None
        self._connection: Any = None
        #: Notices wait in the outbox, and nobody seems to deliver them: what the last claim said.
        self.notices_wait = False

    def tick(self, runs: Sequence[Seen] = (), on_lost: Callable[[Seen, float], None] | None = None) -> int:
        """Claim what is due and send it; how many messages went out.

        Args:
            runs: what the worker's children hold.
            on_lost: told of each of these that is not held any more, with the seconds since its job ended (0: it
                goes on without that run).

        Raises:
            UnavailableError: Redis or the broker is away; connections are dropped and the next tick tries anew.
            NewerStoreError: a later version has overtaken this one; waiting does not help.
        """
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write()
                self._connection.ensure_connection(max_retries=1, timeout=3)
            queued = queued_levels(self._connection)
            held = [(run.job_id, run.unit, run.owner) for run in runs]
            answer = self._store.claim(queued, node=self._node.name, about=self._node.about(), runs=held)
            self.notices_wait = bool(answer.body.get("notices"))
            for place, ended_ms in answer.body.get("lost") or ():
                if on_lost is not None:
                    on_lost(runs[place], max(0.0, ended_ms / 1000))
            for job_id, unit, stage, epoch, lapses in answer.body.get("lapsed") or ():
                log.warning(
                    "lease lapsed: its worker is gone, or stood still", job=job_id, unit=unit, stage=stage, epoch=epoch,
                    lapses=lapses,
                )  # fmt: skip
            pause_point("claimed")
            self.send(answer.send)
            self._check_generation(answer.body.get("generation"))
        except NewerStoreError:
            self.drop()
            raise
        except (UnavailableError, OperationalError, RedisError, OSError) as error:
            self.drop()
            raise UnavailableError(f"reconciler: {error}") from error
        return len(answer.send)

    def check_folder(self) -> None:
        """Raises ForeignLakeError once the folder is not the lake's any more: what is written there would be lost."""
        self._store.check_folder()

    def _check_generation(self, generation: str | None) -> None:
        """Restore from the lake what an emptied server has lost; asked once, and whenever the generation changes."""
        if generation is None or generation != self._generation:
            self._generation = check_generation(self._store, self._lake, generation)

    def died(
        self,
        job_id: str,
        unit: str,
        owner: str,
        error: str,
        *,
        page: str = "",
        sure: bool = False,
        lapsed: bool = False,
    ) -> None:
        """A pool child died while it ran a unit (arguments as of `JobStore.died`): hand it out again at once."""
        answer = self._store.died(job_id, unit, owner, error, page=page, sure=sure, lapsed=lapsed)
        sent = [out.unit for out in answer.send]
        log.warning("process died", job=job_id, unit=unit, error=error, page=page or None, sent=sent)
        self.send(answer.send)

    def send(self, outs: Sequence[HandOut]) -> None:
        """Send hand-outs on the reconciler's own connection; a unit that no message can be made of ends."""
        good = [out for out in outs if canvas.is_declared(out)]
        if good:
            canvas.dispatch(self._app, good, self._connection)
        for out in outs:
            if not canvas.is_declared(out):
                text = f"the job's record is wrong: no unit {out.unit[:40]!r} of stage {out.stage[:40]!r}"
                log.warning("unit refused", job=out.job_id, error=text)
                self.send(self._store.refuse(out, text).send)

    def drop(self) -> None:
        """Forget the broker connection; the next tick opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception as error:
                log.debug("closing a broken connection", error=str(error))

    def leave(self) -> None:
        """Sign this worker off, so that nobody waits for it."""
        try:
            self._store.leave(self._node.name)
        except UnavailableError as error:
            log.warning("could not sign off", error=str(error))
        self.drop()


def queue_lengths(connection: Any) -> dict[tuple[str, int], int]:
    """Waiting messages of each (queue, level) of the broker.

    Exact by level on Redis; another broker tells a queue's total, which then stands for each of its levels.
    """
    queues = sorted({stage.queue.value for stage in STAGES.values()})
    channel = connection.default_channel
    if hasattr(channel, "_q_for_pri"):
        with channel.conn_or_acquire() as client:
            keys = [(queue, level) for queue in queues for level in LEVELS]
            pipe = client.pipeline(transaction=False)
            for queue, level in keys:
                pipe.llen(channel._q_for_pri(queue, level))
            return dict(zip(keys, pipe.execute(), strict=True))
    totals = {queue: channel.queue_declare(queue=queue, passive=True).message_count for queue in queues}
    return {(queue, level): totals[queue] for queue in queues for level in LEVELS}


def queued_levels(connection: Any) -> dict[str, bool]:
    """Each `<unit stage>:<level>` whose queue holds a message, as the claim wants it."""
    lengths = queue_lengths(connection)
    return {
        f"{stage.unit_name}:{level}": True
        for stage in STAGES.values()
        for level in LEVELS
        if lengths[stage.queue.value, level]
    }
