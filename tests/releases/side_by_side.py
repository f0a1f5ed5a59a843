"""One server, one lake, and processes of several versions on them, each started as its own README says."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import redis

from data import keys
from leadmill import Client
from tests.faults.proof import FACTOR
from tests.releases.checkout import Checkout
from tests.valkey import Valkey, free_port

PREFIX = "leadmill:"


class Api(NamedTuple):
    """A process that serves the REST API, and a client of it."""

    process: subprocess.Popen[bytes]
    client: Client


class SideBySide:
    """Everything that it started ends with the `with` block."""

    def __init__(self, folder: Path, proxy: str) -> None:
        self.folder, self.data = folder, folder / "data"
        self.server = Valkey(folder / "valkey")
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LEADMILL_", "CELERY_"))},
            "LEADMILL_DATA_URL": str(self.data), "LEADMILL_HTTP_PROXY": proxy, "LEADMILL_RETENTION_DAYS": "36500",
            "REDIS_URL": self.server.url,
        }  # fmt: skip
        self._env.pop("VIRTUAL_ENV", None)
        self._names = 0
        self.running: dict[subprocess.Popen[bytes], str] = {}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server.start()
        self.redis = redis.Redis.from_url(self.server.url, decode_responses=True)
        return self

    def __exit__(self, *_: object) -> None:
        for process in list(self.running):
            self.kill(process)
        self.redis.close()
        self.server.stop()

    # ---- processes

    def start(self, of: Checkout, name: str, *command: str) -> subprocess.Popen[bytes]:
        """A process of a version, in a group of its own; its log is `<name>.log`."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [of.python, *command], env=self._env, cwd=of.folder, stdout=log, stderr=log, start_new_session=True
            )
        self.running[process] = name
        return process

    def worker(self, of: Checkout) -> subprocess.Popen[bytes]:
        """A worker of two processes that takes from all queues, perhaps not up yet."""
        self._names += 1
        node = f"{of.version}-{self._names}@here"
        return self.start(of, node, "worker.py", "-c", "2", "-n", node)

    def beat(self, of: Checkout) -> subprocess.Popen[bytes]:
        self._names += 1
        return self.start(of, f"beat-{of.version}-{self._names}", "beat.py")

    def api(self, of: Checkout) -> Api:
        """An API that answers."""
        port = free_port()
        process = self.start(of, f"api-{of.version}-{port}", "-m", "uvicorn", "api.app:app", "--port", str(port))
        client = Client(f"http://127.0.0.1:{port}")
        until(lambda: client.health() is not None, 60, f"the API of {of.version} up", self.log)
        return Api(process, client)

    def is_up(self, *workers: subprocess.Popen[bytes]) -> bool:
        """Whether these workers have claimed."""
        living = self.redis.zrange(PREFIX + keys.WORKERS, 0, -1)
        return {self.running[worker] for worker in workers} <= set(living)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL to a process and its children."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.running.pop(process, None)

    def stop(self, *processes: subprocess.Popen[bytes]) -> float:
        """What a rolling restart does: SIGTERM, and wait; seconds until all were gone."""
        began = time.monotonic()
        for process in processes:
            process.terminate()
        for process in processes:
            self.ended(process)
        return time.monotonic() - began

    def ended(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the end of a process; its exit code."""
        code = process.wait(90 * FACTOR)
        self.running.pop(process)
        return code

    def log(self, characters: int = 3_000) -> str:
        return "\n".join(f"==> {file.name}\n{file.read_text()[-characters:]}" for file in self.folder.glob("*.log"))


def until(true: Callable[[], object], seconds: float, what: str, log: Callable[[], str] = lambda: "") -> None:
    """Wait for something; what is not up yet counts as not seen."""
    end = time.monotonic() + seconds * FACTOR
    while True:
        with suppress(Exception):  # it is not up yet
            if true():
                return
        if time.monotonic() > end:
            raise AssertionError(f"not seen: {what}\n{log()}")
        time.sleep(0.05)
