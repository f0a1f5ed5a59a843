"""The spine for a test: a real server, real workers in processes of their own, and the store to watch them by."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from data.jobs import TERMINAL, JobStore
from data.lake import Lake
from leadmill.settings import Settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.intake.submission import Submission
from pipelines.intake.submit import submit
from tests.valkey import Valkey

PREFIX = "lm-test:"


class Spine:
    """Starts a server and workers of `tests.stand_ins.app`; everything ends with the `with` block."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        processes: int = 2,
        app: str = "tests.stand_ins.app",
        env: dict[str, str] | None = None,
        server: Valkey | None = None,
        data_url: str | None = None,
    ) -> None:
        self.folder, self.app_name, self.processes = folder, app, processes
        self.data_url = data_url or str(folder / "data")
        self.server = server or Valkey(folder / "valkey")
        self._count = workers
        self._extra = env or {}
        self.workers: list[subprocess.Popen[bytes]] = []
        self._names = 0

    def __enter__(self) -> Spine:
        self.server.start()
        self.settings = Settings(
            REDIS_URL=self.server.url,
            data_url=self.data_url,
            key_prefix=PREFIX,
            celery_broker_url=None,
        )
        self.store = JobStore.connect(self.server.url, PREFIX)
        self.lake = Lake(self.settings.data_dir)
        self.celery = make_celery(self.settings)
        for _ in range(self._count):
            self.start_worker()
        self.await_workers()
        return self

    def await_workers(self, seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        want = sum(worker.poll() is None for worker in self.workers)
        while len(self.store.workers()) < want:
            if time.monotonic() > until:
                raise AssertionError(f"workers did not come up:\n{self.log()}")
            time.sleep(0.05)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that belongs to this stack."""
        return {
            **os.environ, "REDIS_URL": self.server.url, "LEADMILL_DATA_URL": self.data_url,
            "LEADMILL_KEY_PREFIX": PREFIX, "LEADMILL_WEBHOOK_ALLOW": "127.0.0.0/8",
        }  # fmt: skip

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        self._names += 1
        env = {**self.env, "LEADMILL_LOG_LEVEL": "INFO", **self._extra}
        with (self.folder / f"worker-{self._names}.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", self.app_name, "worker", "-c", str(self.processes),
                 "-n", f"w{self._names}@test", "--loglevel", "INFO", *options],
                env=env, stdout=log, stderr=log, start_new_session=True,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
        self.workers.append(worker)
        return worker

    def of(self, project: str) -> Self:
        """The same stack, seen from a project."""
        seen = copy.copy(self)
        seen.store, seen.lake = self.store.of(project), self.lake.of(project)
        return seen

    def submit(self, companies: int = 4, **stand_in: Any) -> str:
        """A pipeline of made-up companies; keyword arguments steer the stand-ins."""
        urls = [f"https://c{i:05d}.example/" for i in range(companies)]
        return self.submit_job(
            Submission(
                "pipeline",
                company_urls=urls,
                options={"stand_in": stand_in, "report": {"formats": ["html", "csv"]}},
            )
        )

    def submit_job(self, submission: Submission) -> str:
        return submit(self.store, self.lake, lambda outs: canvas.dispatch(self.celery, outs), submission).job_id

    def status(self, job_id: str) -> str:
        record = self.store.read(job_id)
        return record["status"] if record else "gone"

    def wait(self, job_ids: Sequence[str] | str, seconds: float = 60) -> list[str]:
        """Wait until all have ended; their statuses."""
        ids = [job_ids] if isinstance(job_ids, str) else list(job_ids)
        until = time.monotonic() + seconds
        while True:
            found = [self.status(job_id) for job_id in ids]
            if all(status in TERMINAL for status in found):
                return found
            if time.monotonic() > until:
                stuck = next(i for i, s in zip(ids, found, strict=True) if s not in TERMINAL)
                raise AssertionError(
                    f"not ended: {stuck} {self.store.read(stuck)} {self.store.units(stuck)}\n{self.log()}"
                )
            time.sleep(0.02)

    def children(self) -> list[psutil.Process]:
        """Pool processes of all living workers."""
        out: list[psutil.Process] = []
        for worker in self.workers:
            if worker.poll() is None:
                out += psutil.Process(worker.pid).children()
        return out

    def log(self, characters: int = 6_000) -> str:
        return "\n".join(file.read_text()[-characters:] for file in sorted(self.folder.glob("worker-*.log")))

    def log_from_now(self) -> Callable[[], str]:
        """Gives what the workers have told since this call: the ones before are other tests' affair."""
        told = {file: file.stat().st_size for file in self.folder.glob("worker-*.log")}

        def since() -> str:
            files = sorted(self.folder.glob("worker-*.log"))
            return "\n".join(file.read_bytes()[told.get(file, 0) :].decode(errors="replace") for file in files)

        return since

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
        self.server.stop()
