"""Schemathesis against a real API process on a real server: what the OpenAPI document allows is taken, what it forbids
is refused, and every answer is one that it names. What is left out, and why: `schemathesis.toml` beside this file.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx2

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


def test_the_api_is_as_its_document_says(api: str, worker: Worker, tmp_path: Path) -> None:
    worker.listen("scraping", "processing", "analytics", "maintenance")
    configuration = tmp_path / "schemathesis.toml"
    text = CONFIGURATION.read_text().replace("JOB_ID", known_job(api, worker))
    configuration.write_text(text)
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run", f"{api}{V1}/openapi.json",
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED),
        "--no-shrink",
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=170, check=False)
    told = "\n".join(line[:400] for line in (found.stdout + found.stderr).splitlines())
    assert found.returncode == 0, told[:20_000]
