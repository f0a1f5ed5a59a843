"""Two thousand of each thing that a client can hold open, against a real API process: others are served, memory stays,
and when they are gone everything is free again."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from cli.child import python_command
from data.jobs import JobStore
from leadmill.settings import Settings
from tests.api.conftest import V1
from tests.valkey import free_port

MANY = 2_000
HEAD = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(autouse=True)
def _files() -> Iterator[None]:
    """Sockets of one kind at a time, both ends counted apart: this process holds `MANY`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY + 500
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def api(settings: Settings, tmp_path: Path) -> Iterator[tuple[psutil.Process, str]]:
    port = free_port()
    env = {
        "PATH": "/usr/bin:/bin", "REDIS_URL": settings.redis_url, "LEADMILL_DATA_URL": settings.data_url,
        "LEADMILL_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    log = (tmp_path / "api.log").open("wb")
    # As most shells do: 1,024 files, and more when a process asks for them.
    command = ["sh", "-c", 'ulimit -S -n 1024; exec "$@"', "sh", *python_command("api", "127.0.0.1", str(port))]
    with subprocess.Popen(command, env=env, stdout=log, stderr=log) as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: ask(url, "GET", "/healthz") == 200, 40)
        yield psutil.Process(process.pid), url
        process.kill()
    log.close()


def until(true: Callable[[], bool], timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def ask(url: str, method: str, path: str, **options: Any) -> int:
    """The status of one call on a connection of its own; 0 without an answer."""
    try:
        return httpx2.request(method, url + path, timeout=10, trust_env=False, **options).status_code
    except httpx2.TransportError:
        return 0


def all_routes_answer(url: str, job_id: str) -> None:
    assert ask(url, "GET", "/healthz") == 200
    assert ask(url, "GET", f"{V1}/jobs/status/{job_id}") == 200
    assert ask(url, "GET", f"{V1}/jobs/list") == 200
    assert ask(url, "GET", f"{V1}/jobs/statistics") == 200
    assert ask(url, "GET", f"{V1}/companies") == 200
    assert ask(url, "POST", f"{V1}/pipelines", json={"company_urls": ["a.example"]}) == 202
    assert ask(url, "POST", f"{V1}/pipelines", files={"file": ("a.csv", b"url\nb.example\n")}) == 202


def hold(port: int, data: bytes) -> list[socket.socket]:
    held = []
    for _ in range(MANY):
        peer = socket.create_connection(("127.0.0.1", port), timeout=10)
        held.append(peer)
        try:
            peer.sendall(data)
        except OSError:
            continue  # it was among those that gave way already
    return held


@pytest.mark.timeout(180)
def test_two_thousand_of_each(api: tuple[psutil.Process, str], store: JobStore) -> None:
    process, url = api
    port = int(url.rpartition(":")[2])
    answer = httpx2.post(f"{url}{V1}/pipelines", json={"company_urls": ["a.example"]}, trust_env=False)
    job_id = answer.json()["job_id"]
    stream = f"GET {V1}/jobs/{job_id}/events HTTP/1.1\r\n{HEAD}\r\n"
    kinds = {
        "idle connections": "",
        "half headers": f"GET /healthz HTTP/1.1\r\n{HEAD}x: {'y' * 20_000}",
        "half bodies": f"POST {V1}/pipelines HTTP/1.1\r\n{HEAD}Content-Length: 400000\r\n\r\n{' ' * 100_000}",
        "event streams": stream,
    }
    for _ in range(3):
        all_routes_answer(url, job_id)
    base, files = process.memory_info().rss, process.num_fds()
    for name, data in kinds.items():
        held = hold(port, data.encode())
        for _ in range(3):
            all_routes_answer(url, job_id)
        rss, open_files = process.memory_info().rss, process.num_fds()
        print(f"{name}: {rss / base:.2f} x {base >> 20} MB, {open_files} files", file=sys.stderr)
        assert rss < 1.5 * base, name
        assert open_files < 1_300, name
        for peer in held:
            peer.close()
        # What stays is the pool of connections to Redis: at most one for each of the 40 threads that answer calls.
        until(lambda: process.num_fds() < files + 60, 20)
        all_routes_answer(url, job_id)
    with httpx2.stream("GET", f"{url}{V1}/jobs/{job_id}/events", timeout=10, trust_env=False) as again:
        assert again.status_code == 200, "the seats are free again"


@pytest.mark.timeout(120)
def test_headers_without_end_cost_no_memory(api: tuple[psutil.Process, str]) -> None:
    process, url = api
    base = process.memory_info().rss
    for ending in (b"", b"\r\na: "):
        peers = [socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) for _ in range(20)]
        for _ in range(100):
            for peer in peers:
                try:
                    peer.sendall(b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000 + ending)
                except OSError:
                    continue
        assert process.memory_info().rss < 1.5 * base
        for peer in peers:
            peer.close()
    assert ask(url, "GET", "/healthz") == 200
