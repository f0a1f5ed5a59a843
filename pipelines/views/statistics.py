"""Statistics over all jobs, from counters alone: the cost does not grow with the number of jobs.

Ended jobs stay counted when cleanup takes their record away, so no figure falls by housekeeping. A figure whose key is
damaged is None or absent, and the key named; the others are told.
"""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from data.jobs import TERMINAL, JobStore, Status, UnitStatus, Worker, bucket_bounds
from data.jobs.counters import Counters, counters
from data.jobs.unit_reading import states_of
from data.message_queues import DamagedLevel, MessageQueues
from leadmill.answers import Durations, Figures, QueueState, Rates, Statistics, UnitsBegun, WorkerState, WrongNow
from pipelines.queues import LEVELS, Queue
from pipelines.stages import KINDS
from pipelines.views import throughput
from pipelines.views.alarms import critical_events, last_health
from pipelines.views.readable import Readable
from pipelines.views.view import iso

Workers = Mapping[str, Worker]
#: Of fewer ended jobs no quantile is told: 95 % of ten would be all of them.
MANY_JOBS = 20


def statistics(store: JobStore, broker: MessageQueues | None = None, readable: Readable | None = None) -> Figures:
    """Totals, durations, rates, queues, workers, and of each stage the units begun, in all and a minute.

    `broker` is the Redis that holds the queues; without one what all projects share is left out: queues, workers and
    units begun. `unreadable` are damaged keys: what they count is None, or absent.

    Raises:
        UnavailableError: Redis does not answer.
    """
    readable = readable or Readable()
    counted = counters(store, list(KINDS))
    readable.name(*counted.unreadable)
    by_status, by_kind = totals(counted)
    known = [number for number in by_status.values() if number is not None]
    workers: Workers | None = None if broker is None else readable.read(store.workers, None)
    stages: dict[str, UnitsBegun] = {} if broker is None else readable.read(lambda: throughput.look(store), {})
    return {
        "at": iso(time.time() * 1000),
        "totals": {
            "jobs": sum(known) if len(known) == len(by_status) else None,
            "by_status": by_status,
            "by_kind": by_kind,
        },
        "durations": {kind: _of_many(took) for kind, took in durations(counted).items()},
        "rates": _rates(by_status),
        "queues": {} if broker is None else _queues(store, broker, workers, readable),
        "workers": None if workers is None else [_worker(name, one) for name, one in sorted(workers.items())],
        "stages": stages,
        "unreadable": readable.unreadable,
    }


def statistics_and_alarms(
    store: JobStore, broker: MessageQueues | None = None, wrong_now: Sequence[WrongNow] = ()
) -> Statistics:
    """The same, and beside it what a watcher sees, `critical_events` and `health` (see `alarms`)."""
    readable = Readable()
    figures = statistics(store, broker, readable)
    events = readable.read(lambda: critical_events(store), None)
    health = readable.read(lambda: last_health(store), None)
    return {**figures, "wrong_now": list(wrong_now), "critical_events": events, "health": health}


def _worker(name: str, worker: Worker) -> WorkerState:
    return {
        "name": name,
        "queues": list(worker.queues),
        "processes": worker.processes,
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version or None,
        "started_at": iso(worker.started * 1000),
        "seen_at": iso(worker.seen * 1000),
        "thrown_away": dict(worker.thrown_away),
    }


def totals(counted: Counters) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """Jobs by status and by kind, those that cleanup took away among them; None where a key is damaged."""
    by_status = dict(counted.by_status)
    if counted.ended is None:
        return by_status | dict.fromkeys(sorted(TERMINAL)), dict.fromkeys(counted.by_kind)
    every: Counter[str] = Counter()
    for name, number in counted.ended.items():
        every[name.partition(":")[2]] += number
    by_status |= {status.value: every[status.value] for status in TERMINAL}
    forgotten = {kind: counted.ended[f"{kind}:forgotten"] for kind in counted.by_kind}
    return by_status, {kind: None if n is None else n + forgotten[kind] for kind, n in counted.by_kind.items()}


def durations(counted: Counters) -> dict[str, Durations]:
    """Of each kind that has ended jobs: their number, and mean, quantiles and range in seconds (buckets 10 % wide)."""
    out: dict[str, Durations] = {}
    for kind, histogram in counted.durations.items():
        count = sum(histogram.values())
        if count:
            ended = counted.ended
            out[kind] = {
                "count": count,
                "mean_s": None if ended is None else round(ended[f"{kind}:ms"] / count / 1000, 3),
                "p50_s": quantile(histogram, 0.50),
                "p95_s": quantile(histogram, 0.95),
                "fastest_s": quantile(histogram, 0),
                "slowest_s": quantile(histogram, 1),
            }
    return out


def _of_many(took: Durations) -> Durations:
    """Without quantiles, where there are too few jobs for them."""
    return took if took["count"] >= MANY_JOBS else {**took, "p50_s": None, "p95_s": None}


def quantile(histogram: Mapping[int, int], share: float) -> float | None:
    """The duration (seconds) below which a share of the counted jobs lies: the middle of its bucket."""
    left = share * sum(histogram.values())
    for bucket in sorted(histogram):
        left -= histogram[bucket]
        if left <= 0:
            return round(sum(bucket_bounds(bucket)) / 2, 3)
    return None


def _rates(by_status: Mapping[str, int | None]) -> Rates:
    """Shares of the jobs that ended by themselves; a cancelled job is neither success nor failure."""
    good, bad = by_status[Status.COMPLETED], by_status[Status.FAILED]
    if good is None or bad is None or not good + bad:
        return {"success": None, "failure": None}
    return {"success": round(good / (good + bad), 4), "failure": round(bad / (good + bad), 4)}


def _queues(
    store: JobStore, broker: MessageQueues, workers: Workers | None, readable: Readable
) -> dict[str, QueueState]:
    waiting: dict[str, int | None] = dict.fromkeys(Queue, 0)
    heads: list[tuple[str, tuple[str, str]]] = []
    for level in broker.look(Queue, LEVELS):
        if isinstance(level, DamagedLevel):
            readable.name(level.key)
            waiting[level.queue] = None
            continue
        if (others := waiting[level.queue]) is not None:
            waiting[level.queue] = others + level.waiting
        if level.oldest and (unit := _unit_of(level.oldest)):
            heads.append((level.queue, unit))
    ages = _ages(store, heads)
    out: dict[str, QueueState] = {}
    for queue in Queue:
        here = None if workers is None else [one for one in workers.values() if queue.value in one.queues]
        out[queue.value] = {
            "waiting": waiting[queue],
            "oldest_s": ages.get(queue),
            "workers": None if here is None else len(here),
            "processes": None if here is None else sum(worker.processes for worker in here),
        }
    return out


def _unit_of(message: str) -> tuple[str, str] | None:
    """The job and unit that a message in the broker is about; None for one that is not ours."""
    try:
        job, unit, *_ = json.loads(base64.b64decode(json.loads(message)["body"]))[0]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return str(job), str(unit)


def _ages(store: JobStore, heads: list[tuple[str, tuple[str, str]]]) -> dict[str, float]:
    """Seconds since the oldest message's unit was handed out (a resend does not make it younger)."""
    if not heads:
        return {}
    now = store.now_ms()
    ages: dict[str, float] = {}
    for (queue, _), state in zip(heads, states_of(store, [unit for _, unit in heads]), strict=True):
        if state is not None and state.status == UnitStatus.HANDED and state.handed_ms:
            ages[queue] = max(ages.get(queue, 0.0), round(max(0.0, now - state.handed_ms) / 1000, 3))
    return ages
