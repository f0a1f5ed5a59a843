"""Which rule speaks of what was measured; that the measures are true is tested on a running stack (tests/cli)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.views.tuning import Measured, QueueLoad, RedisLoad, bounds, nothing

REDIS = RedisLoad(cpu=0.1, memory_bytes=10_000_000, max_bytes=None, fsync="everysec", delayed_writes=0)
IDLE = Measured(
    seconds=3.0, cores=2, cpu=0.05, own_cpu=0.05, hosts=0, timed=0, api_cpu=[0.02], process_mb=[140, 150],
    max_memory_mb=600, over_memory=0, elsewhere=[], server=REDIS,
    queues=[QueueLoad("scraping", 0, 0.0, 2), QueueLoad("processing", 0, 0.0, 2)],
)  # fmt: skip


def working(waiting: int, running: float, processes: int = 2, queue: str = "scraping", **more: Any) -> Measured:
    return replace(IDLE, queues=[QueueLoad(queue, waiting, running, processes)], **more)


def test_nothing_bounds_an_idle_stack() -> None:
    assert bounds(IDLE) == [] and nothing(IDLE) == "nothing: no work waits"
    assert nothing(replace(IDLE, timed=1)) == "nothing: 1 unit to be done later (a retry, or run_at)"
    assert nothing(working(0, 2.0)).startswith("nothing: no work waits for a process")
    assert bounds(working(1, 1.0)) == [] and nothing(working(1, 1.0)).startswith("nothing: 1 unit on the way")


@pytest.mark.parametrize(
    ("seen", "of", "said"),
    [
        (working(3, 0, 0), "processes", "scraping has 3 units waiting and no process that listens"),
        (working(120, 2.0, cpu=0.8), "processes", "scraping has 120 units waiting and 2 of 2 processes busy"),
        (working(120, 2.0, cpu=0.3), "network", "30% busy, 5% by this stack: crawls wait on the network"),
        (working(9, 2.0, queue="processing", cpu=0.3), "processes", "processing has 9 units waiting"),
        (working(9, 2.0, cpu=0.95), "cpu", "2 cores are 95% busy"),
        (
            replace(IDLE, queues=[QueueLoad("scraping", 9, 2.0, 2, waited_s=4.23)]),
            "network",
            "processes busy; what began meanwhile had waited 4.2 s;",
        ),
        (working(0, 1.0, hosts=3), "hosts", "all work is of 3 hosts"),
        (working(0, 1.0, cpu=0.9, queue="analytics"), "cpu", "2 cores are 90% busy"),
        (replace(IDLE, server=replace(REDIS, cpu=0.9)), "redis", "Redis takes 90% of the one core"),
        (replace(IDLE, server=replace(REDIS, delayed_writes=2)), "redis", "waited 2 times for its disk in 3 s"),
        (working(0, 2.0, server=replace(REDIS, fsync="always")), "redis", "appendfsync always"),
        (replace(IDLE, server=replace(REDIS, max_bytes=12_000_000)), "redis", "holds 10 of 12 MB"),
        (replace(IDLE, api_cpu=[0.1, 0.97]), "api", "takes 97% of the one core"),
        (replace(IDLE, process_mb=[140, 700]), "memory", "memory limit hit by 1 of 2 processes"),
        (replace(IDLE, over_memory=1), "memory", "1 unit set aside over LEADMILL_TASK_MEMORY_LIMIT_MB"),
    ],
)
def test_what_is_said(seen: Measured, of: str, said: str) -> None:
    (bound,) = bounds(seen)
    assert bound.of == of and said in bound.text and bound.remedy


def test_a_full_queue_is_told_before_what_follows_from_it() -> None:
    """While the queue is full, that the cores are busy is in its sentence."""
    seen = working(9, 2.0, cpu=0.95, api_cpu=[0.9])
    assert [bound.of for bound in bounds(seen)] == ["cpu", "api"]
    assert bounds(seen)[0].remedy.startswith("top ")
    assert bounds(replace(seen, own_cpu=0.9))[0].remedy.startswith("leadmill worker -Q scraping ")
