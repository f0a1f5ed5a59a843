"""Status, list of 50 and statistics with 1 k, 100 k and 1 M job records, against a bare endpoint with the same calls.

The records are copies of jobs that went through the record's own moves (19 of 20 completed, the rest failed). One
connection, one call at a time, the two servers in turns.
"""

from __future__ import annotations

import time

from benchmarks.harness import Line, main, median
from benchmarks.records import make_ended, multiply
from benchmarks.servers import Caller, start_api, start_floor
from benchmarks.stack import Stack

#: A figure may grow by so much from the smallest number of records to the largest and still be called flat.
FLAT = 1.25


def _fill(stack: Stack, templates: dict[str, str], size: int, at_ms: int) -> int:
    """Bring the number of records to `size`; the time before which there is room for more."""
    there = sum(int(stack.redis.zcard(stack.store.key(f"idx:s:{status}"))) for status in templates)
    failed = (size - there) // 20
    for status, copies in (("failed", failed), ("completed", size - there - failed)):
        multiply(stack.store, templates[status], copies, at_ms)
        at_ms -= copies
    return at_ms


def _times(callers: dict[str, Caller], paths: dict[str, str], calls: int) -> dict[str, list[float]]:
    """Milliseconds of each call; the first tenth is warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in callers}
    for number in range(calls + calls // 10):
        for name, caller in callers.items():
            began = time.perf_counter()
            caller.get(paths[name])
            if number >= calls // 10:
                taken[name].append(1000 * (time.perf_counter() - began))
    return taken


def measure(quick: bool) -> list[Line]:
    sizes, calls = ((50, 200, 1_000), 20) if quick else ((1_000, 100_000, 1_000_000), 300)
    lines: list[Line] = []
    first: dict[str, float] = {}
    with Stack() as stack:
        stack.redis.config_set("appendonly", "no")  # a gigabyte of copies need not go to disk; reads never do
        templates = {status: make_ended(stack.store, status) for status in ("completed", "failed")}
        ports = {"leadmill": start_api(stack), "floor": start_floor(stack)}
        at_ms = int(time.time() * 1000)
        for size in sizes:
            at_ms = _fill(stack, templates, size, at_ms)
            callers = {name: Caller(port) for name, port in ports.items()}  # idle ones are closed by the servers
            for what, ours, bare in (
                ("status", f"/api/v1/jobs/status/{templates['completed']}", f"/status/{templates['completed']}"),
                ("list of 50", "/api/v1/jobs/list?limit=50", "/list?limit=50"),
                ("statistics", "/api/v1/jobs/statistics", "/statistics"),
            ):
                taken = _times(callers, {"leadmill": ours, "floor": bare}, calls)
                line = Line(f"{what}, {size:,} records", median(taken["leadmill"]), "ms", "<= 3 floor",
                            median(taken["floor"]), samples=taken)  # fmt: skip
                lines.append(line)
                if size == sizes[-1]:
                    lines.append(
                        Line(
                            f"{what}, {size:,} records to {sizes[0]:,}", line.leadmill / first[what], "x", f"<= {FLAT}"
                        )
                    )
                first.setdefault(what, line.leadmill)
    return lines


if __name__ == "__main__":
    main(measure)
