"""The stack that `leadmill run` starts: shared by all in the folder, ended with the last of them, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from cli.local_stack.lease import LastOut, Lease, is_ending, is_used
from cli.local_stack.run_dir import RunDir
from cli.sample_sites.server import SampleServer
from leadmill import Client
from tests.cli.test_real_stack import clean_environment, running

Run = Callable[..., Any]


def test_a_stack_is_used_as_long_as_anybody_holds_a_lease(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    with Lease(run):
        last_out = LastOut(run)
        with Lease(run):
            assert is_used(run) and not last_out.taken()
        assert is_used(run) and not last_out.taken() and not is_ending(run)
    assert not is_used(run) and not is_ending(run)
    assert last_out.taken() and is_ending(run) and not is_used(run)
    last_out.close()
    assert not is_ending(run)


def test_where_nothing_can_be_written_nothing_is_held(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("no folder")
    with Lease(RunDir(tmp_path / "run")) as lease:
        lease.release()


@contextmanager
def started(folder: Path, sites: SampleServer, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", "run", *arguments],
        cwd=folder,
        env=clean_environment(LEADMILL_HTTP_PROXY=sites.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until_submitted(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("submitted job_"):
            return
    pytest.fail(f"it ended without a job: {''.join(said)}")


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_runs_in_one_folder_share_a_stack_that_ends_with_the_last(leadmill: Run, tmp_path: Path) -> None:
    waiting = ("waits.example", "--run-at", "2036-01-01T00:00:00Z")
    with SampleServer() as sites, started(tmp_path, sites, *waiting) as first:
        until_submitted(first)
        pids = [child["pid"] for child in RunDir(tmp_path / "var" / "run").state()["children"].values()]
        assert len(pids) == 5 and running(pids) == pids
        with started(tmp_path, sites, *waiting) as second:
            until_submitted(second)
            first.send_signal(signal.SIGKILL)
            first.wait()

            env = {"LEADMILL_HTTP_PROXY": sites.url}
            ended = leadmill("run", "www.brightforge.example", env=env, timeout=100)
            assert ended.code == 0, ended.err
            assert "starting one" not in ended.err
            assert all(Path(line).is_file() for line in ended.out.splitlines())
            assert running(pids) == pids, "another one uses it still"

            with Client((tmp_path / "var/run/api.url").read_text().strip()) as client:
                assert {job.status for job in client.list_jobs()} == {"completed", "pending"}
            second.send_signal(signal.SIGKILL)
            second.wait()
        until = time.monotonic() + 25
        while left := [*running(pids), *naming(tmp_path)]:
            assert time.monotonic() < until, f"still there: {left}"
            time.sleep(0.1)
    run = tmp_path / "var" / "run"
    assert not list(run.glob("*.pid")) and not (run / "api.url").exists()

    job = Path(ended.out.splitlines()[0]).parents[1].name
    later = leadmill("report", job, "-f", "csv", "--layout", "crm", timeout=100)
    assert later.code == 0 and "starting one" in later.err, later.err
    assert "brightforge.example" in (tmp_path / later.out.strip()).read_text("utf-8")
    assert naming(tmp_path) == []


def naming(folder: Path) -> list[int]:
    """Whatever process names the folder."""
    found = psutil.process_iter(["cmdline"])
    return [one.pid for one in found if any(str(folder) in word for word in one.info["cmdline"] or ())]


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_the_only_one_completes_and_ends_its_stack(leadmill: Run, tmp_path: Path) -> None:
    with SampleServer() as sites:
        url = ("www.brightforge.example", "--stages", "scrape", "--max-pages", "1")
        ended = leadmill("run", *url, env={"LEADMILL_HTTP_PROXY": sites.url}, timeout=100)
    assert ended.code == 0 and "starting one" in ended.err and "Completed job_" in ended.err, ended.err
    assert naming(tmp_path) == [], "the command ends after its stack"


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_ctrl_c_ends_the_job_and_the_stack(tmp_path: Path) -> None:
    with SampleServer() as sites, started(tmp_path, sites, "w.example", "--run-at", "2036-01-01T00:00:00Z") as only:
        until_submitted(only)
        only.send_signal(signal.SIGINT)
        _, said = only.communicate(timeout=40)
    assert only.returncode == 130
    assert "cancelled job_" in said and "leadmill resume job_" in said
    assert naming(tmp_path) == [], "the command ends after its stack"


@pytest.mark.stack
def test_what_keeps_it_from_starting_is_one_line(leadmill: Run, tmp_path: Path) -> None:
    ended = leadmill("run", "a.example", env={"REDIS_URL": "redis://127.0.0.1:1/0"})
    assert (ended.code, ended.out) == (2, "")
    (line,) = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert "127.0.0.1:1" in line and "Traceback" not in ended.err
    assert naming(tmp_path) == []
