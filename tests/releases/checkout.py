"""A released version as it was: its commit checked out beside this tree, with what its own lock names in a `.venv`.

What `docs/releases.toml` names is taken out of the clone's history; nothing is fetched from its origin. Wheels come out
of uv's cache, or from the index. Both are kept below pytest's cache, for the next session.
"""

from __future__ import annotations

import fcntl
import io
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Written once everything is installed.
_DONE = ".venv/.installed"


@dataclass(frozen=True)
class Checkout:
    """The tree of a version, and the interpreter that runs it."""

    version: str
    folder: Path
    python: str

    @classmethod
    def present(cls) -> Checkout:
        """This tree, in the environment that the tests run in."""
        return cls("present", ROOT, sys.executable)

    @classmethod
    def of(cls, version: str, cache: Path, clone: Path = ROOT) -> Checkout:
        """That of a release, made of a clone's history in `cache` unless it is there.

        Raises:
            LookupError: this clone does not have its commit.
            RuntimeError: its packages cannot be installed.
        """
        commit = commit_of(version)
        folder = cache / commit
        found = cls(version, folder, str(folder / ".venv" / "bin" / "python"))
        folder.mkdir(parents=True, exist_ok=True)
        with (cache / f"{commit}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / _DONE).exists():
                _take_out(version, commit, clone, folder)
                _install(version, folder)
                (folder / _DONE).touch()
        return found


def commit_of(version: str) -> str:
    """The commit of a released version."""
    named: dict[str, str] = tomllib.loads((ROOT / "docs" / "releases.toml").read_text())
    return named[version]


def _take_out(version: str, commit: str, clone: Path, folder: Path) -> None:
    archived = subprocess.run(["git", "archive", "--format=tar", commit], cwd=clone, capture_output=True, check=False)
    if archived.returncode:
        why = archived.stderr.decode(errors="replace").strip()
        raise LookupError(
            f"this clone does not have commit {commit}, which is version {version} ({why}): it was cloned without its"
            " history. Try: git fetch --unshallow (in CI: fetch-depth: 0)"
        )
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as tar:
        tar.extractall(folder, filter="data")


def _install(version: str, folder: Path) -> None:
    uv = [sys.executable, "-m", "uv"]
    python = str(folder / ".venv" / "bin" / "python")
    for command in (
        [*uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder / ".venv")],
        [*uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", "requirements.lock"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"version {version} cannot be installed by its lock: {done.stderr.strip()[-2_000:]}")
