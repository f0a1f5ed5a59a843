"""A hundred callers at once get what a quota leaves and no more, though the API is killed between them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from cli.child import python_command
from data.jobs import JobStore
from data.jobs.usage import used
from leadmill.settings import Settings
from tests.api.conftest import V1
from tests.valkey import free_port

CALLERS, QUOTA = 100, 10


@contextmanager
def serving(settings: Settings, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        "PATH": "/usr/bin:/bin",
        "REDIS_URL": settings.redis_url,
        "LEADMILL_DATA_URL": settings.data_url,
        "LEADMILL_QUOTA_COMPANIES_PER_DAY": str(QUOTA),
        "LEADMILL_LOG_LEVEL": "ERROR",
    }
    with (
        log.open("ab") as file,
        subprocess.Popen(python_command("api", "127.0.0.1", str(port)), env=env, stdout=file, stderr=file) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def test_a_hundred_at_once_and_a_killed_api(settings: Settings, store: JobStore, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "api.log"
    url = f"http://127.0.0.1:{port}{V1}/pipelines"
    some_answered = threading.Event()
    answered: list[int] = []

    client = httpx2.Client(trust_env=False, timeout=20, limits=httpx2.Limits(max_connections=CALLERS))

    def submit(number: int) -> tuple[int, str]:
        """Until it is answered; a repeat is the same request."""
        body, key = {"company_urls": [f"c{number}.example"]}, {"Idempotency-Key": f"k{number}"}
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                answer = client.post(url, json=body, headers=key)
            except httpx2.TransportError:
                time.sleep(0.2)
                continue
            answered.append(number)
            if len(answered) >= QUOTA // 2:
                some_answered.set()
            return answer.status_code, answer.json().get("job_id") or answer.json()["code"]
        raise AssertionError(log.read_text())

    with client, ExitStack() as processes:
        first = processes.enter_context(serving(settings, port, log))
        with ThreadPoolExecutor(CALLERS) as pool:
            asked = [pool.submit(submit, number) for number in range(CALLERS)]
            assert some_answered.wait(60), log.read_text()
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            processes.enter_context(serving(settings, port, log))
            answers = [one.result() for one in asked]
    accepted = {job for status, job in answers if status == 202}
    assert len(accepted) == QUOTA and {job for job, _ in store.ids("s:pending", limit=CALLERS)} == accepted
    assert [told for status, told in answers if status != 202] == ["quota_exceeded"] * (CALLERS - QUOTA)
    assert used(store) == {"companies": QUOTA, "live_jobs": QUOTA}
