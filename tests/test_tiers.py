"""The tiers: which test is of which, and what a fast one may not do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.stack

TESTS = """
import contextlib, socket, subprocess, sys, threading
import pytest

def test_plain(): pass

def test_process(): subprocess.run([sys.executable, "-c", ""])

def test_connection_whose_fault_is_swallowed():
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9))

def test_server_in_a_thread():
    thread = threading.Thread(target=lambda: socket.socket().bind(("127.0.0.1", 0)))
    thread.start()
    thread.join()

@pytest.fixture
def started(): subprocess.run([sys.executable, "-c", ""])

def test_by_a_fixture_of_its_own(started): pass

@pytest.fixture
def valkey(): subprocess.run([sys.executable, "-c", ""])

def test_by_a_known_fixture(valkey): pass

@pytest.mark.stack
def test_marked(): subprocess.run([sys.executable, "-c", ""])

def test_next_to_it(): pass
"""


def outcomes(folder: Path, *options: str) -> dict[str, str]:
    (folder / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.tiers", "-p", "no:cacheprovider", "-rA", *options, "."]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    found = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    told = re.findall(r"^(PASSED|FAILED|ERROR) test_some\.py::test_(\w+)", found.stdout, re.MULTILINE)
    assert told, found.stdout + found.stderr
    return {name: outcome.lower() for outcome, name in told}


def test_a_fast_test_that_starts_something_fails(tmp_path: Path) -> None:
    assert outcomes(tmp_path) == {
        "plain": "passed",
        "process": "failed",
        "connection_whose_fault_is_swallowed": "failed",
        "server_in_a_thread": "failed",
        "by_a_fixture_of_its_own": "error",
        "by_a_known_fixture": "passed",
        "marked": "passed",
        "next_to_it": "passed",
    }


def test_a_tier_is_chosen_by_its_name(tmp_path: Path) -> None:
    assert set(outcomes(tmp_path, "-m", "stack")) == {"by_a_known_fixture", "marked"}
    assert not {"by_a_known_fixture", "marked"} & set(outcomes(tmp_path, "-m", "fast"))


SHARING = """
import os
import pytest

@pytest.fixture(scope="session")
def spine(): pass

@pytest.fixture(scope="module")
def server(): pass

@pytest.mark.parametrize("n", range(4))
def test_of_a_module(n, server): print("process", os.environ["PYTEST_XDIST_WORKER"], "module", __name__, "!")

@pytest.mark.parametrize("n", range(4))
def test_of_a_stack(n, spine): print("process", os.environ["PYTEST_XDIST_WORKER"], "spine !")
"""


def test_what_a_module_or_a_session_starts_is_started_by_one_process_alone(tmp_path: Path) -> None:
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(SHARING)
    command = [sys.executable, "-m", "pytest", "-p", "tests.tiers", "-p", "no:cacheprovider", "-n", "2"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    env = {name: value for name, value in env.items() if not name.startswith("PYTEST_")}
    run = [*command, "--dist", "loadgroup", "-rP", "."]
    found = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    told = re.findall(r"^process (\w+) (module \w+|spine) !$", found.stdout, re.MULTILINE)
    assert len(told) == 16, found.stdout + found.stderr
    assert len(set(told)) == 3, set(told)
