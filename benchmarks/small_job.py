"""A job of 4 partitions submitted in the middle of a big one, against the same job on an idle stack.

Two workers as `leadmill up` starts them: one for scraping, one for the rest. The big job has 10,000 empty partitions,
or partitions that take 2 s; of the latter W = 2 × processes are handed out, which is what the small one may wait for.
"""

from __future__ import annotations

import time

from benchmarks.harness import Line, main, median
from benchmarks.stack import PROCESSES, Stack

SMALL = 4
SLOW_S = 2.0
#: W partitions, run by as many processes as there are, take so long.
WINDOW_S = 2 * PROCESSES * SLOW_S / PROCESSES


def _idle(stack: Stack, runs: int) -> list[float]:
    return [stack.run(SMALL) for _ in range(runs)]


def _in_the_middle(stack: Stack, big: str, runs: int, pause_s: float) -> list[float]:
    """Times of small jobs, one after another, all within the big job's life."""
    taken = []
    while int(stack.redis.hget(stack.store.key(f"job:{big}"), "pd") or 0) < 2:
        time.sleep(0.02)
    for number in range(runs):
        time.sleep(pause_s * (number % 4 + 1) / 4)  # not in step with the big one's partitions
        taken.append(stack.run(SMALL))
    if stack.redis.hget(stack.store.key(f"job:{big}"), "status") != "running":
        raise RuntimeError("the big job ended before the small ones did")
    stack.store.cancel(big)
    return taken


def measure(quick: bool) -> list[Line]:
    many, runs, slow_runs = (400, 2, 1) if quick else (10_000, 9, 5)
    with Stack() as stack:
        stack.worker(name="scraping", queues="scraping")
        stack.worker(name="general", queues="processing,analytics,maintenance")
        _idle(stack, 2)
        idle = _idle(stack, runs)
        empty = _in_the_middle(stack, stack.submit(many), runs, 0.2)
        idle += _idle(stack, runs)
        slow = _in_the_middle(stack, stack.submit(200, seconds=SLOW_S), slow_runs, SLOW_S)
    alone = median(idle)
    waits = [value - alone for value in slow]
    return [
        Line(f"job of {SMALL} within {many:,} partitions", 1000 * median(empty), "ms", "<= 3 floor", 1000 * alone,
             samples={"leadmill": empty, "floor": idle}),
        Line(f"job of {SMALL} within partitions of {SLOW_S:g} s: longest wait", max(waits), "s", f"<= {WINDOW_S:g}",
             samples={"leadmill": slow, "floor": idle}, note="bar: the time of W partitions"),
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
