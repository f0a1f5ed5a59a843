"""The real command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def leadmill(tmp_path: Path) -> Callable[..., Ended]:
    """Run the real command in a folder of its own, with a clean environment."""

    def run(*arguments: str, env: dict[str, str] | None = None, timeout: float = 60) -> Ended:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADMILL_", "CELERY_", "REDIS_"))}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "cli.main", *arguments],
            check=False,
            cwd=tmp_path,
            env={**kept, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run
