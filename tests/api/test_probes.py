"""A disk or a Redis that takes no writes: health, readiness, the health job and doctor name it and what mends it."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient

from api import probing
from api.app import create_app
from cli.doctor import data_files, servers
from data import probes
from data.jobs import JobStore
from leadmill.settings import Settings
from tests.api.conftest import Worker
from tests.valkey import Valkey

QUEUES = ("scraping", "processing", "analytics", "maintenance")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("refusing")) as running:
        yield running


@pytest.fixture
def answering(server: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """An API that looks anew at each call, over a stack in which every queue has a listener."""
    monkeypatch.setattr(probing, "KEPT_S", 0.0)
    redis.Redis.from_url(server.url).flushall()
    settings = Settings(REDIS_URL=server.url, data_url=str(tmp_path / "data"))
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        context = client.app.state.installation  # type: ignore[attr-defined]
        Worker(context.store, context.lake).listen(*QUEUES, node="all")
        yield client


def full(client: redis.Redis, server: Valkey) -> None:
    client.config_set("maxmemory", 1)


def replica(client: redis.Redis, server: Valkey) -> None:
    client.execute_command("REPLICAOF", "127.0.0.1", "1")


def too_few_replicas(client: redis.Redis, server: Valkey) -> None:
    client.config_set("min-replicas-to-write", 1)


def unable_to_save(client: redis.Redis, server: Valkey) -> None:
    (server.folder / "dump.rdb" / "in the way").mkdir(parents=True)
    client.config_set("save", "3600 1")
    client.bgsave()
    until = time.monotonic() + 20
    while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
        assert time.monotonic() < until
        time.sleep(0.02)


def mend(client: redis.Redis) -> None:
    for name, value in (
        ("maxmemory", 0),
        ("min-replicas-to-write", 0),
        ("save", ""),
        ("maxmemory-policy", "noeviction"),
    ):
        client.config_set(name, value)
    client.execute_command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize(
    ("fault", "what", "remedy"),
    [
        (full, "full", "CONFIG SET maxmemory"),
        (replica, "replica", "ROLE"),
        (too_few_replicas, "not saving", "min-replicas-to-write 0"),
        (unable_to_save, "not saving", "stop-writes-on-bgsave-error no"),
    ],
)
def test_a_redis_that_takes_no_writes(
    fault: Callable[[redis.Redis, Valkey], None], what: str, remedy: str, server: Valkey, answering: TestClient
) -> None:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    assert answering.get("/readyz").status_code == 200
    before = set(client.keys("*"))
    assert answering.get("/healthz").json()["status"] == "ok"
    assert set(client.keys("*")) == before, "a probe leaves nothing"
    fault(client, server)
    try:
        health = answering.get("/healthz")
        assert health.status_code == 200
        assert (health.json()["status"], health.json()["redis"], health.json()["disk"]) == ("fail", what, "ok")
        assert remedy in health.json()["warnings"][0]
        ready = answering.get("/readyz")
        assert ready.status_code == 503 and remedy in ready.json()["detail"]
        found = probes.redis_fault(client, "leadmill:", server.url)
        assert found is not None and found.what == what and found.remedy.startswith(f"redis-cli -u {server.url} ")
        doctor = [line for line in servers.redis_answers(Path("/nonexistent")) if line.level == "fail"]
        assert doctor, "doctor says ok"
    finally:
        mend(client)
    assert answering.get("/healthz").json()["status"] == "ok"
    assert answering.get("/readyz").status_code == 200


@pytest.fixture(autouse=True)
def _doctor_looks_at_this_server(server: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)


@pytest.mark.parametrize(
    ("number", "what", "remedy"),
    [
        (errno.ENOSPC, "full", "df -h"),
        (errno.EDQUOT, "quota", "quota -s"),
        (errno.EROFS, "read-only", "remount,rw"),
        (errno.EACCES, "unwritable", "ls -ld"),
        (errno.EIO, "broken", "dmesg"),
    ],
)
def test_a_disk_that_takes_no_writes(
    number: int, what: str, remedy: str, answering: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    assert answering.get("/healthz").json()["disk"] == "ok"
    monkeypatch.setattr(os, "fsync", refuse)
    health = answering.get("/healthz").json()
    assert (health["status"], health["disk"], health["redis"]) == ("fail", what, "ok")
    assert remedy in health["warnings"][0] and str(tmp_path) in health["warnings"][0]
    ready = answering.get("/readyz")
    assert ready.status_code == 503 and os.strerror(number) in ready.json()["detail"]
    [doctor] = list(data_files.data_folder(tmp_path / "data"))
    assert what == "unwritable" or (doctor.level == "fail" and remedy in (doctor.remedy or ""))
    monkeypatch.undo()


def test_little_space_is_a_warning(answering: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=400_000_000)
    monkeypatch.setattr(probes.shutil, "disk_usage", lambda path: usage)
    health = answering.get("/healthz").json()
    assert health["status"] == "warn" and "0.4 GB" in health["warnings"][0] and health["disk_free_bytes"] == usage.free


def test_a_disk_that_hangs_holds_up_one_request(answering: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answering.get("/healthz").json()["status"] == "ok"
    held, go_on = threading.Event(), threading.Event()

    def hang(fd: int) -> None:
        held.set()
        go_on.wait(30)

    monkeypatch.setattr(os, "fsync", hang)
    monkeypatch.setattr(probing, "HANGS_S", 600)
    first: list[Any] = []
    caller = threading.Thread(target=lambda: first.append(answering.get("/healthz").json()))
    caller.start()
    assert held.wait(10)
    assert answering.get("/healthz").json()["status"] == "ok", "what was seen a moment ago"
    monkeypatch.setattr(probing, "HANGS_S", 0)
    health = answering.get("/healthz").json()
    assert (health["status"], health["disk"]) == ("fail", "hangs")
    assert answering.get("/readyz").status_code == 503
    go_on.set()
    caller.join(10)
    assert first and first[0]["status"] == "ok"


@pytest.mark.parametrize("key", ["seq", "due", "lake", "idx:s:pending", "idx:k:pipeline", "hist:scrape", "critical"])
def test_a_key_that_all_jobs_share_is_written_over(client: TestClient, store: JobStore, key: str) -> None:
    """Submits are refused or workers stand still: no health that says ok."""
    name = store.key(key)
    store.redis.delete(name)
    store.redis.sadd(name, "planted")
    health = client.get("/healthz").json()
    assert (health["status"], health["redis"]) == ("fail", "damaged")
    assert f"key {name} " in health["warnings"][0] and f"RENAME {name} {name}.damaged" in health["warnings"][0]
    assert name in client.get("/readyz").json()["detail"]
    store.redis.rename(name, f"{name}.damaged")
    time.sleep(probing.KEPT_S)
    assert client.get("/healthz").json()["redis"] == "ok"
