"""The Dockerfile keeps its rules, and the wheel that it installs holds everything that runs need."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
LAST_STAGE = INSTRUCTIONS[max(i for i, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]


def of(word: str, instructions: list[list[str]] = INSTRUCTIONS) -> list[str]:
    return [rest for name, rest in instructions if name == word]


def test_installs_the_lock_with_hashes_and_not_as_root() -> None:
    before = DOCKERFILE.partition("pip install --require-hashes -r requirements.lock")[0]
    assert before != DOCKERFILE
    assert "USER leadmill" in before
    assert "--no-index" in DOCKERFILE.partition("--no-deps")[2].splitlines()[0], "our own wheel brings nothing along"


def test_runs_as_an_ordinary_user_in_exec_form() -> None:
    assert of("USER", LAST_STAGE) == ["leadmill"]
    (command,) = of("CMD", LAST_STAGE)
    assert isinstance(json.loads(command), list)


def test_python_is_one_that_we_support() -> None:
    (version,) = re.findall(r"^ARG PYTHON=(\d+\.\d+)$", DOCKERFILE, re.MULTILINE)
    assert tuple(map(int, version.split("."))) >= (3, 11)
    assert all("python:${PYTHON}-slim" in image for image in of("FROM"))


def test_what_is_copied_exists_and_is_let_through() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*", "what is not named stays out: .venv, var, .git, .env"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        word for line in of("COPY") if "--from=" not in line for word in line.split()[:-1] if not word.startswith("--")
    }
    assert copied <= allowed
    assert all((ROOT / name).exists() for name in copied)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())


PACKAGES = ("leadmill", "data", "pipelines", "reports", "tasks", "api", "cli")


def test_wheel_holds_every_file_of_the_packages(wheel: set[str]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PACKAGES],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        wanted = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    else:  # an unpacked archive
        files = (file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file())
        wanted = {str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts}
    assert len(wanted) > 100
    assert wanted <= wheel
    for kind in ("*.lua", "*.toml", "*.j2", "*.css", "*.html"):
        assert fnmatch.filter(wheel, kind), kind


def test_wheel_holds_nothing_else(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
