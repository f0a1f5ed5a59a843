"""A stack of its own whose parts can be broken, one way for each alert, and mended again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import httpx2

from data.api_keys import KeyRegistry
from data.project_quotas import FILE as QUOTAS
from leadmill.access import Role
from leadmill.client import Client
from tests.deploy.compose import ROOT
from tests.deploy.monitoring.prometheus import Prometheus
from tests.faults.proof import FaultSpine, until
from tests.valkey import free_port

#: Time runs so much faster: an hour is two minutes, and what workers do once a second is still no delay.
FASTER = 30


class Receiver(ThreadingHTTPServer):
    """Takes notices, and refuses them while `status` is no 200."""

    def __init__(self) -> None:
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Taking)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Taking(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Lab:
    """Redis, two workers, beat, an API with keys, somebody who is told, and a Prometheus with the key of a viewer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.receiver = Receiver()
        self.env = {
            "LEADMILL_NOTIFY_URLS": f"json://127.0.0.1:{self.receiver.server_port}/",
            "LEADMILL_WEBHOOK_ALLOW": "127.0.0.0/8",
        }
        self.spine = FaultSpine(folder / "spine", workers=2, processes=4, env=self.env)
        self.key = folder / "metrics_key"
        self.port = free_port()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.spine)
            registry = KeyRegistry(self.spine.settings.data_dir)
            self.admin = registry.create("ops", Role.ADMIN)[1]
            self.keys = {name: registry.create("prometheus", Role.VIEWER, name)[1] for name in ("default", "acme")}
            self.key.write_text(self.keys["default"] + "\n")
            self.api = stack.enter_context(self.process("api", "127.0.0.1", str(self.port)))
            self.beat = stack.enter_context(
                self.process("celery", "beat", "--pidfile", str(self.folder / "beat.pid"), app="tests.faults.app")
            )
            self.client = stack.enter_context(Client(f"http://127.0.0.1:{self.port}", api_key=self.admin))
            until(self.client.is_ready, 20, "the API ready")
            target = f"127.0.0.1:{self.port}"
            self.prometheus = stack.enter_context(
                Prometheus(self.folder / "prometheus", [target], faster=FASTER, key=self.key)
            )
            self._close = stack.pop_all().close
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self.receiver.shutdown()
        self.receiver.server_close()

    @contextmanager
    def process(self, *words: str, app: str = "", **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """`leadmill api` or `leadmill beat`, as a process of this stack."""
        start = ["-m", "celery", "-A", app, *words[1:]] if app else ["-P", "-m", "cli.child", *words]
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            running = subprocess.Popen(
                [sys.executable, *start], env={**self.spine.env, **self.env, "PYTHONPATH": str(ROOT), **env},
                stdout=log, stderr=log, cwd=ROOT,
            )  # fmt: skip
        try:
            yield running
        finally:
            running.kill()
            running.wait()

    @contextmanager
    def asking(self, path: str = "/api/v1/jobs/list", body: dict[str, str] | None = None) -> Iterator[None]:
        """Somebody asks the API all the while, some times a second; a POST where there is a body."""
        over = threading.Event()

        def ask() -> None:
            headers = {"Authorization": f"Bearer {self.admin}"}
            while not over.wait(0.1):
                with suppress(httpx2.HTTPError):
                    url = f"http://127.0.0.1:{self.port}{path}"
                    httpx2.request("POST" if body else "GET", url, json=body, headers=headers, timeout=10)

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def submit(self, companies: int, **stand_in: object) -> str:
        """A job whose stages are stand-ins; see `tests.stand_ins.app`."""
        return self.spine.submit(companies, **stand_in)


@dataclass(frozen=True)
class Fault:
    """Something that is broken for as long as the block lasts, and the alerts that must fire of it."""

    what: str
    alerts: tuple[str, ...]
    broken: Callable[[Lab], Iterator[None]]


FAULTS: list[Fault] = []


def fault(what: str, *alerts: str) -> Callable[[Callable[[Lab], Iterator[None]]], Callable[[Lab], Iterator[None]]]:
    def keep(broken: Callable[[Lab], Iterator[None]]) -> Callable[[Lab], Iterator[None]]:
        FAULTS.append(Fault(what, alerts, broken))
        return broken

    return keep


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@fault("the API is frozen (SIGSTOP)", "LeadmillUnreachable")
def no_api(lab: Lab) -> Iterator[None]:
    with frozen(lab.api.pid):
        yield


@fault("Prometheus has the key of another project", "LeadmillMetricsIncomplete")
def foreign_key(lab: Lab) -> Iterator[None]:
    lab.key.write_text(lab.keys["acme"])
    yield
    lab.key.write_text(lab.keys["default"])


@fault("Redis is killed", "LeadmillRedisGone")
def no_redis(lab: Lab) -> Iterator[None]:
    lab.spine.server.stop()
    yield
    lab.spine.server.start()
    lab.spine.ready()


@fault("the file of quotas is damaged, and submits come all the while", "LeadmillApiErrors")
def refused(lab: Lab) -> Iterator[None]:
    file = lab.spine.settings.data_dir / QUOTAS
    with lab.asking("/api/v1/jobs/scrape/company", {"company_url": "a.example"}):
        file.write_text("{")
        yield
    file.unlink()


@fault("Redis answers nobody for 3 s, again and again", "LeadmillApiSlow")
def slow_redis(lab: Lab) -> Iterator[None]:
    over = threading.Event()

    def pause() -> None:
        while not over.wait(3.5):
            with suppress(Exception):
                lab.spine.store.redis.execute_command("CLIENT", "PAUSE", "3000", "ALL")  # type: ignore[no-untyped-call]

    thread = threading.Thread(target=pause, daemon=True)
    thread.start()
    try:
        with lab.asking():
            yield
    finally:
        over.set()
        thread.join()
    with lab.asking():
        time.sleep(1)


@fault("all workers are killed while units run", "LeadmillNoWorkers", "LeadmillUnitsOverdue", "LeadmillQueueUnserved")
def no_workers(lab: Lab) -> Iterator[None]:
    job = lab.submit(8, seconds=2, partition_size=1)
    until(lambda: lab.spine.status(job) == "running", 30, "a job that runs")
    lab.spine.stop_workers()
    lab.submit(2)
    yield
    for _ in range(2):
        lab.spine.start_worker()
    lab.spine.ready()


@fault("more work than processes", "LeadmillQueueOld")
def much_work(lab: Lab) -> Iterator[None]:
    jobs = [lab.submit(16, seconds=6, partition_size=1) for _ in range(3)]
    yield
    for job in jobs:
        lab.client.cancel(job)


@fault("five processes die at their units, three times each", "LeadmillProcessesDie", "LeadmillDeadLetters")
def deaths(lab: Lab) -> Iterator[None]:
    lab.submit(5, partition_size=1, die=[f"p{n}" for n in range(5)])
    yield


@fault("whole workers are killed while units run, twice", "LeadmillLeasesLapse")
def lapses(lab: Lab) -> Iterator[None]:
    lab.submit(8, seconds=30, partition_size=1)
    for _ in range(2):
        time.sleep(4)
        worker = lab.spine.workers.pop(0)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        lab.spine.start_worker()
    yield


@fault("somebody else writes to the broker", "LeadmillMessagesThrownAway")
def strangers(lab: Lab) -> Iterator[None]:
    lab.spine.celery.send_task("somebody.elses", args=["x"], queue="processing")
    yield


@fault("three jobs find nothing", "LeadmillJobsFail")
def failing(lab: Lab) -> Iterator[None]:
    for _ in range(12):
        lab.submit(1, bad=["c00000.example"])
    yield


@fault("a channel's receiver answers 500", "LeadmillNoticesWait", "LeadmillDeliveriesFail")
def deaf(lab: Lab) -> Iterator[None]:
    lab.receiver.status = 500
    for _ in range(3):
        lab.submit(1, bad=["c00000.example"])
    yield
    lab.receiver.status = 200


@fault("a disk that takes nothing, for two tries", "LeadmillRetriesStorm")
def retries(lab: Lab) -> Iterator[None]:
    lab.submit(48, partition_size=1, fail={f"p{n}": 2 for n in range(48)})
    yield


@fault("Redis may use little more than it does", "LeadmillRedisNearlyFull")
def nearly_full(lab: Lab) -> Iterator[None]:
    with memory(lab, 1.1):
        yield


@fault("Redis may use less than it does", "LeadmillRedisRefusesWrites")
def full(lab: Lab) -> Iterator[None]:
    with memory(lab, 0.9):
        yield


@contextmanager
def memory(lab: Lab, share: float) -> Iterator[None]:
    redis = lab.spine.store.redis
    redis.config_set("maxmemory", int(int(redis.info("memory")["used_memory"]) * share))
    try:
        yield
    finally:
        redis.config_set("maxmemory", 0)


@fault("where Redis puts its snapshot lies a folder", "LeadmillRedisNotSaved")
def unsaved(lab: Lab) -> Iterator[None]:
    place, redis = lab.spine.server.folder / "dump.rdb", lab.spine.store.redis
    place.unlink(missing_ok=True)
    place.mkdir()
    redis.bgsave()
    yield
    place.rmdir()
    redis.bgsave()


@fault("another application writes over a key", "LeadmillUnreadableKeys")
def written_over(lab: Lab) -> Iterator[None]:
    lab.spine.wait(lab.submit(1))
    redis, key = lab.spine.store.redis, lab.spine.store.key("ended")
    redis.rename(key, key + ":kept")
    redis.set(key, "of another application")
    yield
    redis.delete(key)
    redis.rename(key + ":kept", key)


@fault("beat is frozen (SIGSTOP)", "LeadmillBeatGone")
def no_beat(lab: Lab) -> Iterator[None]:
    with frozen(lab.beat.pid):
        yield


@contextmanager
def small_disk(folder: Path, megabytes: int = 64) -> Iterator[Path]:
    """A file system of its own, in memory.

    Raises:
        PermissionError: only root may mount, and not everywhere.
    """
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        raise PermissionError(mounted.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        shutil.rmtree(folder)
