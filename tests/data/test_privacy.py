"""Whatever our processes make below the data folder is its owner's alone, whatever their umask was."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data.privacy import keep_private

if TYPE_CHECKING:
    from cli.local_stack.stack import LocalStack
    from leadmill.client import Client


def open_to_others(root: Path) -> list[str]:
    return [
        f"{stat.filemode(mode)} {path.relative_to(root)}"
        for path in (root, *root.rglob("*"))
        if not stat.S_ISSOCK(mode := path.lstat().st_mode) and mode & 0o077
    ]


def test_what_real_jobs_leave_is_private(stack: LocalStack, client: Client, tmp_path: Path) -> None:
    """An upload, every kind of part, reports, snapshots, the history and the files of a run."""
    csv = tmp_path / "companies.csv"
    csv.write_text("url\nnordwind-solar.example\ntideless-systems.example\n")
    job = client.submit(csv=csv, report={"formats": ["html", "csv", "xlsx", "json", "parquet"]}).wait(60)
    assert job.status == "completed", job.raw
    assert client.optimize_db().wait(60).status == "completed"
    folder = stack.data_dir / "jobs" / job.id
    made = {path.name for path in folder.iterdir()}
    assert {"input", "scrape", "process", "enrich", "score", "pages", "reports", "_tmp"} <= made
    assert (stack.data_dir / "companies" / "score").is_dir() and (folder / "scrape" / "errors").is_dir()
    assert open_to_others(stack.data_dir) == []


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A lake as version 0.1.0 left it."""
    for name in ("jobs", "companies", "run"):
        (tmp_path / "var" / name / "deeper").mkdir(parents=True, mode=0o755)
    return tmp_path / "var"


def test_a_lake_of_0_1_0_is_closed_at_the_start(old: Path) -> None:
    keep_private(old)
    assert {path.stat().st_mode & 0o777 for path in (old, old / "jobs", old / "companies", old / "run")} == {0o700}


def test_the_folder_of_the_demo_leaves_nothing_open(old: Path) -> None:
    (old / "demo" / "jobs").mkdir(parents=True)
    keep_private(old)
    assert {path.stat().st_mode & 0o777 for path in (old, old / "demo")} == {0o700}


def test_what_is_the_users_own_is_left_as_it_is(old: Path) -> None:
    (old / "notes.txt").write_text("mine")
    (old / "notes.txt").chmod(0o644)
    mode = old.stat().st_mode
    keep_private(old)
    assert old.stat().st_mode == mode and (old / "notes.txt").stat().st_mode & 0o777 == 0o644
    assert (old / "jobs").stat().st_mode & 0o777 == 0o700
    keep_private(old / "nothing here")
