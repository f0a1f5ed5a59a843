"""docs/team.md: what a newcomer types does what the page says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import SampleServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/team.md").read_text()
pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def test_three_keys_of_three_roles_and_two_projects(sites: SampleServer, tmp_path: Path) -> None:
    marked = PAGE.partition("is run by tests/deploy/test_team.py. -->")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", marked, re.DOTALL)
    assert len(blocks) == 6
    with LocalStack(tmp_path / "data", workers=2, api_port=0, env={"LEADMILL_HTTP_PROXY": sites.url}) as stack:
        script = 'set -euo pipefail\ncurl() { command curl --noproxy "*" --fail-with-body -S "$@"; }\n'
        # Each process of the API looks at the keys once a second.
        blocks[0] += "sleep 1.5\n"
        blocks[-1] = blocks[-1].replace('anna.key)"\n', 'anna.key)"\nsleep 1.5\n')
        script += "\n".join(blocks).replace("http://127.0.0.1:8000", stack.api_url)
        env = {**os.environ, "LEADMILL_DATA_URL": str(stack.data_dir)}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False
        )
    assert done.returncode == 0, f"{done.stdout[-3_000:]}\n{done.stderr}"
    assert "nordwind-solar.example" in (tmp_path / "leads.csv").read_text()
    for said in ("the board may not", "not a job of this project", "revoked"):
        assert said in done.stdout.splitlines(), said
    keys = {name: (tmp_path / f"{name}.key").read_text().strip() for name in ("ops", "anna", "board")}
    told = done.stdout + done.stderr
    assert not any(key[12:] in told for key in keys.values()), "a key is printed once, into its file"
    job = (tmp_path / "job.txt").read_text().strip()
    assert told.count(job) >= 3, "also in the list by curl, and in the audit"
    assert "403" in told and "5000" in re.sub("[,\u202f ]", "", told)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.glob("*.key")} == {0o600}
