"""Schemathesis against a real API process on a real server: what the OpenAPI document allows is taken, what it forbids
is refused, and every answer is one that it names. What is left out, and why: `schemathesis.toml` beside this file.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cli.child import python_command
from leadmill.settings import Settings
from tests.api.conftest import V1, Worker
from tests.valkey import free_port

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
#: The same run each time. Its phase `coverage` (each bound of each field) takes minutes, and is not run here.
SEED = 20_270_131
EXAMPLES = 2


@pytest.fixture
def api(settings: Settings, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    env = {
        "PATH": "/usr/bin:/bin", "REDIS_URL": settings.redis_url, "LEADMILL_DATA_URL": settings.data_url,
        "LEADMILL_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    with (
        (tmp_path / "api.log").open("wb") as log,
        subprocess.Popen(python_command("api", "127.0.0.1", str(port)), env=env, stdout=log, stderr=log) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 40
        while not is_up(url):
            assert time.monotonic() < until, "the API did not come up"
            time.sleep(0.05)
        yield url
        process.kill()
    assert "Traceback" not in (tmp_path / "api.log").read_text()


def is_up(url: str) -> bool:
    try:
        return httpx2.get(url + "/healthz", timeout=10, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def known_job(url: str, worker: Worker) -> str:
    """An ended job with rows and errors, for calls that name one."""
    answer = httpx2.post(f"{url}{V1}/pipelines", json={"company_urls": ["acme.example"]}, trust_env=False)
    job = str(answer.json()["job_id"])
    worker.finish(job)
    worker.rows(job, "score", ["acme.example", "other.example"], score=50.0, tier="A")
    worker.error_rows(job, "scrape", ["lost.example"])
    return job


def test_the_api_is_as_its_document_says(api: str, worker: Worker, tmp_path: Path) -> None:
    worker.listen("scraping", "processing", "analytics", "maintenance")
    configuration = tmp_path / "schemathesis.toml"
    text = CONFIGURATION.read_text().replace("JOB_ID", known_job(api, worker))
    configuration.write_text(text)
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run", f"{api}{V1}/openapi.json",
        "--phases", "examples,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED),
        "--no-shrink",
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=110, check=False)
    told = "\n".join(line[:400] for line in (found.stdout + found.stderr).splitlines())
    assert found.returncode == 0, told[:20_000]
