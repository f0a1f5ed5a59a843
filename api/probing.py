"""What health and readiness tell of disk and Redis: looked at now and then, however often anybody asks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from data.jobs import JobStore
from data.lake import Lake
from data.message_queues import MessageQueues
from data.probes import DISK, Server, StoreState, Warned, WriteFault, disk_fault, disk_free, look_at_store
from leadmill.declared import KINDS
from leadmill.errors import ForeignLakeError, UnavailableError
from leadmill.log import get_logger
from leadmill.places import url_of

log = get_logger(__name__)

#: A result is used for so long, seconds: who asks once a second sees one that is at most two seconds old.
KEPT_S = 1.0
#: A disk that does not answer a probe for so long hangs, seconds.
HANGS_S = 5.0


@dataclass(frozen=True)
class Seen:
    """The state of the two places that hold everything."""

    #: As /healthz shows it: redis, redis_memory_bytes, disk, disk_free_bytes.
    shown: dict[str, Any]
    #: What threatens jobs, those of `faults` first.
    warnings: tuple[Warned, ...] = ()
    faults: tuple[WriteFault, ...] = ()
    #: How Redis keeps what it holds; None where it does not tell.
    server: Server | None = None
    #: The job store is another lake's.
    foreign: bool = False


@dataclass
class Prober:
    """Looks at most once in `KEPT_S`, one thread at a time; the others take what was seen last."""

    store: JobStore
    broker: MessageQueues
    lake: Lake
    redis_url: str
    broker_url: str
    _lock: Lock = field(default_factory=Lock)
    _seen: Seen | None = None
    _at: float = 0.0
    _began: float = 0.0

    def look(self) -> Seen:
        """What was seen last, at most `KEPT_S` ago unless a probe hangs."""
        seen = self._seen
        if seen is not None and time.monotonic() - self._at < KEPT_S:
            return seen
        if not self._lock.acquire(blocking=seen is None):
            assert seen is not None
            return self._hanging(seen)
        try:
            if self._seen is None or time.monotonic() - self._at >= KEPT_S:
                self._began = time.monotonic()
                self._seen = self._probe()
                self._at = time.monotonic()
            return self._seen
        finally:
            self._lock.release()

    def _hanging(self, seen: Seen) -> Seen:
        """Another thread looks just now; for how long it has tells whether what was seen last still holds."""
        waits = time.monotonic() - self._began
        if waits < HANGS_S:
            return seen
        text = f"the data folder {url_of(self.lake.root)} does not answer for {waits:.0f} s"
        fault = WriteFault("hangs", text, "dmesg | tail -20    # a network file system, or a disk that fails?")
        return replace(seen, shown={**seen.shown, "disk": "hangs"}, faults=(fault, *seen.faults))

    def _probe(self) -> Seen:
        redis, foreign = self._redis()
        faults = [redis.fault] if redis.fault else []
        if not self.broker.lie_beside(self.store) and (fault := self.broker.write_fault(self.broker_url)):
            faults.append(fault)
        disk = disk_fault(self.lake.root)
        free = disk_free(self.lake.root)
        warnings = list(redis.warnings)
        if disk is not None:
            faults.append(disk)
        elif free < DISK[1]:
            text = f"only {free / 1e9:.1f} GB are free at {url_of(self.lake.root)}"
            warnings.append(Warned(text, "leadmill maintenance cleanup"))
        about: dict[str, Any] = {"redis": redis.state}
        if redis.server is not None:
            about["redis_memory_bytes"] = redis.server.memory.used
        about |= {"disk": disk.what if disk else "ok", "disk_free_bytes": free}
        told = (*(Warned(fault.text, fault.remedy) for fault in faults), *warnings)
        return Seen(about, told, tuple(faults), redis.server, foreign)

    def _redis(self) -> tuple[StoreState, bool]:
        """What it is like, and whether it is another lake's."""
        try:
            self.store.check_folder()  # what is connected already asks nobody again
        except ForeignLakeError as error:
            return StoreState("refused", warnings=(Warned(str(error)),)), True
        except UnavailableError as error:
            log.debug("the folder was not compared with Redis", error=str(error))  # what follows says why
        seen = look_at_store(self.store, self.redis_url, KINDS)
        return seen, seen.state == "refused"
