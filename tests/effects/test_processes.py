"""What processes refuse at their start, by whichever command they are started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.settings_check import PROCESS_MB

pytestmark = pytest.mark.stack
#: No server is asked before these are refused.
NOWHERE = "redis://127.0.0.1:1/0"


def start(root: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "REDIS_URL": NOWHERE, "PYTHONPATH": str(root), **variables}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "cli.main", "worker", "-Q", "scrapping"],
        ["-m", "celery", "-A", "tasks.app", "worker", "-Q", "scrapping"],
        ["{root}/worker.py", "-Q", "scrapping"],
    ],
)
def test_a_worker_of_a_queue_that_there_is_not(root: Path, tmp_path: Path, command: list[str]) -> None:
    ended = start(root, tmp_path, *(word.format(root=root) for word in command))
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.strip().splitlines()[-1] == "error: -Q: no queue 'scrapping'; did you mean 'scraping'?"


def test_beat_refuses_a_mistyped_variable_where_nothing_is_overlooked(root: Path, tmp_path: Path) -> None:
    wrong = {"LEADMILL_RETENTON_DAYS": "5", "LEADMILL_STRICT": "1"}
    ended = start(root, tmp_path, "-m", "cli.main", "beat", **wrong)
    assert ended.returncode == 2, ended.stderr
    assert "did you mean LEADMILL_RETENTION_DAYS?" in ended.stderr.splitlines()[-1]


def test_a_process_of_all_queues_holds_what_is_told_of_it(root: Path, tmp_path: Path) -> None:
    """Forked from a worker's main process as it is before the first task."""
    look = (
        "from types import SimpleNamespace as N; import os, psutil; from tasks import app\n"
        "queues = N(consume_from=dict.fromkeys(['scraping', 'processing', 'analytics', 'maintenance']))\n"
        "app._preload(N(app=N(amqp=N(queues=queues))))\n"
        "if not os.fork(): print(psutil.Process().memory_info().rss // 1_000_000)\n"
        "else: os.wait()\n"
    )
    ended = start(root, tmp_path, "-c", look)
    assert PROCESS_MB * 0.6 < int(ended.stdout) < PROCESS_MB * 1.1, ended.stderr
