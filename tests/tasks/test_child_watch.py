"""The worker's main process and its children: what must not run any more is stopped, whatever it is doing."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from pipelines.execution import canvas
from tasks import reconciler
from tests.faults.proof import begins, lines, until
from tests.stand_ins.stack import Spine


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE}


def test_a_cancel_ends_c_code_that_holds_the_interpreter(spine: Spine, tmp_path: Path) -> None:
    """Nothing of the job runs 2 s later, the places in the pool are free, and the neighbours are untouched."""
    log, beside = tmp_path / "log", tmp_path / "beside"
    told_since = spine.log_from_now()  # the workers are others' as well, who kill processes
    job = spine.submit(4, stuck=["p0"], partition_size=4, log=str(log))
    until(lambda: begins(log, job), 20, "the stuck unit begun")
    neighbour = spine.submit(1, seconds=2, log=str(beside))
    until(lambda: begins(beside, neighbour), 20, "a neighbour beside it")
    stuck = {line.pid for line in lines(log, job)}
    spine.store.cancel(job)
    time.sleep(2.0)
    assert not alive(stuck), "the cancelled job still holds a process"
    assert spine.wait(neighbour) == ["completed"]
    assert begins(beside, neighbour)["p0", "scrape"] == 1, "a neighbour was killed as well"
    assert spine.wait([spine.submit(2), spine.submit(2)]) == ["completed"] * 2
    log_text = told_since()
    assert log_text.count(f"job={job}") <= 3 and "exited with" not in log_text
    assert not [d for _, kind, d in spine.store.events(job) if kind == "unit" and d["state"] == "died"]


def test_python_code_stops_by_itself(spine: Spine, tmp_path: Path) -> None:
    """A child that hears of the cancel is not killed for it."""
    log = tmp_path / "log"
    job = spine.submit(4, seconds=30, partition_size=2, log=str(log))
    until(lambda: len(lines(log, job)) == 2, 20, "both units begun")
    pids = {line.pid for line in lines(log, job)}
    spine.store.cancel(job)
    time.sleep(2.0)
    assert alive(pids) == pids
    other = spine.submit(4, partition_size=1, log=str(log))
    assert spine.wait(other) == ["completed"]


def test_a_run_whose_unit_was_taken_from_it_is_killed(spine: Spine, tmp_path: Path) -> None:
    """It cannot renew, so the unit goes to another process; its own must not go on beside it."""
    log = tmp_path / "log"
    job = spine.submit(1, stuck=["p0"], log=str(log))
    until(lambda: begins(log, job), 20, "the unit begun")
    first = {line.pid for line in lines(log, job)}
    canvas.dispatch(spine.celery, spine.store.release(job, "p0", spine.store.units(job)["p0"]["o"]).send)
    until(lambda: len(lines(log, job)) > 1, 20, "the unit begun elsewhere")
    until(lambda: not alive(first), 5, "the first process ended")
    assert not spine.store.units(job)["p0"].get("p"), "counted as a death"
    spine.store.cancel(job)


@pytest.mark.stack
def test_no_child_is_made_while_the_reconciler_publishes() -> None:
    """It would inherit whatever lock of Celery's the reconciler's thread holds just then, and wait for it for ever."""
    inside, leave = threading.Event(), threading.Event()

    def tick() -> None:
        with reconciler._no_fork:
            inside.set()
            leave.wait(10)
            inside.clear()

    thread = threading.Thread(target=tick)
    thread.start()
    inside.wait(10)
    threading.Timer(0.2, leave.set).start()
    child = os.fork()
    if not child:
        os._exit(3 if inside.is_set() or reconciler._no_fork.locked() else 0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
    assert not reconciler._no_fork.locked()
