"""The whole stack as a user runs it: `up`, a CSV through the operator's proxy, and a killed `up`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import xlsxwriter

from cli.sample_sites.server import SampleServer
from leadmill import Client

Run = Callable[..., Any]


def running(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def clean_environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADMILL_", "CELERY_", "REDIS_"))}
    return {**kept, **more}


@pytest.mark.timeout(240)
def test_up_run_and_kill(leadmill: Run, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.csv"
    hosts.write_bytes(
        "sep=;\r\nCompany;Website\r\nMöwe;www.nordwind-solar.example\r\ny;not a host\r\n"
        'z;"=HYPERLINK(""http://www.brightforge.example/"")"\r\n'.encode("cp1252")
    )
    with SampleServer() as sites:
        up = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli.main", "up", "--host", "127.0.0.2", "--port", "0", "--workers", "2"],
            cwd=tmp_path,
            env=clean_environment(LEADMILL_HTTP_PROXY=sites.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert up.stdout is not None
            assert up.stdout.readline().startswith("ready after ")
            tree = [child.pid for child in psutil.Process(up.pid).children(recursive=True)]
            assert len(tree) >= 10, "Redis, guardian, API, beat, and two workers with two processes each"

            ended = leadmill("run", "hosts.csv", env={"LEADMILL_HTTP_PROXY": sites.url}, timeout=150)
            assert ended.code == 0, ended.err
            reports = [Path(line) for line in ended.out.splitlines()]
            assert [path.name for path in reports] == ["report.html", "report.csv"]
            assert all(path.is_file() and path.is_relative_to(tmp_path / "var") for path in reports)
            listed = reports[1].read_text("utf-8-sig")
            assert "Brightforge" in listed
            assert "nordwind-solar.example" in listed

            url = (tmp_path / "var/run/api.url").read_text().strip()
            assert url.startswith("http://127.0.0.2:")
            with Client(url) as client:
                job = next(iter(client.list_jobs(limit=1)))
                assert client.job(job.id).wait(timeout=20).status == "completed"
                lines = [error["line"] for error in client.errors(job.id) if error["line"]]
                assert lines == [4], "a bad line is an error row with its number"
                ended_job = client.status(job.id)
                assert (ended_job.coverage, ended_job.result.get("missing")) == (1, None), "and no company"
                told = ended_job.result["input"]
                assert (told["delimiter"], told["encoding"], told["refused"]) == (";", "Windows-1252", 1)
                assert "read as CSV, delimiter `;`, Windows-1252" in ended.err
                _workbook(client, tmp_path)
                figures = client.statistics()
                assert figures["stages"]["scrape"]["begun"] >= 1 and figures["critical_events"] == []
            _act_on_many(leadmill)
            shown = leadmill("status")
            assert "ready" in shown.out
            assert f"\n{job.id}\tpipeline\tcompleted\t" in shown.out
        finally:
            tree = [child.pid for child in psutil.Process(up.pid).children(recursive=True)]
            up.send_signal(signal.SIGKILL)
            up.wait()
    until = time.monotonic() + 15
    while left := running(tree):
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.1)
    assert leadmill("status").code == 2


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_a_demo_has_the_processes_that_it_is_asked_for(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", "demo", "--workers", "1"],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stderr is not None
        try:
            line = next(line for line in demo.stderr if line.startswith("ready at "))
            with Client(line.removeprefix("ready at ").partition(";")[0]) as client:
                assert [worker["processes"] for worker in client.statistics()["workers"]] == [1, 1]
        finally:
            demo.send_signal(signal.SIGINT)
        demo.stderr.read()
    assert demo.returncode == 130


def _workbook(client: Client, folder: Path) -> None:
    """A list in a workbook: shown, then crawled, each lead with the row that asked for it."""
    book = xlsxwriter.Workbook(str(folder / "customers.xlsx"))
    sheet = book.add_worksheet("Kunden")
    sheet.write_row(0, 0, ["Record ID", "Homepage"])
    sheet.write_number(1, 0, 17593848001)
    sheet.write_url(1, 1, "http://www.brightforge.example/", string="zur Seite")
    book.close()
    assert client.preview(folder / "customers.xlsx")["companies"] == 1
    handle = client.submit(csv=folder / "customers.xlsx", report={"formats": ["parquet"]})
    assert handle.submitted["input"]["sheet"] == "Kunden"
    job = handle.wait(timeout=100)
    assert job.status == "completed" and job.result["input"]["lines"] == 1
    (lead,) = handle.leads()
    assert lead["input"] == [{"line": 2, "values": {"Record ID": "17593848001"}}]


def _act_on_many(leadmill: Run) -> None:
    """Schedules, and all jobs of a tag, by the commands against the running stack."""
    ended = leadmill("schedules", "add", "weekly", "hosts.csv", "--cron", "0 6 * * 1", "--deadline", "2h")
    assert (ended.code, ended.out) == (0, "weekly\n"), ended.err
    assert "weekly\t0 6 * * 1\tAt 06:00 on Monday\t20" in leadmill("schedules", "list").out
    assert leadmill("schedules", "pause", "weekly").code == 0
    assert "\tpaused\t" in leadmill("schedules", "list").out
    assert leadmill("schedules", "delete", "weekly").code == 0
    later = ["--run-at", "2036-01-01T00:00:00Z", "--tag", "later"]
    jobs = [leadmill("submit", f"c{n}.example", *later).out.strip() for n in range(2)]
    assert leadmill("cancel", "--all", "--tag", "later", "--yes").out == "2 cancelled, 0 refused, 2 matched\n"
    watched = leadmill("watch", jobs[0])
    assert watched.code == 1 and "Cancelled" in watched.err
    assert leadmill("list", "--dead").code == 0
