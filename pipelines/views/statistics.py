"""Statistics over all jobs, from counters alone: the cost does not grow with the number of jobs.

Ended jobs stay counted when cleanup takes their record away, so no figure falls by housekeeping.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import redis

from data.jobs import TERMINAL, JobStore, Status, bucket_bounds
from data.jobs.entries import count_of, unit_state
from pipelines.queues import LEVELS, Queue
from pipelines.stages import KINDS
from pipelines.views import throughput
from pipelines.views.view import iso

#: What kombu's Redis transport puts between a queue's name and a level above 0.
_LEVEL_MARK = "\x06\x16"


def statistics(store: JobStore, broker: redis.Redis | None = None) -> dict[str, Any]:
    """Totals, durations, rates, queues, workers, and of each stage the units begun, in all and a minute.

    `broker` is a client (decoding) of the Redis that holds the queues; None: the job store's own.

    Raises:
        UnavailableError: Redis does not answer.
    """
    by_status, by_kind, ended, histograms = _counters(store)
    workers = store.workers()
    every = dict.fromkeys(by_status, 0)
    for name in ended:
        status = name.partition(":")[2]
        if status in every:
            every[status] += ended[name]
    for status in TERMINAL:
        by_status[status.value] = every[status.value]
    return {
        "at": iso(time.time() * 1000),
        "totals": {
            "jobs": sum(by_status.values()),
            "by_status": by_status,
            "by_kind": {kind: n + ended.get(f"{kind}:forgotten", 0) for kind, n in by_kind.items()},
        },
        "durations": _durations(ended, histograms),
        "rates": _rates(by_status),
        "queues": _queues(store, broker or store.redis, workers),
        "workers": [
            {
                "name": name,
                "queues": about["queues"],
                "processes": about["processes"],
                "host": about["host"],
                "pid": about["pid"],
                "started_at": iso(about["started"] * 1000),
                "seen_at": iso(about["seen"] * 1000),
            }
            for name, about in sorted(workers.items())
        ],
        "stages": throughput.look(store),
    }


def _counters(
    store: JobStore,
) -> tuple[dict[str, int], dict[str, int], dict[str, int], dict[str, dict[int, int]]]:
    statuses, kinds = [status.value for status in Status], list(KINDS)
    with store.guarded(), store.redis.pipeline(transaction=False) as pipe:
        for status in statuses:
            pipe.zcard(store.key(f"idx:s:{status}"))
        for kind in kinds:
            pipe.zcard(store.key(f"idx:k:{kind}"))
        pipe.hgetall(store.key("ended"))
        for kind in kinds:
            pipe.hgetall(store.key(f"hist:{kind}"))
        rows = pipe.execute()
    n = len(statuses) + len(kinds)
    by_status = dict(zip(statuses, rows, strict=False))
    by_kind = dict(zip(kinds, rows[len(statuses) : n], strict=True))
    ended = {name: count_of(value) for name, value in rows[n].items()}
    histograms = {
        kind: {
            int(bucket): count_of(count) for bucket, count in row.items() if bucket.isdecimal() and count_of(count) > 0
        }
        for kind, row in zip(kinds, rows[n + 1 :], strict=True)
    }
    return by_status, by_kind, ended, histograms


def _durations(ended: Mapping[str, int], histograms: Mapping[str, Mapping[int, int]]) -> dict[str, Any]:
    """Of each kind that has ended jobs: their number, and mean, p50 and p95 in seconds (buckets 10 % wide)."""
    out = {}
    for kind, histogram in histograms.items():
        count = sum(histogram.values())
        if count:
            out[kind] = {
                "count": count,
                "mean_s": round(ended.get(f"{kind}:ms", 0) / count / 1000, 3),
                "p50_s": quantile(histogram, 0.50),
                "p95_s": quantile(histogram, 0.95),
            }
    return out


def quantile(histogram: Mapping[int, int], share: float) -> float | None:
    """The duration (seconds) below which a share of the counted jobs lies: the middle of its bucket."""
    left = share * sum(histogram.values())
    for bucket in sorted(histogram):
        left -= histogram[bucket]
        if left <= 0:
            return round(sum(bucket_bounds(bucket)) / 2, 3)
    return None


def _rates(by_status: Mapping[str, int]) -> dict[str, float | None]:
    """Shares of the jobs that ended by themselves; a cancelled job is neither success nor failure."""
    good, bad = by_status[Status.COMPLETED], by_status[Status.FAILED]
    if not good + bad:
        return {"success": None, "failure": None}
    return {"success": round(good / (good + bad), 4), "failure": round(bad / (good + bad), 4)}


def _queues(store: JobStore, broker: redis.Redis, workers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    keys = [(queue, store.key(queue.value + (f"{_LEVEL_MARK}{n}" if n else ""))) for queue in Queue for n in LEVELS]
    with store.guarded(), broker.pipeline(transaction=False) as pipe:
        for _, key in keys:
            pipe.llen(key)
            pipe.lindex(key, -1)  # kombu pushes left and pops right
        answers = pipe.execute()
    waiting = dict.fromkeys(Queue, 0)
    heads: list[tuple[Queue, tuple[str, str]]] = []
    for (queue, _), length, head in zip(keys, answers[::2], answers[1::2], strict=True):
        waiting[queue] += length
        if head and (unit := _unit_of(head)):
            heads.append((queue, unit))
    ages = _ages(store, heads)
    out = {}
    for queue in Queue:
        here = [about for about in workers.values() if queue.value in about["queues"]]
        out[queue.value] = {
            "waiting": waiting[queue],
            "oldest_s": ages.get(queue),
            "workers": len(here),
            "processes": sum(about["processes"] for about in here),
        }
    return out


def _unit_of(message: str) -> tuple[str, str] | None:
    """The job and unit that a message in the broker is about; None for one that is not ours."""
    try:
        job, unit, *_ = json.loads(base64.b64decode(json.loads(message)["body"]))[0]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return str(job), str(unit)


def _ages(store: JobStore, heads: list[tuple[Queue, tuple[str, str]]]) -> dict[Queue, float]:
    """Seconds since the oldest message's unit was handed out (a resend does not make it younger)."""
    if not heads:
        return {}
    with store.redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for _, (job, unit) in heads:
            pipe.hget(store.key(f"units:{job}"), unit)
        (seconds, micros), *states = store.answers(pipe)
    now = seconds * 1000 + micros / 1000
    ages: dict[Queue, float] = {}
    for (queue, _), text in zip(heads, states, strict=True):
        state = unit_state(text) or {}  # not there, or damaged
        if state.get("s") == "h" and state.get("t"):
            ages[queue] = max(ages.get(queue, 0.0), round(max(0.0, now - state["t"]) / 1000, 3))
    return ages
