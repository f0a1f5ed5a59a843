"""`make soak`, last part: does the memory of a stack as `leadmill up` starts it stay flat while it crawls?

Real stages on the sample sites, a one-page and a ten-company job in turn, without a pause. The first quarter warms up;
what each process holds then is the base. Children that reach their number of tasks are replaced on the way.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import redis

from benchmarks.children import sample_sites
from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import bulk_sites
from data.jobs import TERMINAL
from leadmill.client import Client

#: What a process may hold more at the end than at its base, MB: allocators keep some of what the largest job took.
MAY_GROW_MB = 30
#: What may be open more: connections that happen to be under way.
MAY_OPEN = 10
SAMPLE_S = 2.0

Sample = dict[str, tuple[float, int]]


def sample(stack: LocalStack) -> Sample:
    """Process → (resident MB, open files); of a worker's children the largest."""
    found: Sample = {}
    for name, pid in stack.pids.items():
        process = psutil.Process(pid)
        found[name] = (process.memory_info().rss / 1e6, process.num_fds())
        for child in process.children():
            key = f"{name}, child"
            held = (child.memory_info().rss / 1e6, child.num_fds())
            found[key] = max(found.get(key, held), held)
    return found


def watch(seconds: float) -> tuple[list[Sample], int, float]:
    """Samples of a busy stack, how many jobs it did, and what the server holds more a job (bytes)."""
    hosts = bulk_sites(10)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="leadmill-flat-") as folder, sample_sites() as proxy:
        env = {"LEADMILL_HTTP_PROXY": proxy, "LEADMILL_LOG_LEVEL": "WARNING", "LEADMILL_MAX_TASKS_PER_CHILD": "400"}
        with (
            LocalStack(Path(folder) / "data", api_port=0, redis_url="", env=env) as stack,
            Client(stack.api_url) as client,
        ):
            server = redis.Redis.from_url(stack.redis_url)
            held = int(server.info("memory")["used_memory"])
            until, jobs = time.monotonic() + seconds, 0
            while time.monotonic() < until:
                next_sample = time.monotonic() + SAMPLE_S
                while time.monotonic() < next_sample:
                    urls = hosts if jobs % 2 else hosts[:1]
                    job = client.submit(urls, crawl={"max_pages": 3}, report={"formats": ["html", "csv", "xlsx"]})
                    while (status := client.status(job.id).status) not in TERMINAL:
                        time.sleep(0.02)
                    if status != "completed":
                        raise AssertionError(f"{job.id} ended {status}")
                    jobs += 1
                samples.append(sample(stack))
            return samples, jobs, (int(server.info("memory")["used_memory"]) - held) / jobs


def middle(held: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Medians of both."""
    return statistics.median(mb for mb, _ in held), statistics.median(files for _, files in held)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=300)
    samples, jobs, bytes_a_job = watch(options.parse_args().seconds)
    quarter = len(samples) // 4
    if not quarter:
        print("too short to compare anything", file=sys.stderr)
        return 2
    print(f"{jobs} jobs; the server holds {bytes_a_job:,.0f} B more a job (events and units go an hour after its end)")
    print(f"{'process':28} {'base MB':>8} {'end MB':>8} {'grown':>7} {'files':>6} {'at end':>6}")
    bad = 0
    for name in samples[-1]:
        (mb, files), (mb_end, files_end) = (
            middle([taken[name] for taken in part if name in taken])
            for part in (samples[quarter : 2 * quarter], samples[-quarter:])
        )
        bad += mb_end - mb > MAY_GROW_MB or files_end - files > MAY_OPEN
        print(f"{name:28} {mb:8.1f} {mb_end:8.1f} {mb_end - mb:+7.1f} {files:6.0f} {files_end:6.0f}")
    print("not flat" if bad else "flat")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
