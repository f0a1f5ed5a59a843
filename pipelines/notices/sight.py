"""What one look at the stack sees: its processes, its queues, Redis and the disk. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from data.jobs import JobStore, Worker
from data.message_queues import MessageQueues, QueueLevel
from data.presence import StackProcess, quiet_s
from data.probes import Memory, WriteFault, redis_memory, store_fault
from leadmill.declared import KINDS
from leadmill.errors import LeadmillError, StoreRefusedError
from leadmill.redaction import redis_cli
from pipelines.notices.disk_look import DiskState
from pipelines.queues import LEVELS, Queue


@dataclass(frozen=True)
class Processes:
    """Who lives, and what waits for them."""

    workers: Mapping[str, Worker]
    #: Of each worker that did not sign off for how long it was not seen, seconds.
    lost: Mapping[str, float]
    #: For how long none of a kind was seen, seconds; None where none is missing.
    quiet_s: Mapping[StackProcess, float | None]
    #: Messages by queue.
    waiting: Mapping[str, int]


@dataclass(frozen=True)
class Sight:
    """What one look saw; None: that could not be seen."""

    #: Why Redis (or the one that holds the queues) was not reached.
    away: str | None = None
    #: What of it takes no write.
    refuses: WriteFault | None = None
    memory: Memory | None = None
    #: Unseen while Redis takes no write: nobody can say that he lives.
    processes: Processes | None = None
    disk: DiskState = field(default_factory=DiskState)


def see(store: JobStore, broker: MessageQueues, redis_url: str, broker_url: str, disk: DiskState) -> Sight:
    """Look once. Never raises for a fault of Redis: that is what it looks for."""
    memory = None
    try:
        refuses = store_fault(store, redis_url, KINDS)
        if refuses is None and not broker.lie_beside(store):
            refuses = broker.write_fault(broker_url)
        memory = _memory(store)
        processes = None if refuses else _processes(store, broker)
    except StoreRefusedError as error:
        fault = WriteFault("refused", str(error), f"{redis_cli(redis_url)} INFO")
        return Sight(refuses=fault, memory=memory, disk=disk)
    except LeadmillError as error:
        return Sight(away=str(error), disk=disk)
    return Sight(refuses=refuses, memory=memory, processes=processes, disk=disk)


def _memory(store: JobStore) -> Memory | None:
    try:
        return redis_memory(store)
    except StoreRefusedError:  # this user may not ask
        return None


def _processes(store: JobStore, broker: MessageQueues) -> Processes:
    living, lost = store.living_and_lost_workers()
    waiting = dict.fromkeys((queue.value for queue in Queue), 0)
    for level in broker.look(Queue, LEVELS):
        if isinstance(level, QueueLevel):
            waiting[level.queue] += level.waiting
    return Processes(living, lost, {kind: quiet_s(store, kind) for kind in StackProcess}, waiting)
