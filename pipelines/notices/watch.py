"""What nobody would notice at night: what is wrong with the stack now, from what a look at it saw.

Pure: `judge` says of each cause whether it is there, `Steady` when that holds for long enough to be told.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from data.jobs import WORKER_GONE_S
from data.presence import StackProcess
from data.probes import DISK, FREE_FILES, FULL
from pipelines.notices.disk_look import DiskState
from pipelines.notices.sight import Processes, Sight
from pipelines.queues import Queue

#: Seconds between two looks.
LOOK_S = 2.0
#: Looks of a process that has just begun, in which nothing is counted: the rest of the stack begins, too.
SETTLING = 10
#: On so many looks on end a cause is not there before that is told.
WELL_AFTER = 3
#: What is nearly full is well again once it has so much less of the bound that it went over.
BACK = 0.9


class Cause(NamedTuple):
    """One thing that can be wrong, or is well again."""

    #: The kinds of notice that say so (`leadmill.notices.KINDS`).
    wrong: str
    well: str
    #: The queue that it is about.
    queue: str = ""

    def __str__(self) -> str:
        return f"{self.wrong}:{self.queue}" if self.queue else self.wrong


@dataclass(frozen=True)
class Wrong:
    """That a cause is there: what is seen, in a sentence, and a command that mends it or tells more."""

    text: str
    remedy: str
    #: On so many looks on end it is there before that is told.
    after: int = 4


@dataclass(frozen=True)
class Well:
    """That it is not there."""


WELL = Well()
#: None: it cannot be told, and whatever was told of it stands.
Verdict = Wrong | Well | None

WORKERS = Cause("workers.gone", "workers.back")
BEAT = Cause("beat.gone", "beat.back")
API = Cause("api.gone", "api.back")
REDIS_AWAY = Cause("redis.away", "redis.back")
REDIS_REFUSES = Cause("redis.refuses_writes", "redis.well")
REDIS_FULL = Cause("redis.nearly_full", "redis.well")
DISK_REFUSES = Cause("disk.refuses_writes", "disk.well")
DISK_FULL = Cause("disk.nearly_full", "disk.well")
QUEUES = tuple(Cause("queue.unserved", "queue.served", queue.value) for queue in Queue)
#: Of these the outbox knows nothing while they are there: Redis takes no notice.
UNWRITTEN = frozenset({REDIS_AWAY, REDIS_REFUSES})


#: A worker that starts again listens after some seconds; where none is there, though none has died, it may be meant so.
_QUEUE_AFTER, _MEANT_SO_AFTER = 10, 150


def judge(seen: Sight, wrong: Container[Cause] = ()) -> dict[Cause, Verdict]:
    """Of each cause whether it is there. Those in `wrong` were: what goes up and down about a bound is there still."""
    there = seen.processes
    return {
        REDIS_AWAY: Wrong(seen.away, "leadmill doctor") if seen.away else WELL,
        REDIS_REFUSES: _refuses(seen),
        REDIS_FULL: _memory(seen, was=REDIS_FULL in wrong),
        DISK_REFUSES: _disk_refuses(seen.disk),
        DISK_FULL: _disk(seen.disk, was=DISK_FULL in wrong),
        **(dict.fromkeys((WORKERS, BEAT, API, *QUEUES)) if there is None else _processes(there)),
    }


def _processes(there: Processes) -> dict[Cause, Verdict]:
    return {
        WORKERS: _workers(there),
        BEAT: _quiet(there, StackProcess.BEAT, "leadmill beat"),
        API: _quiet(there, StackProcess.API, "leadmill up    # or see var/run/api.log"),
        **{cause: _queue(there, cause.queue) for cause in QUEUES},
    }


def _refuses(seen: Sight) -> Verdict:
    if seen.away:
        return None
    return Wrong(seen.refuses.text, seen.refuses.remedy, after=3) if seen.refuses else WELL


def _memory(seen: Sight, *, was: bool) -> Verdict:
    if seen.memory is None or seen.refuses:  # that it is full is told
        return None
    bound = FULL[1] * (BACK if was else 1)
    return Wrong(str(seen.memory), "redis-cli INFO memory", after=2) if seen.memory.share > bound else WELL


def _disk_refuses(disk: DiskState) -> Verdict:
    if disk.fault is not None:
        return Wrong(disk.fault.text, disk.fault.remedy, after=3)
    return None if disk.free_bytes is None else WELL


def _disk(disk: DiskState, *, was: bool) -> Verdict:
    if disk.free_bytes is None:
        return None
    room = 1 / BACK if was else 1
    remedy = "leadmill maintenance cleanup --older-than-days 30"
    if disk.free_bytes < DISK[0] * room:
        return Wrong(f"{disk.free_bytes / 1e9:.1f} GB are free", remedy, after=2)
    if disk.free_files is not None and disk.free_files < FREE_FILES * room:
        return Wrong(f"only {disk.free_files:.1%} of the files that it may hold are left", remedy, after=2)
    return WELL


def _workers(there: Processes) -> Verdict:
    if there.workers:
        return WELL
    if not there.lost:  # all signed off, or there never was one
        return None
    number = f"{len(there.lost)} workers" if len(there.lost) > 1 else "the worker"
    return Wrong(
        f"{number} did not sign off, last seen {min(there.lost.values()):.0f} s ago",
        "leadmill worker    # or see why they ended: var/run/worker-*.log",
    )


def _quiet(there: Processes, kind: StackProcess, remedy: str) -> Verdict:
    quiet = there.quiet_s[kind]
    if quiet is None:  # signed off, or never there
        return None
    return WELL if quiet <= WORKER_GONE_S else Wrong(f"not seen for {quiet:.0f} s", remedy)


def _queue(there: Processes, queue: str) -> Verdict:
    if any(queue in worker.queues for worker in there.workers.values()):
        return WELL
    if there.lost and not there.workers:  # told already: no worker is there at all
        return None
    if not there.waiting[queue]:
        return None
    after = _QUEUE_AFTER if there.workers else _MEANT_SO_AFTER
    return Wrong(f"{there.waiting[queue]} messages wait", f"leadmill worker -Q {queue}", after)


@dataclass
class _Streak:
    """Of one cause: what the last looks said of it, on end."""

    verdict: Verdict = None
    looks: int = 0
    #: What holds: told, or known to be well; None: nothing yet.
    holds: Verdict = None
    since: float = 0.0


class Change(NamedTuple):
    """What holds of a cause from now on."""

    cause: Cause
    verdict: Wrong | Well


class Steady:
    """Takes one look's verdicts after the other; nothing that comes and goes with a look is told."""

    def __init__(self, settling: int = SETTLING) -> None:
        self._streaks: dict[Cause, _Streak] = {}
        self._settling = settling

    @property
    def wrong(self) -> dict[Cause, tuple[Wrong, float]]:
        """What is wrong now, as it was seen last, and since when it is told (seconds since the epoch)."""
        found = ((cause, streak.holds, streak.since) for cause, streak in list(self._streaks.items()))
        return {cause: (holds, since) for cause, holds, since in found if isinstance(holds, Wrong)}

    def take(self, verdicts: Mapping[Cause, Verdict], at: float) -> list[Change]:
        """What is otherwise now than it was told; at first what is well, too: it may have been wrong before."""
        if self._settling > 0:
            self._settling -= 1
            return []
        return list(self._changes(verdicts, at))

    def _changes(self, verdicts: Mapping[Cause, Verdict], at: float) -> Iterator[Change]:
        for cause, verdict in verdicts.items():
            streak = self._streaks.setdefault(cause, _Streak())
            streak.looks = streak.looks + 1 if type(verdict) is type(streak.verdict) else 1
            streak.verdict = verdict
            if verdict is None:
                continue
            if type(verdict) is type(streak.holds):
                streak.holds = verdict
            elif streak.looks >= (verdict.after if isinstance(verdict, Wrong) else WELL_AFTER):
                streak.holds, streak.since = verdict, at
                yield Change(cause, verdict)
