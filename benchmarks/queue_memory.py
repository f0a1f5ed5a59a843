"""Longest queue of a job of 10,000 partitions against one of 100, and what a partition takes in the broker.

The queues' own keys are looked at 50 times a second. The server's whole growth is told beside it: it holds the job's
units too, which stay with the record until an hour after its end.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass

from benchmarks.harness import Line, main
from benchmarks.stack import Stack
from data.jobs import TERMINAL
from pipelines.queues import LEVELS, Queue

LOOK_S = 0.02


@dataclass
class Seen:
    """What one big job left in the samples."""

    longest: int = 0
    queue_bytes: int = 0
    left_bytes: int = 0
    grown_bytes: int = 0
    left_after_expiry: int = 0


def _keys(stack: Stack) -> list[str]:
    levels = [f"\x06\x16{level}" if level else "" for level in LEVELS]
    return [f"{stack.prefix}{queue}{level}" for queue in Queue for level in levels]


def _queues(stack: Stack) -> tuple[int, int]:
    """Messages in all queues, and the bytes of their keys."""
    with stack.redis.pipeline(transaction=False) as pipe:
        for key in _keys(stack):
            pipe.llen(key)
            pipe.memory_usage(key, samples=0)
        rows = pipe.execute()
    return sum(rows[::2]), sum(size or 0 for size in rows[1::2])


def _used(stack: Stack) -> int:
    """Bytes of the data set: without clients' buffers and the append-only file's."""
    return int(stack.redis.info("memory")["used_memory_dataset"])


def _watch(stack: Stack, partitions: int) -> Seen:
    seen = Seen()
    gc.collect()
    before = _used(stack)
    job_id = stack.submit(partitions, parts=False)
    status_key = stack.store.key(f"job:{job_id}")
    while stack.redis.hget(status_key, "status") not in TERMINAL:
        length, size = _queues(stack)
        seen.longest, seen.queue_bytes = max(seen.longest, length), max(seen.queue_bytes, size)
        seen.grown_bytes = max(seen.grown_bytes, _used(stack) - before)
        time.sleep(LOOK_S)
    time.sleep(0.5)
    seen.left_bytes = _queues(stack)[1]
    stack.redis.delete(*(stack.store.key(f"{name}:{job_id}") for name in ("units", "ev", "todo")))  # as their expiry
    time.sleep(1)  # the server frees large ones in the background
    seen.left_after_expiry = _used(stack) - before
    return seen


def measure(quick: bool) -> list[Line]:
    few, many = (10, 100) if quick else (100, 10_000)
    with Stack() as stack:
        stack.worker()
        stack.run(few, parts=False)
        small = max((_watch(stack, few) for _ in range(1 if quick else 10)), key=lambda seen: seen.longest)
        big = _watch(stack, many)
    return [
        Line(
            f"longest queue, {many:,} partitions against {few}", big.longest, "messages", "<= 1.2 floor", small.longest
        ),
        Line(f"broker memory a partition, {many:,}", big.queue_bytes / many, "B", "<= 200"),
        Line("of it at the end", big.left_bytes, "B", "<= 0"),
        Line(f"whole server's growth a partition, {many:,}", big.grown_bytes / many, "B"),
        Line("of it an hour after the end", big.left_after_expiry / many, "B"),
    ]


if __name__ == "__main__":
    main(measure)
