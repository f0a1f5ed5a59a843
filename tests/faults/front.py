"""The front of a stack under faults: the API and beat as processes of their own, and callers that never give up.

Each caller submits over HTTP with the product's own client and one `Idempotency-Key` a job, and repeats it until it is
answered. At the end each key must have made one job, and no job may be there that nobody asked for.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from data.jobs import TERMINAL
from leadmill.client import Client
from leadmill.client.errors import ApiError
from leadmill.errors import NotFoundError
from pipelines.intake import schedules
from pipelines.intake.schedule_registry import ScheduleRegistry
from pipelines.intake.submission import Submission
from tests.faults.proof import APP, FaultSpine, until
from tests.valkey import free_port

ROOT = Path(__file__).parents[2]
SCHEDULE = "every-minute"
CALLERS = 4


class Front:
    """API, beat and callers over a spine; who dies is started again, as a supervisor does."""

    def __init__(self, spine: FaultSpine, companies: int) -> None:
        self.spine = spine
        self.urls = [f"https://c{i:05d}.example/" for i in range(companies)]
        self.port = free_port()
        #: Idempotency key → the job it was answered with.
        self.answers: dict[str, str] = {}
        #: Keys that were asked for and not answered yet.
        self.open_keys: set[str] = set()
        #: Answers that no fault excuses.
        self.complaints: list[str] = []
        self.restarts: Counter[str] = Counter()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._before = set(self._pipelines())
        self._over = threading.Event()
        self._callers = [threading.Thread(target=self._call, args=(n,), daemon=True) for n in range(CALLERS)]

    def __enter__(self) -> Self:
        now = datetime.now(UTC)
        with suppress(NotFoundError):  # of a campaign before on the same spine
            ScheduleRegistry(self.spine.store, self.spine.lake).delete(SCHEDULE)
        # Made two minutes ago: the newest planned time is due at once, the next within a minute.
        submission = Submission("pipeline", company_urls=self.urls)
        schedules.create(
            self.spine.store, self.spine.lake, SCHEDULE, "* * * * *", submission, now - timedelta(minutes=2)
        )
        self._start("api")
        self._start("beat")
        with Client(self.url) as client:
            until(client.is_ready, 20, "the API ready")
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for name in self._processes:
            self.kill(name)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self, name: str) -> None:
        """SIGKILL to `api` or `beat`."""
        self._processes[name].send_signal(signal.SIGKILL)
        self._processes[name].wait()

    def replace_dead(self) -> None:
        """What the supervisor does."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                self.restarts[name] += 1
                self._start(name)

    def finish(self, seconds: float = 90) -> None:
        """No new submits; every one under way gets its answer."""
        self._over.set()
        deadline = time.monotonic() + seconds
        while any(caller.is_alive() for caller in self._callers):
            self.replace_dead()
            if time.monotonic() > deadline:
                raise AssertionError(f"submits without an answer: {self.open_keys}\n{self.spine.log()}")
            time.sleep(0.1)

    def jobs(self) -> list[str]:
        """Jobs of the callers and of the schedule."""
        return [*self.answers.values(), *self.ticks()]

    def ticks(self) -> list[str]:
        """Jobs that the schedule made."""
        return [job for job, _ in self.spine.store.ids(f"t:schedule:{SCHEDULE}", limit=1_000)]

    def _pipelines(self) -> list[str]:
        return [job for job, _ in self.spine.store.ids("k:pipeline", limit=100_000)]

    def unasked(self, known: Collection[str]) -> list[str]:
        """Jobs that neither the callers, nor the schedule, nor whoever submitted `known` asked for."""
        return sorted(set(self._pipelines()) - self._before - {*known, *self.jobs()})

    def doubled(self) -> list[str]:
        """Submits or planned times that made more than one job."""
        by_job = Counter(self.answers.values())
        found = [f"{job} answers {n} keys" for job, n in by_job.items() if n > 1]
        return found + [f"tick {job} is of a planned time that has another" for job in self._ticks_without_a_time()]

    def _ticks_without_a_time(self) -> list[str]:
        """Jobs of the schedule that the key of no planned time names: such a key names one. When a job was created says
        nothing of it, since a tick may be submitted late.
        """
        store = self.spine.store
        keys = store.redis.scan_iter(match=store.key(f"idem:tick:{SCHEDULE}@*"), count=1_000)
        named = {json.loads(text)["job"] for key in keys if (text := store.redis.get(key))}
        return sorted(set(self.ticks()) - named)

    def _start(self, name: str) -> None:
        command = {
            "api": [sys.executable, "-P", "-m", "cli.child", "api", "127.0.0.1", str(self.port)],
            "beat": [
                sys.executable, "-m", "celery", "-A", APP, "beat", "--pidfile",
                str(self.spine.folder / f"beat-{time.monotonic_ns()}.pid"),
            ],
        }[name]  # fmt: skip
        env = {**self.spine.env, "PYTHONPATH": str(ROOT)}
        with (self.spine.folder / f"worker-{name}.log").open("ab") as out:
            self._processes[name] = subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=ROOT)

    def _call(self, caller: int) -> None:
        """Submit, wait for the end, submit the next one; a submit is repeated until it has its answer."""
        number = 0
        with Client(self.url) as client:
            while not self._over.is_set():
                number += 1
                try:
                    job = self._submitted(client, f"{self.port}-{caller}-{number}")
                    while not self._over.is_set() and not self._ended(client, job):
                        time.sleep(0.2)
                except Exception as error:
                    self.complaints.append(f"caller {caller}, submit {number}: {error!r}")
                    return

    def _submitted(self, client: Client, key: str) -> str:
        self.open_keys.add(key)
        while True:
            try:
                job = client.submit(company_urls=self.urls, idempotency_key=key).id
            except ApiError as error:
                _must_be_passing(error)
                time.sleep(0.2)
                continue
            self.answers[key] = job
            self.open_keys.discard(key)
            return job

    def _ended(self, client: Client, job: str) -> bool:
        try:
            return client.status(job).status in TERMINAL
        except ApiError as error:
            _must_be_passing(error)
            return False


def _must_be_passing(error: ApiError) -> None:
    """No answer, or one that says to come again; a refusal (400, or 404 of an accepted job) is raised."""
    if error.status and error.status < 500 and error.status != 429:
        raise error
