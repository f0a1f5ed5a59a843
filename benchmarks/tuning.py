"""The figures of docs/tuning.md, on this machine: `python -m benchmarks.tuning [processes|fsync|memory|snapshot …]`.

Not a row of `make bench`: there is no bar to meet. Each prints what it measured, contestants in turns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import psutil

from benchmarks.stack import Stack
from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import SampleServer
from cli.sample_sites.sites import companies
from leadmill import Client
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record

ROUNDS = 3


@contextmanager
def _crawling(processes: int, delay_s: float) -> Iterator[tuple[Client, list[psutil.Process]]]:
    """A whole stack with so many scraping processes, before sites that think so long; and its workers' processes."""
    with tempfile.TemporaryDirectory() as folder, SampleServer(delay_s=delay_s) as sites:
        env = {"LEADMILL_HTTP_PROXY": sites.url}
        with (
            LocalStack(Path(folder), workers=processes, api_port=0, env=env) as stack,
            Client(stack.api_url) as client,
        ):
            parents = [psutil.Process(pid) for name, pid in stack.pids.items() if name.startswith("worker")]
            yield client, [child for parent in parents for child in (parent, *parent.children())]


def processes() -> None:
    """How long a job for each sample site takes, all at once, with 1 to 8 processes, when each answer takes 0.2 s; and
    one job over all sites.
    """
    domains = [company.host for company in companies()]
    for count in (1, 2, 4, 8):
        with _crawling(count, 0.2) as (client, children):
            before = sum(child.cpu_times().user + child.cpu_times().system for child in children)
            began = time.monotonic()
            for job in [client.scrape_companies([domain]) for domain in domains]:
                job.wait(timeout=600)
            took = time.monotonic() - began
            cpu = sum(child.cpu_times().user + child.cpu_times().system for child in children) - before
            pss = sum(child.memory_full_info().pss for child in children) / 1e6
            began = time.monotonic()
            client.scrape_companies(domains).wait(timeout=600)
            one = time.monotonic() - began
            print(
                f"{count} scraping processes: {len(domains)} jobs {took:.1f} s, one job {one:.1f} s, "
                f"{cpu:.1f} s of CPU, {pss:.0f} MB (PSS)"
            )


def fsync() -> None:
    """What a submit takes with each setting of the append-only file, one after another, in turns."""
    with Stack() as stack:
        _in_turns("a submit, ms", {how: partial(_with_fsync, stack, how) for how in ("no", "everysec", "always")})


def _with_fsync(stack: Stack, how: str) -> float:
    stack.redis.config_set("appendfsync", how)
    return _submit_ms(stack)


def memory() -> None:
    """Bytes of the server for live jobs of one company and of a thousand (a list in the record)."""
    with Stack() as stack:
        for number in (1, 100, 1_000):
            before = int(stack.redis.info("memory")["used_memory_dataset"])
            for _ in range(200):
                urls = [f"https://c{place:05d}.example/" for place in range(number)]
                record(stack.store, stack.lake, Submission("pipeline", company_urls=urls))
            grown = int(stack.redis.info("memory")["used_memory_dataset"]) - before
            print(f"a job of {number} companies that waits: {grown / 200:.0f} bytes")


def snapshot() -> None:
    """What an RDB snapshot beside the append-only file takes, of a server with 10,000 waiting jobs."""
    with Stack() as stack:
        for _ in range(10_000):
            record(stack.store, stack.lake, Submission("pipeline", company_urls=["https://c00000.example/"]))
        held = int(stack.redis.info("memory")["used_memory"]) / 1e6
        quiet = _submit_ms(stack, 300)
        began = time.monotonic()
        stack.redis.bgsave()
        beside = _submit_ms(stack, 300)
        while stack.redis.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)
        fork_ms = stack.redis.info("stats")["latest_fork_usec"] / 1000
        print(f"{held:.0f} MB held: fork {fork_ms:.1f} ms, snapshot {time.monotonic() - began:.1f} s")
        print(f"a submit: {quiet:.2f} ms, beside the snapshot {beside:.2f} ms")


def _submit_ms(stack: Stack, number: int = 300) -> float:
    began = time.perf_counter()
    for place in range(number):
        record(stack.store, stack.lake, Submission("pipeline", company_urls=[f"https://c{place}.example/"]))
    return 1000 * (time.perf_counter() - began) / number


def _in_turns(what: str, contestants: dict[str, Callable[[], float]]) -> None:
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(ROUNDS + 1):  # the first warms up
        for name in list(contestants)[:: 1 if turn % 2 else -1]:
            taken = contestants[name]()
            if turn:
                found[name].append(taken)
    for name, samples in found.items():
        print(f"{what}, {name}: {median(samples):.2f} ({min(samples):.2f} to {max(samples):.2f})")


MEASURES = {"processes": processes, "fsync": fsync, "memory": memory, "snapshot": snapshot}

if __name__ == "__main__":
    for name in sys.argv[1:] or MEASURES:
        print(f"# {name}: load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        MEASURES[name]()
