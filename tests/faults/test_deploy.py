"""A deploy: every worker is asked to stop while jobs run; new ones finish them."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.proof import FACTOR, FaultSpine, begins, completes, lines, no_live_entries, until

pytestmark = pytest.mark.timeout(int(100 * FACTOR))


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    with FaultSpine(tmp_path_factory.mktemp("deploy"), workers=0) as stack:
        yield stack


def stop_all(spine: FaultSpine, patience: float) -> list[float]:
    """TERM to every worker, QUIT to those still there after `patience`; seconds until each was gone."""
    began, gone = time.monotonic(), []
    for worker in spine.workers:
        worker.send_signal(signal.SIGTERM)
    asked = False
    while spine.workers:
        for worker in [w for w in spine.workers if w.poll() is not None]:
            spine.workers.remove(worker)
            gone.append(time.monotonic() - began)
        if not asked and time.monotonic() - began > patience:
            asked = True
            for worker in spine.workers:
                worker.send_signal(signal.SIGQUIT)
        assert time.monotonic() - began < (patience + 10) * FACTOR, "a worker does not stop"
        time.sleep(0.02)
    return gone


def failures(spine: FaultSpine, job: str) -> dict[str, tuple[int, int]]:
    """Unit → (deaths, lapses) that its record ever told in an event."""
    told: dict[str, tuple[int, int]] = {}
    for _, kind, data in spine.store.events(job):
        if kind == "unit" and data["state"] in ("died", "lapsed", "failed", "waiting"):
            died, lapsed = told.get(data["unit"], (0, 0))
            told[data["unit"]] = (died + (data["state"] == "died"), lapsed + (data["state"] != "died"))
    return told


def test_term_lets_short_partitions_finish(spine: FaultSpine, tmp_path: Path) -> None:
    log = tmp_path / "stages.log"
    with spine.workers_with(2):
        jobs = [spine.submit(6, scrape_s=0.5, partition_size=1, log=str(log)) for _ in range(3)]
        until(lambda: len(lines(log)) > 8, 30, "work under way")
        gone = stop_all(spine, patience=8)
        print(f"after TERM the workers were gone in {max(gone):.1f} s")
        assert not any(spine.status(job) == "failed" for job in jobs)
        until(lambda: not spine.store.workers(), 5, "the workers signed off")
        for _ in range(2):
            spine.start_worker()
        for job in jobs:
            completes(spine, job, 6)
            assert set(begins(log, job).values()) == {1}, "a partition that could finish was begun again"
            assert not failures(spine, job)


def test_term_alone_hands_over_in_seconds_what_takes_longer(spine: FaultSpine, tmp_path: Path) -> None:
    """A long partition goes to another worker at once, as no failure, and costs it no attempt."""
    log = tmp_path / "stages.log"
    with spine.workers_with(1, LEADMILL_LEAVE_S="2"):
        job = spine.submit(2, scrape_s=90, partition_size=1, log=str(log))
        until(lambda: rounds(log, job) == 1, 30, "both partitions running")
        spine.start_worker()
        spine.ready()
        leaving = spine.workers.pop(0)
        began = time.monotonic()
        leaving.send_signal(signal.SIGTERM)
        until(lambda: rounds(log, job) == 2, 15, "both begun again")
        again = time.monotonic() - began
        leaving.wait(10 * FACTOR)
        gone = time.monotonic() - began
        print(f"told to leave: its work was begun again after {again:.1f} s, it was gone after {gone:.1f} s")
        assert not failures(spine, job), "leaving was counted as a failure"
        assert {unit.get("a") for unit in spine.store.units(job).values()} == {None}, "it cost an attempt"
        spine.store.cancel(job)


def rounds(log: Path, job: str) -> int:
    """How often both partitions have begun."""
    counts = begins(log, job, "scrape").values()
    return min(counts) if len(counts) == 2 else 0


def test_quit_hands_long_partitions_over(spine: FaultSpine, tmp_path: Path) -> None:
    """Three deploys in a row hit the same partitions, by QUIT at once and after a TERM: none counts as a failure."""
    log = tmp_path / "stages.log"
    with spine.workers_with(1):
        job = spine.submit(2, scrape_s=6, partition_size=1, log=str(log))
        waits = []
        for round_number, patience in enumerate((0.0, 1.0, 2.0), 1):
            until(lambda n=round_number: rounds(log, job) == n, 30, f"both partitions running, round {round_number}")
            stop_all(spine, patience)
            stopped = time.time()
            states = {name: unit["s"] for name, unit in spine.store.units(job).items() if name[1:].isdigit()}
            assert states == {"p0": "h", "p1": "h"}, "not handed over at the stop"
            spine.start_worker()
            until(lambda n=round_number: rounds(log, job) == n + 1, 30, "begun again")
            last = max(line.at for line in lines(log, job))
            waits.append(last - stopped)
        print(f"handed over and begun again after a restart: {', '.join(f'{w:.1f} s' for w in waits)}")
        completes(spine, job, 2)
        assert not failures(spine, job), "a deploy was counted as a failure"
        no_live_entries(spine)
