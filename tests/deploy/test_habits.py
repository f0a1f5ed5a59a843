"""What CONTRIBUTING.md and the README promise about the work on this tree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.version import Version
from pre_commit.clientlib import load_config

import leadmill
from docs import chromium

ROOT = Path(__file__).parents[2]
RELEASES: dict[str, str] = tomllib.loads((ROOT / "docs" / "releases.toml").read_text())
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
TOLD = "".join((ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md"))
CI = re.findall(r"^(?:make|sh) .+$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


def test_releases_are_named_by_their_commits() -> None:
    versions = [Version(name) for name in RELEASES]
    assert versions and versions == sorted(set(versions)) and not any(version.is_prerelease for version in versions)
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit in RELEASES.values())
    assert len(set(RELEASES.values())) == len(RELEASES)
    assert Version(leadmill.__version__) >= versions[-1], "the tree is not older than what was released"


def test_earlier_releases_have_left_something_to_read() -> None:
    """The newest one's is made from its commit, thus later."""
    found = {path.name for path in (ROOT / "tests" / "releases").iterdir()}
    assert set(list(RELEASES)[:-1]) <= found


def test_the_changelog_has_a_heading_for_each_version() -> None:
    headings = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = list(reversed(RELEASES))
    coming = headings[: -len(released)]
    assert headings[len(coming) :] == released
    assert len(coming) <= 1 and set(coming) <= {"Unreleased", Version(leadmill.__version__).base_version}


def test_tests_lie_as_the_packages_do() -> None:
    """Or in a folder for tests of the whole, which CONTRIBUTING.md names."""
    tests = ROOT / "tests"
    folders = {file.parent.relative_to(tests) for file in tests.rglob("test_*.py")} - {Path()}
    apart = {folder for folder in folders if not (ROOT / folder / "__init__.py").exists()}
    assert folders - apart and [folder for folder in apart if f"`tests/{folder.parts[0]}`" not in TOLD] == []


def test_ci_runs_what_is_told_and_nothing_else() -> None:
    assert CI == ["sh deploy/ci-packages.sh", "make check", "make test", "make demo"]
    assert [command for command in CI if f"`{command}`" not in TOLD] == []
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


@pytest.mark.stack
def test_the_workflow_is_one() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    found = subprocess.run(check, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_hook_before_a_commit_is_make_check() -> None:
    (repository,) = load_config(str(ROOT / ".pre-commit-config.yaml"))["repos"]
    (hook,) = repository["hooks"]
    assert (repository["repo"], hook["entry"]) == ("local", "make check")


def test_named_targets_exist() -> None:
    makefiles = (ROOT / "Makefile", ROOT / "benchmarks" / "targets.mk")
    targets = {name for file in makefiles for name in re.findall(r"^([a-z-]+):", file.read_text(), re.MULTILINE)}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)", page.read_text())}
    assert {"setup", "check", "test", "test-fast", "coverage", "hooks"} <= named
    assert named <= targets


def packages(path: Path) -> subprocess.CompletedProcess[str]:
    script = ["/bin/sh", str(ROOT / "deploy" / "ci-packages.sh")]
    env = {"PATH": str(path), "POLICY": str(path / "policy-rc.d")}
    return subprocess.run(script, env=env, capture_output=True, text=True, check=False)


def program(path: Path, name: str, does: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{does}\n")
    (path / name).chmod(0o755)


@pytest.mark.stack
def test_debian_packages_come_where_they_may(tmp_path: Path) -> None:
    found = packages(tmp_path)
    every = "chromium curl git openssl prometheus prometheus-alertmanager redis-server"
    assert (found.returncode, found.stderr) == (0, f"ci-packages: no apt-get here; left out: {every}\n")
    program(
        tmp_path,
        "apt-get",
        f'echo "$@" >>{tmp_path}/asked; [ "$1" = update ] || "$POLICY" || echo $? >{tmp_path}/policy',
    )
    program(tmp_path, "chmod", '/bin/chmod "$@"')
    program(tmp_path, "rm", '/bin/rm "$@"')
    program(tmp_path, "id", "echo 1000")
    program(tmp_path, "chromium", "")
    for there in ("git", "openssl", "prometheus", "prometheus-alertmanager", "redis-server"):
        program(tmp_path, there, "")
    found = packages(tmp_path)
    assert (found.returncode, found.stderr) == (0, "ci-packages: only root may install; left out: curl\n")
    assert not (tmp_path / "asked").exists()
    program(tmp_path, "id", "echo 0")
    assert packages(tmp_path).returncode == 0
    update, install = (tmp_path / "asked").read_text().splitlines()
    assert update.startswith("update") and install.startswith("install") and install.split()[-1] == "curl"
    assert (tmp_path / "policy").read_text() == "101\n", "no service is started meanwhile"
    assert not (tmp_path / "policy-rc.d").exists(), "and may be afterwards"
    program(tmp_path, "useradd", f'echo "$@" >{tmp_path}/made')
    assert packages(tmp_path).returncode == 0 and not (tmp_path / "made").exists(), "the user is there"
    program(tmp_path, "id", '[ "$1" = -u ] && echo 0')
    assert packages(tmp_path).returncode == 0
    assert (tmp_path / "made").read_text().split()[-1] == chromium.USER, "as whom tests run it"
    program(tmp_path, "curl", "")
    program(tmp_path, "apt-get", "exit 1")
    found = packages(tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", ""), "all there: nothing is asked"
