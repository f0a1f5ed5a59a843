"""A one-page job through the API of the real stack with warm workers, submit → completed; and what a child weighs.

Everything as `leadmill up` starts it, real stages, a sample site behind a proxy on loopback. PSS (Linux only) is that
of the heaviest pool child after the jobs: memory shared with its siblings counts once for all of them.
"""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import redis

from benchmarks.children import sample_sites
from benchmarks.harness import Line, main, median
from benchmarks.stack import PROCESSES
from cli.local_stack.stack import LocalStack
from data.jobs import TERMINAL

BODY = {
    "company_urls": ["nordwind-solar.example"],
    "crawl": {"max_pages": 1},
    "report": {"formats": ["html", "csv"]},
}


def run_job(stack: LocalStack, records: redis.Redis, prefix: str = "leadmill:") -> float:
    """Milliseconds from sending the submit of the one page to the record's saying completed."""
    began = time.perf_counter()
    complete(stack, records, BODY, 0.002, prefix)
    return 1000 * (time.perf_counter() - began)


def complete(
    stack: LocalStack, records: redis.Redis, body: Mapping[str, Any], pause_s: float, prefix: str = "leadmill:"
) -> str:
    """Submit a pipeline and wait until the record says completed; its id."""
    job_id = submit(stack, body)
    wait_completed(records, job_id, pause_s, prefix)
    return job_id


def submit(stack: LocalStack, body: Mapping[str, Any]) -> str:
    """Submit a pipeline; its id."""
    sent = urllib.request.Request(
        f"{stack.api_url}/api/v1/pipelines", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(sent, timeout=30) as answer:
        return str(json.loads(answer.read())["job_id"])


def wait_completed(records: redis.Redis, job_id: str, pause_s: float, prefix: str = "leadmill:") -> None:
    """Wait until the record says completed.

    Raises:
        RuntimeError: the job ended otherwise, or not within five minutes.
    """
    until = time.monotonic() + 300
    while (status := str(records.hget(f"{prefix}job:{job_id}", "status"))) not in TERMINAL:
        if time.monotonic() > until:
            raise RuntimeError(f"{job_id} is still {status}")
        time.sleep(pause_s)
    if status != "completed":
        raise RuntimeError(f"{job_id} ended {status}: {records.hgetall(f'{prefix}doc:{job_id}')}")


def heaviest_child(stack: LocalStack) -> float | None:
    """PSS of the heaviest pool child, MB; None where the system does not tell."""
    found = []
    for name, pid in stack.pids.items():
        if name.startswith("worker-"):
            for child in psutil.Process(pid).children():
                try:
                    rollup = Path(f"/proc/{child.pid}/smaps_rollup").read_text()
                except OSError:
                    continue
                found += [int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:")]
    return max(found, default=None)


def measure(quick: bool) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-") as folder, sample_sites() as proxy:
        env = {"LEADMILL_HTTP_PROXY": proxy, "LEADMILL_LOG_LEVEL": "WARNING"}
        with LocalStack(Path(folder) / "data", workers=PROCESSES, api_port=0, redis_url="", env=env) as stack:
            records = redis.Redis.from_url(stack.redis_url, decode_responses=True)
            cold = run_job(stack, records)
            for _ in range(1 if quick else 10):
                run_job(stack, records)
            warm = [run_job(stack, records) for _ in range(2 if quick else 25)]
            weight = heaviest_child(stack)
    lines = [
        Line("one-page job through the API, warm", median(warm), "ms", "<= 150", samples={"leadmill": warm}),
        Line("the first one of a fresh stack", cold, "ms"),
    ]
    return [*lines, *([Line("PSS of a warm child", weight, "MB", "<= 150")] if weight else [])]


if __name__ == "__main__":
    main(measure)
