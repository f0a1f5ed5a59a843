"""What a single fault's test needs: patience that fits the machine, what the stand-ins logged, and rows counted."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipelines.execution import canvas
from tests.faults.campaign import Line, parse_lines
from tests.stand_ins.stack import Spine

#: Every patience below is so many times what an idle machine of two cores needs.
FACTOR = float(os.environ.get("LEADMILL_TEST_PATIENCE", "3"))
APP = "tests.faults.app"
STAGES = ("scrape", "process", "enrich", "score")


class FaultSpine(Spine):
    """Workers as `leadmill worker` starts them, of the stand-ins that can fail in more ways."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **{"app": APP, **options})

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        return super().start_worker("--without-gossip", "--without-mingle", *options)

    def replace_dead(self) -> int:
        """What the supervisor does; how many were started."""
        dead = [worker for worker in self.workers if worker.poll() is not None]
        for worker in dead:
            self.workers.remove(worker)
            self.start_worker()
        return len(dead)

    def ready(self) -> None:
        """The server answers, and as many workers as there were live and listen."""
        until(self.alive, 10, "the server awake")
        self.replace_dead()
        want = {f"w{n}@test" for n in self.numbers()}
        until(lambda: want <= set(self.store.workers()), 30, "workers up")

    def numbers(self) -> list[int]:
        """Numbers of the living workers, which their names carry."""
        return [int(str(worker.args[worker.args.index("-n") + 1])[1:].partition("@")[0]) for worker in self.workers]  # type: ignore[union-attr,index]

    def alive(self) -> bool:
        """The server answers."""
        with suppress(Exception):
            return bool(self.store.redis.ping())
        return False

    def stop_workers(self) -> None:
        """SIGKILL to each worker and its children."""
        for worker in self.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
        self.workers.clear()

    @contextmanager
    def workers_with(self, count: int = 1, processes: int = 2, **env: str) -> Iterator[None]:
        """Other workers, with settings of their own, for as long as the block lasts."""
        self.stop_workers()
        before, self._extra, self.processes = (self._extra, self.processes), {**self._extra, **env}, processes
        try:
            for _ in range(count):
                self.start_worker()
            self.ready()
            yield
        finally:
            self.stop_workers()
            self._extra, self.processes = before


def until(true: Callable[[], object], seconds: float, what: str) -> float:
    """Wait for something; how long it took (seconds)."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds * FACTOR:
            raise AssertionError(f"not seen in {seconds * FACTOR:.0f} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - began


def lines(log: Path, job: str | None = None) -> list[Line]:
    """What the stand-ins noted, of one job if given."""
    found = parse_lines(log.read_text()) if log.exists() else []
    return [line for line in found if job in (None, line.job)]


def begins(log: Path, job: str, stage: str | None = None) -> Counter[tuple[str, str]]:
    """(unit, stage) → how often it began."""
    return Counter(
        (line.unit, line.stage) for line in lines(log, job) if line.what == "begin" and stage in (None, line.stage)
    )


def domains(spine: FaultSpine, job: str, stage: str) -> list[str]:
    """Domains of a stage's good rows, sorted, with repeats."""
    rows = spine.lake.iter_rows(spine.lake.parts(job, stage))
    return sorted(row["domain"] for row in rows if not row.get("error"))


def each_once(spine: FaultSpine, job: str, companies: int, stages: Sequence[str] = STAGES) -> None:
    """Every company stands in the output of every stage exactly once, and nothing temporary is left."""
    wanted = [f"c{i:05d}.example" for i in range(companies)]
    for stage in stages:
        assert domains(spine, job, stage) == wanted, f"{stage} of {job}"
    # A job is completed at its last commit; what that had staged is renamed just after it.
    until(lambda: not list((spine.lake.job_dir(job) / "_tmp").glob("*")), 10, "nothing temporary")


def completes(spine: FaultSpine, job: str, companies: int, seconds: float = 60) -> None:
    """The job ends as completed with every company."""
    assert spine.wait(job, seconds * FACTOR) == ["completed"]
    each_once(spine, job, companies)


def resume(spine: FaultSpine, job: str) -> None:
    """What the API does for a resume."""
    canvas.dispatch(spine.celery, spine.store.resume(job).send)


def no_live_entries(spine: FaultSpine) -> None:
    """Nothing is due once every job has ended (entries of ended jobs go when they fall due)."""
    until(lambda: spine.store.redis.zcard(spine.store.key("due")) == 0, 70, "an empty due set")
