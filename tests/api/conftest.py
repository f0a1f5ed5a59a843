"""A real server, the real application, and a worker played by hand so that every state can be reached."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from cli.child import python_command
from data import keys
from data.jobs import Grant, JobStore
from data.lake import Lake, UnitFiles
from leadmill.ids import company_id
from leadmill.settings import Settings
from pipelines.stages import close_steps
from tests.api.contract import ContractClient
from tests.valkey import Valkey as Server
from tests.valkey import free_port

V1 = "/api/v1"


class Valkey(Server):
    """A server that keeps nothing, and a client of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, aof=False)
        self.start()
        self.client: redis.Redis = redis.Redis.from_url(self.url, decode_responses=True)

    def stop(self) -> None:
        self.client.close()
        super().stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
def settings(valkey: Valkey, tmp_path: Path) -> Settings:
    valkey.client.flushall()
    return Settings(redis_url=valkey.url, data_url=str(tmp_path / "var"), celery_broker_url=None)


@pytest.fixture
def store(settings: Settings) -> Iterator[JobStore]:
    found = JobStore.connect(settings.redis_url, settings.key_prefix)
    yield found
    found.redis.close()


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.data_dir)


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with ContractClient(app, "http://localhost", raise_server_exceptions=False) as found:
        yield found


class Worker:
    """Does to the record what workers do, without their work."""

    def __init__(self, store: JobStore, lake: Lake) -> None:
        self.store, self.lake = store, lake
        #: Of each queue: no job waits for another's turn.
        self.places = 100

    def begin(self, job_id: str, unit: str, index: int = 0) -> Grant:
        if unit == "launch":
            window = dict.fromkeys(("scraping", "processing"), self.places)
            self.store.redis.hset(self.store.key(keys.WINDOW), mapping=window)
        grant = self.store.begin(job_id, unit, 0, index, "test:1")
        assert isinstance(grant, Grant), grant
        return grant

    def commit(self, job_id: str, unit: str, index: int = 0, **what: Any) -> Grant:
        grant = self.begin(job_id, unit, index)
        answer = self.store.commit(grant, **what)
        assert answer.refused is None
        return grant

    def fail(self, job_id: str, unit: str, index: int = 0, *, final: bool = True, error: str = "boom") -> None:
        grant = self.begin(job_id, unit, index)
        limit = 1 if final else 9
        self.store.fail(grant, category="network", error=error, max=limit, base=60_000, cap=60_000, jitter=1.0)

    def launch(self, job_id: str, partitions: int = 2, formats: tuple[str, ...] = ("html", "csv")) -> None:
        record = self.store.read(job_id)
        assert record
        stages = tuple(record["stages"].split(","))
        close = ";".join(",".join(step) for step in close_steps(stages, formats))
        pn = partitions if record["ps"] else 0
        self.commit(job_id, "launch", fields={"pn": pn, "close": close, "w": 2, "nc": partitions})

    def partitions(self, job_id: str, *names: str) -> None:
        record = self.store.read(job_id)
        assert record
        for name in names:
            for index, _ in enumerate(record["ps"].split(",")):
                self.commit(job_id, name, index, rows_in=3, rows_out=2, errors=1)

    def finish(
        self, job_id: str, status: str = "completed", coverage: float = 1.0, result: dict[str, Any] | None = None
    ) -> None:
        """From a fresh job to its end."""
        self.launch(job_id)
        record = self.store.read(job_id)
        assert record
        if record["ps"]:
            self.partitions(job_id, "p0", "p1")
        record = self.store.read(job_id)
        assert record
        for step in record["close"].split(";")[:-1]:
            for unit in step.split(","):
                self.commit(job_id, unit, rows_out=4)
        self.publish(job_id, status, coverage, result)

    def publish(
        self, job_id: str, status: str = "completed", coverage: float = 1.0, result: dict[str, Any] | None = None
    ) -> None:
        doc = {"result": json.dumps(result or {"companies": 4})}
        self.commit(job_id, "publish", status=status, fields={"coverage": coverage}, doc=doc)

    def listen(self, *queues: str, node: str = "w1", processes: int = 2) -> None:
        about = {"queues": queues, "processes": processes, "pid": 1, "host": "here", "started": time.time()}
        about["form"] = keys.RECORD_VERSION
        self.store.call("claim", queued={f"{s}:{n}": True for s in ("launch", "scrape", "process") for n in range(6)},
                        node=node, about=json.dumps(about), limit=0)  # fmt: skip

    def rows(self, job_id: str, stage: str, domains: list[str], **columns: Any) -> None:
        """Public part files of a stage with one row a domain."""
        files = UnitFiles(self.lake, job_id, stage, "p0", 1)
        at = {"process": "processed_at", "enrich": "enriched_at", "score": "scored_at"}[stage]
        common = {at: datetime.now(UTC), **columns}
        files.write({"company_id": company_id(d), "domain": d, "url": f"https://{d}/", **common} for d in domains)
        self.lake.expose(job_id, stage, "p0", 1)

    def error_rows(self, job_id: str, stage: str, domains: list[str], scope: str = "company") -> None:
        files = UnitFiles(self.lake, job_id, stage, "p0", 1)
        rows = [
            {
                "company_id": company_id(d), "domain": d, "url": f"https://{d}/", "scope": scope, "stage": stage,
                "category": "network", "error": "refused", "at": datetime.now(UTC),
            }
            for d in domains
        ]  # fmt: skip
        files.write(rows, "errors")
        self.lake.expose(job_id, stage, "p0", 1)


@pytest.fixture
def worker(store: JobStore, lake: Lake) -> Worker:
    return Worker(store, lake)


def post(client: TestClient, path: str = "/pipelines", body: Any = None, **options: Any) -> dict[str, Any]:
    """Submit and give the accepted answer."""
    body = {"company_urls": ["acme.example"]} if body is None else body
    answer = client.post(V1 + path, json=body, **options)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def status(client: TestClient, job_id: str) -> dict[str, Any]:
    answer = client.get(f"{V1}/jobs/status/{job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def api(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The address of an API in a process of its own, whose log holds no trace at the end."""
    with running_api(settings, tmp_path) as url:
        yield url


@contextmanager
def running_api(settings: Settings, tmp_path: Path, **more: str) -> Iterator[str]:
    """The same, with further variables."""
    port = free_port()
    env = {
        "PATH": "/usr/bin:/bin", "REDIS_URL": settings.redis_url, "LEADMILL_DATA_URL": settings.data_url,
        "LEADMILL_LOG_LEVEL": "ERROR", **more,
    }  # fmt: skip
    with (
        (tmp_path / "api.log").open("wb") as log,
        subprocess.Popen(python_command("api", "127.0.0.1", str(port)), env=env, stdout=log, stderr=log) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 40
        try:
            while not _is_up(url):
                assert time.monotonic() < until, "the API did not come up"
                time.sleep(0.05)
            yield url
        finally:
            process.kill()
    assert "Traceback" not in (tmp_path / "api.log").read_text()


def _is_up(url: str) -> bool:
    try:
        return httpx2.get(url + "/healthz", timeout=10, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
