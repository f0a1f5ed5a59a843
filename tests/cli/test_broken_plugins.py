"""A plug-in that cannot be loaded stops a process before it begins, with one line that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.stack
@pytest.mark.parametrize("group", ["leadmill.enrichers", "leadmill.report_formats", "leadmill.stages"])
def test_it_is_named_in_one_line(tmp_path: Path, group: str) -> None:
    installed = tmp_path / "acme-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[{group}]\nbroken = acme_broken:BROKEN\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "LEADMILL_DATA_URL": str(tmp_path / "var")}
    told = f"entry point 'broken' of {group} (acme_broken:BROKEN): cannot be imported"
    for command in (["-m", "cli.main", "worker"], ["-m", "cli.child", "celery", "beat"]):
        done = subprocess.run(
            [sys.executable, "-P", *command], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        [line] = (line for line in done.stderr.splitlines() if told in line)
        assert line.startswith("error: ")
