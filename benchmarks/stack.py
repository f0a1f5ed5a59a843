"""A stack to measure: a server as `leadmill up` starts it, workers in processes of their own, and the client side."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from benchmarks.children import start_child
from cli.local_stack.redis_server import OwnServer, find_server
from data.jobs import TERMINAL, JobStore
from data.lake import Lake
from leadmill.settings import Settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.intake.submission import Submission
from pipelines.intake.submit import submit

#: Pool processes of each worker: one a core of a small machine.
PROCESSES = 2


class Stack:
    """Server, data folder and any number of workers; everything ends with the `with` block."""

    def __init__(self, prefix: str = "bench:") -> None:
        self.prefix = prefix
        self.folder = Path(tempfile.mkdtemp(prefix="leadmill-bench-"))
        self.children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Stack:
        (self.folder / "redis").mkdir()
        own = OwnServer(self.folder / "redis")
        own.write()
        self.server = self.start(own.command(find_server()), "redis")
        until = time.monotonic() + 10
        while not own.answers():
            if time.monotonic() > until:
                raise RuntimeError("the server did not come up")
            time.sleep(0.02)
        self.url = own.url
        self.settings = Settings(
            REDIS_URL=self.url, CELERY_BROKER_URL=None, data_url=str(self.folder / "data"), key_prefix=self.prefix
        )
        self.redis = redis.Redis.from_url(self.url, decode_responses=True)
        self.lake = Lake(self.settings.data_dir)
        self.celery = make_celery(self.settings)
        self.store = JobStore.connect(self.url, self.prefix)
        return self

    def start(self, argv: list[str], name: str, **env: str) -> subprocess.Popen[bytes]:
        """A child in a session of its own; its log lies in the stack's folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            child = start_child(argv, env={**os.environ, **env}, stdout=log, stderr=log, start_new_session=True)
        self.children.append(child)
        return child

    def worker(
        self,
        app: str = "benchmarks.worker_app",
        name: str = "w",
        prefix: str | None = None,
        queues: str | None = None,
        **env: str,
    ) -> subprocess.Popen[bytes]:
        """Start a worker (of all queues unless named) and wait until its pool answers."""
        prefix = prefix or self.prefix
        argv = [sys.executable, "-m", "celery", "-A", app, "worker", "-c", str(PROCESSES), "-n", f"{name}@bench"]
        argv += ["-Q", queues] if queues else []
        env = {
            "REDIS_URL": self.url, "LEADMILL_DATA_URL": str(self.folder / "data"), "LEADMILL_KEY_PREFIX": prefix,
            "LEADMILL_LOG_LEVEL": "WARNING", **env,
        }  # fmt: skip
        log = self.folder / f"{name}.log"
        child = self.start([*argv, "--loglevel", "INFO", "--without-gossip", "--without-mingle"], name, **env)
        until = time.monotonic() + 60
        settings = self.settings.model_copy(update={"key_prefix": prefix})
        control = make_celery(settings).control
        while not control.ping([f"{name}@bench"], timeout=0.3):
            if child.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"worker {name} did not come up:\n{log.read_text()[-3000:]}")
        return child

    def submit(self, partitions: int, **bench: Any) -> str:
        """A pipeline of made-up companies, one a partition; keyword arguments go to the empty bodies."""
        urls = [f"https://c{i:05d}.example/" for i in range(partitions)]
        options = {"bench": bench, "report": {"formats": ["html", "csv"]}}
        job = Submission("pipeline", company_urls=urls, options=options)
        celery = self.celery
        return submit(self.store, self.lake, lambda outs: canvas.dispatch(celery, outs), job).job_id

    def wait(self, job_id: str, pause: float = 0.002, seconds: float = 300) -> str:
        """Look at the record's status until it is terminal."""
        key = self.store.key(f"job:{job_id}")
        return self.until(lambda: self.redis.hget(key, "status"), TERMINAL, pause, seconds)

    def until(self, look: Callable[[], Any], ends: Any, pause: float = 0.002, seconds: float = 300) -> str:
        """Call `look` until its answer is in `ends`; both contestants are awaited by this same loop."""
        limit = time.monotonic() + seconds
        while (found := look()) not in ends:
            if time.monotonic() > limit:
                logs = "\n".join(file.read_text()[-2000:] for file in self.folder.glob("*.log"))
                raise RuntimeError(f"not ended after {seconds} s: {found}\n{logs}")
            time.sleep(pause)
        return str(found)

    def behind(self, prefix: str) -> Stack:
        """The client side of this stack for the workers behind another key prefix."""
        if prefix == self.prefix:
            return self
        other = copy.copy(self)
        other.prefix = prefix
        other.settings = self.settings.model_copy(update={"key_prefix": prefix})
        other.celery = make_celery(other.settings)
        other.store = JobStore.connect(self.url, prefix)
        return other

    def of(self, project: str) -> Stack:
        """The client side of this stack for another project."""
        other = copy.copy(self)
        other.lake, other.store = self.lake.of(project), self.store.of(project)
        return other

    def run(self, partitions: int, pause: float = 0.002, **bench: Any) -> float:
        """Seconds of one job, submit to completed."""
        began = time.perf_counter()
        job_id = self.submit(partitions, **bench)
        status = self.wait(job_id, pause)
        took = time.perf_counter() - began
        if status != "completed":
            raise RuntimeError(f"{job_id} ended {status}: {self.store.read(job_id)}")
        shutil.rmtree(self.lake.job_dir(job_id), ignore_errors=True)
        return took

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """End a child and its group, at once."""
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def __exit__(self, *_: object) -> None:
        for child in reversed(self.children):
            self.stop(child)
        shutil.rmtree(self.folder, ignore_errors=True)


class Floor:
    """The bare Celery contestant of a stack: its own worker, its own queues (prefix), the same server."""

    def __init__(self, stack: Stack) -> None:
        os.environ.update(REDIS_URL=stack.url, LEADMILL_KEY_PREFIX="floor:")
        from benchmarks import floor_app

        self.stack, self.app = stack, floor_app
        stack.worker("benchmarks.floor_app", "floor", "floor:")
        self._number = 0

    def submit(self, partitions: int, **_: Any) -> str:
        """Send one canvas; its name. What the empty bodies of the other contestant do is nothing to it."""
        self._number += 1
        job = f"{os.getpid()}-{self._number}"
        self.app.canvas(job, partitions).apply_async()
        return job

    def wait(self, job: str, pause: float = 0.002) -> str:
        """Until a canvas has ended."""
        return self.stack.until(lambda: self.stack.redis.get(f"floor:{job}"), ("completed",), pause)

    def run(self, partitions: int, pause: float = 0.002) -> float:
        """Seconds of one canvas, sent to ended."""
        began = time.perf_counter()
        self.wait(self.submit(partitions), pause)
        return time.perf_counter() - began


@contextmanager
def spine() -> Iterator[tuple[Stack, Floor]]:
    """Leadmill's spine and the floor beside it on one server, both warm enough to answer."""
    with Stack() as stack:
        stack.worker()
        yield stack, Floor(stack)
