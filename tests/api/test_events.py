"""Event streams on a real server: ids, resuming, heartbeat, the end of a job and of the server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from api import event_hub, event_stream
from api.connections import Limits, bounded
from data.api_keys import KeyRegistry
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import V1, Worker
from tests.valkey import free_port


class Server(uvicorn.Server):
    """Uvicorn in a thread, within the limits given."""

    def __init__(self, app: FastAPI, limits: Limits | None = None) -> None:
        self.port = free_port()
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_level="warning", http=bounded(limits), ws="none"
        )
        super().__init__(config)
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        while not self.started:
            assert self._thread.is_alive()
            time.sleep(0.01)

    def stop(self, *, at_once: bool = True) -> None:
        """`at_once`: without the end of the application's own life."""
        self.should_exit, self.force_exit = True, at_once
        self._thread.join(10)


@pytest.fixture
def server(app: FastAPI) -> Iterator[Server]:
    found = Server(app)
    yield found
    found.stop()


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=15, trust_env=False) as client:
        yield client


class Stream:
    """One open stream, read in a thread."""

    def __init__(self, http: httpx2.Client, job_id: str, after: str | None = None, *, path: str = "") -> None:
        self.events: list[tuple[str, str, Any]] = []
        self.comments = 0
        self.ended = threading.Event()
        self.status = 0
        self._headers = {"Last-Event-ID": after} if after else {}
        self._http, self._path = http, path or f"{V1}/jobs/{job_id}/events"
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            with self._http.stream("GET", self._path, headers=self._headers) as answer:
                self.status = answer.status_code
                for line in answer.iter_lines():
                    if line.startswith(":"):
                        self.comments += 1
                    elif line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    elif "data" in fields:
                        self.events.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
                        fields = {}
        except httpx2.TransportError:
            pass
        self.ended.set()

    def wait(self, kind: str, timeout_s: float = 5.0, **data: Any) -> tuple[str, str, Any]:
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            for event in list(self.events):
                if event[1] == kind and data.items() <= event[2].items():
                    return event
            time.sleep(0.01)
        raise AssertionError(f"no event {kind} {data} in {self.events}")


def until(true: Callable[[], bool], timeout_s: float = 3.0) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def submit(http: httpx2.Client) -> str:
    answer = http.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]})
    return str(answer.json()["job_id"])


def test_stream_follows_a_job_to_its_end(http: httpx2.Client, worker: Worker) -> None:
    job_id = submit(http)
    streams = [Stream(http, job_id) for _ in range(3)]
    for stream in streams:
        stream.wait("status", status="pending")
    worker.finish(job_id)
    for stream in streams:
        stream.wait("status", status="running")
        stream.wait("status", status="completed")
        assert stream.ended.wait(3)
        ids = [event_stream.order(event[0]) for event in stream.events]
        assert ids == sorted(set(ids)), "each event once, in order"
    assert streams[0].events == streams[1].events == streams[2].events
    kinds = {event[1] for event in streams[0].events}
    assert kinds == {"status", "stage", "progress"}


def test_resume_by_last_event_id(http: httpx2.Client, worker: Worker) -> None:
    job_id = submit(http)
    worker.launch(job_id)
    first = Stream(http, job_id)
    seen = first.wait("status", status="running")
    at = first.events.index(seen)
    later = Stream(http, job_id, after=seen[0])
    worker.partitions(job_id, "p0")
    later.wait("stage", stage="enrich")
    first.wait("stage", stage="enrich")
    time.sleep(0.1)
    assert later.events == first.events[at + 1 :]
    worker.store.cancel(job_id)
    assert first.ended.wait(3) and later.ended.wait(3)
    assert later.events[-1][2] == {"status": "cancelled"}


def test_stream_of_a_job_that_ended_before(http: httpx2.Client, worker: Worker) -> None:
    job_id = submit(http)
    worker.finish(job_id)
    whole = Stream(http, job_id)
    assert whole.ended.wait(3) and whole.events[-1][2] == {"status": "completed"}
    rest = Stream(http, job_id, after=whole.events[-1][0])
    assert rest.ended.wait(3)
    assert [event[2] for event in rest.events] == [{"status": "completed"}]
    worker.store.redis.delete(worker.store.key(f"ev:{job_id}"))
    forgotten = Stream(http, job_id)
    assert forgotten.ended.wait(3)
    assert [event[2] for event in forgotten.events] == [{"status": "completed"}]


def test_a_resumed_job_is_followed_past_its_old_end(http: httpx2.Client, worker: Worker) -> None:
    job_id = submit(http)
    worker.store.cancel(job_id)
    worker.store.resume(job_id)
    stream = Stream(http, job_id)
    stream.wait("status", status="cancelled")
    worker.launch(job_id)
    stream.wait("status", status="running")
    assert not stream.ended.is_set()


def test_silent_streams_say_that_they_live(http: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.1)
    stream = Stream(http, submit(http))
    stream.wait("status", status="pending")
    time.sleep(0.6)
    assert stream.comments >= 3 and not stream.ended.is_set()


def test_viewers_cost_redis_one_connection(http: httpx2.Client, worker: Worker, server: Server) -> None:
    job_id = submit(http)
    streams = [Stream(http, job_id) for _ in range(20)]
    for stream in streams:
        stream.wait("status", status="pending")
    time.sleep(0.5)
    before = worker.store.redis.info("stats")["total_commands_processed"]
    time.sleep(1.0)
    spent = worker.store.redis.info("stats")["total_commands_processed"] - before
    assert spent < 15, f"{spent} commands in a second of silence"
    worker.store.cancel(job_id)
    assert all(stream.ended.wait(3) for stream in streams)


def test_bad_ids(http: httpx2.Client) -> None:
    answer = http.get(f"{V1}/jobs/job_{'0' * 20}/events")
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"
    answer = http.get(f"{V1}/jobs/{submit(http)}/events", headers={"Last-Event-ID": "x"})
    assert (answer.status_code, answer.json()["field"]) == (422, "Last-Event-ID")


def test_streams_over_the_limit_are_refused_and_seats_come_free(
    http: httpx2.Client, monkeypatch: pytest.MonkeyPatch, worker: Worker
) -> None:
    monkeypatch.setattr(event_hub, "MAX_STREAMS_PER_CLIENT", 3)
    job_id = submit(http)
    streams = [Stream(http, job_id) for _ in range(3)]
    for stream in streams:
        stream.wait("status", status="pending")
    answer = http.get(f"{V1}/jobs/{job_id}/events")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.setattr(event_hub, "MAX_STREAMS", 3)
    monkeypatch.setattr(event_hub, "MAX_STREAMS_PER_CLIENT", 9)
    answer = http.get(f"{V1}/jobs/{job_id}/events")
    assert (answer.status_code, answer.json()["code"], "retry-after" in answer.headers) == (503, "unavailable", True)
    assert http.get(f"{V1}/jobs/status/{job_id}").status_code == 200
    worker.store.cancel(job_id)
    assert all(stream.ended.wait(3) for stream in streams)
    for _ in range(5):  # each ends by itself at once, and gives its seat back
        until(lambda: http.get(f"{V1}/jobs/{job_id}/events").status_code == 200)
    assert http.get(f"{V1}/jobs/job_{'0' * 20}/events").status_code == 404


def test_a_project_takes_no_seats_of_another_behind_the_same_address(
    http: httpx2.Client, app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = KeyRegistry(settings.data_dir)
    keys = [registry.create(name, Role.OPERATOR, name[:4])[1] for name in ("acme", "acme 2", "beta")]
    app.state.installation.keyring.look()
    body = {"company_urls": ["a.example"]}
    first, second, other = ({"X-API-Key": key} for key in keys)
    of_acme, of_beta = (
        f"{V1}/jobs/{http.post(f'{V1}/pipelines', json=body, headers=key).json()['job_id']}/events"
        for key in (first, other)
    )
    monkeypatch.setattr(event_hub, "MAX_STREAMS_PER_CLIENT", 1)
    with http.stream("GET", of_acme, headers=first) as taken:
        assert taken.status_code == 200
        assert http.get(of_acme, headers=second).status_code == 429
        with http.stream("GET", of_beta, headers=other) as free:
            assert free.status_code == 200
    app.state.installation.keyring.close()  # the server of this file leaves it; it would tell the next test's Redis


def test_shutdown_ends_streams_at_once(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "REDIS_URL": settings.redis_url, "LEADMILL_DATA_URL": settings.data_url}
    with subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "api.app:app", "--port", str(port), "--log-level", "warning"],
        env=environment,
    ) as process:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as http:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                try:
                    http.get("/healthz")
                    break
                except httpx2.TransportError:
                    time.sleep(0.05)
            stream = Stream(http, submit(http))
            stream.wait("status", status="pending")
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert stream.ended.wait(5)
            process.wait(10)
        assert time.monotonic() - start < 4
    assert process.returncode in (0, -signal.SIGTERM)
