"""A whole job in this process: the real application, record, lake and stages, without a worker's processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from data.jobs import HandOut, JobStore
from data.lake import Lake
from leadmill.settings import Settings, get_settings
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from pipelines.intake.control import resume
from pipelines.stages import STAGES, stage_of
from tasks.work import body_of
from tests.tasks.scraping.hostile_server import HostileServer
from tests.valkey import Valkey

V1 = "/api/v1"


class Mill:
    """Takes submissions over HTTP, and does their work at once."""

    def __init__(self, settings: Settings, http: TestClient) -> None:
        self.http = http
        self.store = JobStore.connect(settings.redis_url, settings.key_prefix)
        self.lake = Lake(settings.data_dir)
        self._outs: deque[HandOut] = deque()
        self._runtime = Runtime(settings, self.store, self.lake, self._outs.extend)

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer."""
        answer = self.http.post(V1 + path, json=body)
        return answer.status_code, answer.json()

    def run(self, path: str, body: dict[str, Any]) -> str:
        """Submit a job and do its work; its id."""
        job = self.submit(path, body)
        self.work(job)
        return job

    def submit(self, path: str, body: dict[str, Any]) -> str:
        """Submit a job; its id."""
        status, answer = self.post(path, body)
        assert status == 202, answer
        return str(answer["job_id"])

    def work(self, job: str) -> None:
        """Do the work of a job."""
        self._step(job, "launch", "launch", 0, 0)
        self._work_on()

    def resume(self, job: str) -> None:
        """Hand out again what is not done of a job, and do it."""
        resume(self.store, self.lake, self._outs.extend, job)
        self._work_on()

    def claim(self) -> None:
        """Do what has come due, as the reconciler has it done."""
        self._outs.extend(self.store.claim({}).send)
        self._work_on()

    def _work_on(self) -> None:
        while self._outs:
            out = self._outs.popleft()
            for index, stage in list(enumerate(out.stages or [out.stage]))[out.index :]:
                if not self._step(out.job_id, out.unit, stage, out.epoch, index):
                    break

    def rows(self, job: str, stage: str, kind: str = "rows") -> list[dict[str, Any]]:
        """What a stage of a job wrote."""
        folder = {"rows": stage, "errors": f"{stage}/errors"}.get(kind, kind)
        return list(self.lake.iter_rows(sorted((self.lake.job_dir(job) / folder).glob("part-*.parquet"))))

    def _step(self, job: str, unit: str, stage: str, epoch: int, index: int) -> bool:
        body = body_of(STAGES[stage] if stage in STAGES else stage_of(stage))
        return run_unit(self._runtime, body, job, unit, epoch, index, owner=f"mill:{index}", chained=False)


@pytest.fixture(scope="session")
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()
    yield server
    server.close()


@pytest.fixture
def server(hostile: HostileServer) -> HostileServer:
    hostile.asked.clear()
    return hostile


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment that settings are read from; they are read anew before and after."""
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()


@pytest.fixture
def open_mill(valkey: Valkey, tmp_path: Path, environment: pytest.MonkeyPatch) -> Iterator[Callable[..., Mill]]:
    """Makes a mill under settings: `open_mill(LEADMILL_ALLOW_USER_AGENT="1")`."""
    with ExitStack() as stack:

        def make(**variables: str) -> Mill:
            own = {
                "REDIS_URL": valkey.url,
                "LEADMILL_KEY_PREFIX": f"{tmp_path.name}:",
                "LEADMILL_DATA_URL": str(tmp_path / "var"),
                "LEADMILL_EGRESS_ALLOW": "127.0.0.0/8",
            }
            for name, value in {**own, **variables}.items():
                environment.setenv(name, value)
            get_settings.cache_clear()
            settings = get_settings()
            http = TestClient(create_app(settings), "http://localhost", raise_server_exceptions=False)
            mill = Mill(settings, stack.enter_context(http))
            stack.callback(mill.store.redis.close)
            return mill

        yield make


@pytest.fixture
def mill(open_mill: Callable[..., Mill]) -> Mill:
    """One under settings that nobody has changed."""
    return open_mill()
