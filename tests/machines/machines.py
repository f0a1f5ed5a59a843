"""A stack on several machines: what one of them has, no other sees. They share Redis and a bucket, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from data.mounts import unmount
from data.object_store import mounted
from leadmill import Client
from leadmill.places import bucket_at, path_of
from tests.stand_ins.s3 import S3Server
from tests.valkey import Valkey, free_port

ROOT = Path(__file__).parents[2]
READY_S, END_S = 60.0, 20.0


class Machine:
    """A machine: a folder that is the home, the working directory and the run folder of its processes."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.run = folder / "run"
        self.run.mkdir(parents=True)
        (folder / "tmp").mkdir()
        # The first of a TMPDIR's users makes it: none may be shared.
        own = {"LEADMILL_RUN_DIR": str(self.run), "HOME": str(folder), "TMPDIR": str(folder / "tmp")}
        self._env = {**os.environ, **env, **own}
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Start one of the stack's processes, as the supervisor does."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cli.child", *arguments],
                env={**self._env, **env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("celery", "worker", "-c", "1", "-n", f"{self.folder.name}-{len(self.processes)}@machines")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL, with all of its children."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.processes.remove(process)

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()

    def written(self) -> set[str]:
        """Files that its processes have open and may write, its own log apart."""
        found = set()
        for one in self.processes:
            process = psutil.Process(one.pid)
            for each in (process, *process.children(recursive=True)):
                found |= {file.path for file in each.open_files() if file.mode != "r"}
        return found - {str(self.folder / "log")}

    def log(self) -> str:
        return (self.folder / "log").read_text()


class Machines:
    """The API and beat on one machine, a worker on each of two others; ends with the `with` block."""

    def __init__(self, folder: Path, s3: S3Server, http_proxy: str) -> None:
        self.s3, self._folder = s3, folder
        self.place = s3.place("")
        self.url = f"s3://{self.place.bucket}/some/lake"
        self.root = path_of(self.url)
        self.server = Valkey(folder / "valkey", aof=False)
        self._env = {
            "LEADMILL_DATA_URL": self.url,
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_ACCESS_KEY_ID": self.place.options["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.place.options["secret_access_key"],
            "LEADMILL_HTTP_PROXY": http_proxy,
            "LEADMILL_LOG_FORMAT": "json",
        }
        self.api_url = ""

    def __enter__(self) -> Self:
        mounted(self.place, bucket_at(self.root), self._folder / "passing")
        self.server.start()
        env, port = {**self._env, "REDIS_URL": self.server.url}, str(free_port())
        self.front, self.one, self.two = (Machine(self._folder / name, env) for name in ("front", "one", "two"))
        self.api_url = f"http://127.0.0.1:{port}"
        try:
            self.front.start("api", "127.0.0.1", port)
            for machine in (self.one, self.two):
                machine.start_worker()
            self.front.start("celery", "beat")
            self.ready(workers=2)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for machine in (self.front, self.one, self.two):
            machine.end()
        self.server.stop()
        unmount(bucket_at(self.root))

    def ready(self, workers: int) -> None:
        """Wait until the API is ready, and so many workers live."""
        until = time.monotonic() + READY_S
        with Client(self.api_url, retries=0, timeout=5) as client:
            while not (client.is_ready() and len(client.statistics()["workers"]) >= workers):
                if time.monotonic() > until:
                    raise AssertionError(f"not ready:\n{self.log()}")
                time.sleep(0.1)

    def log(self) -> str:
        return "\n".join(machine.log()[-3_000:] for machine in (self.front, self.one, self.two))

    @contextmanager
    def counted(self) -> Iterator[dict[str, int]]:
        """How often the store is asked within the block, by method; told when it has ended."""
        found: dict[str, int] = {}
        self.s3.requests.clear()
        yield found
        found.update(self.s3.methods())
