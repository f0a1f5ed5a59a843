"""How long work stands still after a death: within 5 s of a child's, 15 s of a worker's, each measured and told."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from data.jobs import LIMITS
from tests.faults.campaign import Line
from tests.faults.proof import FACTOR, FaultSpine, lines, no_live_entries, until

pytestmark = pytest.mark.timeout(int(150 * FACTOR))
#: What the promise allows a loaded machine on top (seconds).
SLACK_S = 2.0 * FACTOR


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    with FaultSpine(tmp_path_factory.mktemp("times"), workers=2) as stack:
        yield stack


def running(log: Path, pids: set[int]) -> list[Line]:
    """What processes are in: their last line is a begin."""
    last = {line.pid: line for line in lines(log) if line.pid in pids}
    return [line for line in last.values() if line.what == "begin"]


def begun_again(log: Path, was: Line, after: float) -> float | None:
    """Seconds from `after` to the next begin of the same stage of the same unit."""
    times = [
        line.at - after
        for line in lines(log, was.job)
        if line.what == "begin" and (line.unit, line.stage) == (was.unit, was.stage) and line.at > after
    ]
    return min(times, default=None)


def claimed_at(spine: FaultSpine) -> float:
    """When a reconciler claimed last (seconds, the server's clock)."""
    return int(spine.store.redis.get(spine.store.key("claimed"))) / 1000


def tell(what: str, times: list[float]) -> None:
    print(
        f"{what}: begun again after median {statistics.median(times):.1f} s, worst {max(times):.1f} s of {len(times)}"
    )


def test_a_child_killed(spine: FaultSpine, tmp_path: Path) -> None:
    log, times, hit = tmp_path / "stages.log", [], set()

    def fresh() -> list[Line]:
        """Each unit is hit once: the third death would set it aside."""
        now = running(log, {child.pid for child in spine.children()})
        return [line for line in now if line.stage == "scrape" and (line.job, line.unit) not in hit]

    jobs = [spine.submit(5, scrape_s=2.0, partition_size=1, log=str(log)) for _ in range(2)]
    while len(times) < 5:
        until(fresh, 30, "a running child")
        was = fresh()[0]
        hit.add((was.job, was.unit))
        at = time.time()
        os.kill(was.pid, signal.SIGKILL)
        if was not in running(log, {was.pid}):
            continue  # it had ended, and may have committed
        until(lambda was=was, at=at: begun_again(log, was, at) is not None, 15, "begun again")
        times.append(begun_again(log, was, at) or 0)
    tell("child killed", times)
    assert max(times) < 5 + SLACK_S
    assert set(spine.wait(jobs, 90 * FACTOR)) == {"completed"}


def test_a_worker_killed(spine: FaultSpine, tmp_path: Path) -> None:
    """The other worker takes over when the lease ends; no claim pauses meanwhile, so nothing is spared."""
    log, times = tmp_path / "stages.log", []
    jobs = [spine.submit(4, scrape_s=4, partition_size=1, log=str(log)) for _ in range(2)]
    for _ in range(1):
        worker = spine.workers[0]
        pids = {child.pid for child in psutil.Process(worker.pid).children()}
        until(lambda pids=pids: running(log, pids), 30, "the worker at work")
        at = time.time()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        held = running(log, pids)
        spine.replace_dead()
        for was in held:
            until(lambda was=was, at=at: begun_again(log, was, at) is not None, 30, "begun again")
            times.append(begun_again(log, was, at) or 0)
        spine.ready()
    tell("worker killed", times)
    assert min(times) > LIMITS["LEASE_MS"] / 1000 - 3, "taken over before its lease ended"
    assert max(times) < 15 + SLACK_S
    assert set(spine.wait(jobs, 90 * FACTOR)) == {"completed"}
    no_live_entries(spine)


def test_every_worker_killed(spine: FaultSpine, tmp_path: Path) -> None:
    """Counted from the first claim of a new worker, for until then there is nobody to take over."""
    log, times, whole = tmp_path / "stages.log", [], []
    jobs = [spine.submit(4, scrape_s=3, partition_size=1, log=str(log)) for _ in range(2)]
    for _ in range(1):
        pids = {child.pid for child in spine.children()}
        until(lambda pids=pids: len(running(log, pids)) >= 2, 30, "the workers at work")
        at = time.time()
        for worker in spine.workers:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        held = running(log, pids)
        time.sleep(0.2)
        last = claimed_at(spine)
        spine.replace_dead()
        until(lambda last=last: claimed_at(spine) > last, 30, "a claim")
        first = time.time()
        for was in held:
            until(lambda was=was, at=at: begun_again(log, was, at) is not None, 30, "begun again")
            whole.append(begun_again(log, was, at) or 0)
            times.append(whole[-1] - (first - at))
        spine.ready()
    tell("every worker killed, from the first claim", times)
    tell("every worker killed, start of the new ones included", whole)
    assert max(whole) < LIMITS["LEASE_MS"] / 1000 + 3 + SLACK_S or max(times) < LIMITS["SPARE_MS"] / 1000 + 3 + SLACK_S
    assert set(spine.wait(jobs, 90 * FACTOR)) == {"completed"}
