"""Schemathesis against a real API process on a real server: what the OpenAPI document allows is taken, what it forbids
is refused, and every answer is one that it names. What is left out, and why: `schemathesis.toml` beside this file.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx2

from data.api_keys import KeyRegistry
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import V1, Worker

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
#: The same run each time.
SEED = 20_270_131
EXAMPLES = 2


def known_job(url: str, worker: Worker) -> str:
    """An ended job with rows and errors, for calls that name one."""
    answer = httpx2.post(f"{url}{V1}/pipelines", json={"company_urls": ["acme.example"]}, trust_env=False)
    job = str(answer.json()["job_id"])
    worker.finish(job)
    worker.rows(job, "score", ["acme.example", "other.example"], score=50.0, tier="A")
    worker.error_rows(job, "scrape", ["lost.example"])
    return job


def asks_for_a_key(url: str, settings: Settings) -> str:
    """The header with the key of an admin, once the API asks for one: fuzzed calls make keys, too."""
    secret = KeyRegistry(settings.data_dir).create("schemathesis", Role.ADMIN)[1]
    until = time.monotonic() + 30
    while httpx2.get(f"{url}{V1}/keys", trust_env=False).status_code != 401:
        assert time.monotonic() < until
        time.sleep(0.05)
    return f"Authorization: Bearer {secret}"


def test_the_api_is_as_its_document_says(api: str, worker: Worker, settings: Settings, tmp_path: Path) -> None:
    worker.listen("scraping", "processing", "analytics", "maintenance")
    configuration = tmp_path / "schemathesis.toml"
    text = CONFIGURATION.read_text().replace("JOB_ID", known_job(api, worker))
    configuration.write_text(text)
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run", f"{api}{V1}/openapi.json",
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED),
        "--no-shrink", "--header", asks_for_a_key(api, settings),
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=170, check=False)
    told = "\n".join(line[:400] for line in (found.stdout + found.stderr).splitlines())
    assert found.returncode == 0, told[:20_000]
