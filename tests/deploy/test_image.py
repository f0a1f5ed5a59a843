"""The Dockerfile keeps its rules, and the wheel that it installs holds everything that runs need."""

from __future__ import annotations

import fnmatch
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import leadmill

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
LAST_STAGE = INSTRUCTIONS[max(i for i, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]


def of(word: str, instructions: list[list[str]] = INSTRUCTIONS) -> list[str]:
    return [rest for name, rest in instructions if name == word]


def test_installs_the_lock_with_hashes_and_not_as_root() -> None:
    runs = [
        line for line in re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines() if line.startswith("RUN") and "pip" in line
    ]
    for line in runs:
        for call in line.split("&&"):
            if " install " in call or " wheel " in call:
                assert "--require-hashes -r" in call or "--no-index" in call, call
    assert "USER leadmill" in DOCKERFILE.partition("--require-hashes")[0]


def entries(path: str) -> dict[str, str]:
    """Each package of a lock, its markers and hashes."""
    found = re.split(r"^(?=[a-z0-9])", (ROOT / path).read_text(), flags=re.MULTILINE)
    return {entry.split(" ")[0]: " ".join(entry.split()) for entry in found if entry.strip()}


def test_the_image_takes_what_runs_and_nothing_else() -> None:
    """Of the lock exactly what our dependencies ask for, themselves or by others, here and on other platforms."""
    whole, runtime, build = (entries(f) for f in ("requirements.lock", "deploy/runtime.lock", "deploy/build.lock"))
    hashes = {name: set(re.findall(r"sha256:\w+", text)) for name, text in whole.items()}
    for name, text in {**runtime, **build}.items():
        assert set(re.findall(r"sha256:\w+", text)) == hashes[name], name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    asked_for = [*project["project"]["dependencies"], *(line for lines in extras for line in lines)]
    wanted, left = set(), [(Requirement(line), "") for line in asked_for]
    while left:
        asked, extra = left.pop()
        if asked.marker is not None and not asked.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(asked.name)
        if (name, *sorted(asked.extras)) in wanted:
            continue
        wanted.add((name, *sorted(asked.extras)))
        for line in importlib.metadata.requires(name) or ():
            left += [(Requirement(line), one) for one in ("", *asked.extras)]
    named = {name for name, *_ in wanted}
    installed = {canonicalize_name(dist.name) for dist in importlib.metadata.distributions()}
    locked = {entry.split("==")[0] for entry in runtime}
    assert named <= locked
    assert {name for name in locked if name in installed} <= named, "what is only for development stays out"
    assert "pytest" not in locked and "hatchling" in {entry.split("==")[0] for entry in build}
    assert "requirements.lock" not in DOCKERFILE


def test_runs_as_an_ordinary_user_in_exec_form() -> None:
    assert of("USER", LAST_STAGE) == ["leadmill"]
    (command,) = of("CMD", LAST_STAGE)
    assert isinstance(json.loads(command), list)


def test_python_is_one_that_we_support() -> None:
    (version,) = re.findall(r"^ARG PYTHON=(\d+\.\d+)$", DOCKERFILE, re.MULTILINE)
    assert tuple(map(int, version.split("."))) >= (3, 11)
    assert "ARG PYTHON_IMAGE=python:${PYTHON}-slim" in DOCKERFILE
    assert [image.split()[0] for image in of("FROM")] == ["${PYTHON_IMAGE}"] * 2, "one base, which may carry a digest"


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
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> set[str]:
    with zipfile.ZipFile(wheel_file) as archive:
        return set(archive.namelist())


PACKAGES = ("leadmill", "data", "pipelines", "reports", "extraction", "tasks", "api", "cli")


@pytest.mark.stack
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


@pytest.mark.stack
def test_wheel_has_the_version_that_is_said_once(wheel: set[str]) -> None:
    assert f"leadmill-{leadmill.__version__}.dist-info/METADATA" in wheel


@pytest.mark.stack
def test_wheel_holds_nothing_else(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


USER_SCRIPT = """
import asyncio
from leadmill import AsyncClient, Client, Job, Lead

with Client("http://127.0.0.1:8000") as client:
    handle = client.submit(["a.example"], priority="high", report={"formats": ["csv"]}, crawl={"max_pages": 3})
    job: Job = handle.wait(timeout=60)
    for lead in handle.leads():
        row: Lead = lead
        score: float | None = lead["score"]
        address: str = row["domain"]

async def main() -> int:
    async with AsyncClient() as client:
        handle = await client.submit(["a.example"], tags=["x"])
        return len([lead["emails"] async for lead in handle.leads()])

count: int = asyncio.run(main())
"""
#: Each of them is an error.
MISUSES = (
    'client.submit(["a.example"], priorty="high")',
    'client.submit(["a.example"], priority="urgent")',
    'client.submit(["a.example"], report={"fromats": ["csv"]})',
    'client.submit(["a.example"], crawl={"max_pages": "3"})',
    'next(client.list_jobs(status="done"))',
    'client.job("job_1").leads().polars()',
)


@pytest.mark.stack
def test_a_users_script_is_checked_against_the_wheel(wheel_file: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel_file) as archive:
        archive.extractall(site)
    (tmp_path / "good.py").write_text(USER_SCRIPT)
    (tmp_path / "wrong.py").write_text("\n".join(["from leadmill import Client", "client = Client()", *MISUSES]))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file="]
    interpreter = f"--python-executable={tmp_path / 'venv' / 'bin' / 'python'}"
    done = subprocess.run(
        [*command, interpreter, "good.py", "wrong.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    found = re.findall(r"^(\w+)\.py:(\d+): error: ", done.stdout, re.MULTILINE)
    assert found == [("wrong", str(line)) for line in range(3, 3 + len(MISUSES))], done.stdout + done.stderr
