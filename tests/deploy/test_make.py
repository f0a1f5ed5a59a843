"""What may be set behind a target of make has an effect, and what may not is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.stack


def make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What make would do, without doing it."""
    return subprocess.run(["make", "-n", *words], cwd=root, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["up", "PORT=9000"], "leadmill up --port 9000"),
        (["soak", "SECONDS=5"], "tests.faults.soak --seconds 5"),
        (["soak", "JOBS=50"], "LEADMILL_TEST_MANY_JOBS=50"),
        (["soak", "EXAMPLES=7"], "LEADMILL_TEST_EXAMPLES=7"),
        (["soak", "SENTINEL=1"], "tests.faults.failovers --times 200"),
        (["soak", "SENTINEL=1", "TIMES=5"], "tests.faults.failovers --times 5"),
        (["fuzz", "SECONDS=5"], "LEADMILL_TEST_FUZZ_SECONDS=5"),
        (["lock", "UPGRADE="], "--no-header  --quiet"),
        (["-B", "setup", "PYTHON=python9"], 'PYTHON="python9"'),
        (["coverage", "FLOOR=1"], "--fail-under=1 "),
        (["coverage", "FLOOR_PURE=2"], "--fail-under=2 "),
    ],
)
def test_a_variable_is_in_what_is_done(root: Path, words: list[str], told: str) -> None:
    assert told in make(root, *words).stdout


def test_a_variable_that_there_is_not(root: Path) -> None:
    refused = make(root, "up", "PROT=9000")
    assert refused.returncode == 2 and "no variable PROT; there are: PYTHON" in refused.stderr
