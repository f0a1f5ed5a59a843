"""Submits a second at 16 connections and their p99: our API against FastAPI + one transaction + apply_async.

No worker listens, so that both cores belong to the servers, Redis and the generator. Every answer's launch message
must be in the broker at the end: it may follow the answer, not be left out.
"""

from __future__ import annotations

import time
from functools import partial

from benchmarks.harness import Line, interleave, main, median
from benchmarks.http_load import load, request
from benchmarks.servers import start_api, start_floor
from benchmarks.stack import Stack
from pipelines.queues import LEVELS, Queue

CONNECTIONS = 16
BODY = {"company_urls": ["https://c00001.example/"], "report": {"formats": ["html", "csv"]}}


def _messages(stack: Stack) -> int:
    keys = [f"{stack.prefix}{Queue.PROCESSING}" + (f"\x06\x16{level}" if level else "") for level in LEVELS]
    return sum(int(stack.redis.llen(key)) for key in keys)


def _wait_for_messages(stack: Stack, wanted: int, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while (there := _messages(stack)) < wanted:
        if time.monotonic() > until:
            raise RuntimeError(f"{wanted} jobs accepted, but only {there} launch messages in the broker")
        time.sleep(0.02)


def measure(quick: bool) -> list[Line]:
    seconds, rounds = (0.5, 1) if quick else (4.0, 5)
    with Stack() as stack:
        ports = {"leadmill": start_api(stack), "floor": start_floor(stack)}
        paths = {"leadmill": "/api/v1/pipelines", "floor": "/submit"}
        p99: dict[str, list[float]] = {name: [] for name in ports}

        def rate(name: str) -> float:
            before = _messages(stack)
            found = load(ports[name], CONNECTIONS, seconds, request("POST", paths[name], BODY))
            _wait_for_messages(stack, before + int(found["count"]))
            p99[name].append(found["p99_ms"])
            return found["count"] / found["seconds"]

        taken = interleave({name: partial(rate, name) for name in ports}, rounds)
    for values in p99.values():
        del values[0]  # of the warm-up
    return [
        Line("submits at 16 connections", median(taken["leadmill"]), "1/s", ">= 1.2 floor", median(taken["floor"]),
             better="more", samples=taken),
        Line("their p99", median(p99["leadmill"]), "ms", "<= 1 floor", median(p99["floor"]), samples=p99),
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
