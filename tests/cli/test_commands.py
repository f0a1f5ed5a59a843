"""The command as a user meets it: real processes, exit codes, one-line errors with something to paste."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import console
from cli.job_end import merged_line
from cli.main import all_commands, main
from cli.progress import closing_line, one_line
from leadmill import __version__ as leadmill_version
from leadmill.client.results import Job

V1 = "/api/v1"
Run = Callable[..., Any]


@pytest.fixture
def finished_job(api: Any, answer: Any, a_job: Any) -> dict[str, Any]:
    """An API where a submitted pipeline runs and then completes."""
    result = {"companies": 25, "good": 24, "formats": ["html", "csv"]}
    done = a_job(status="completed", coverage=0.96, duration_s=3.21, result=result)
    api.on("POST", f"{V1}/pipelines", answer({"job_id": "job_1", "kind": "pipeline", "status": "pending"}, 202))
    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job()), answer(done))
    api.on("GET", f"{V1}/jobs/job_1/errors", answer({"items": [], "next_cursor": None}))
    api.on("GET", f"{V1}/jobs/job_1/report", answer(b"<html>"))
    return dict(done)


@pytest.mark.stack
def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; t = time.process_time()\n"
        "from cli.main import main; main(['--help']); t = time.process_time() - t\n"
        "heavy = {'pydantic_settings', 'httpx2', 'redis', 'celery', 'duckdb', 'pyarrow', 'scrapy', 'fastapi',\n"
        "         'pandas', 'psutil', 'rich.live'}\n"
        "print(t, *sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    seconds, *heavy = min(run.stderr.split() for run in runs)
    assert heavy == []
    assert float(seconds) < 0.4
    for name in ("up", "demo", "run", "submit", "status", "watch", "list", "cancel", "resume", "report", "doctor"):
        assert f"\n  {name} " in runs[0].stdout


@pytest.mark.parametrize("group", [[], ["schedules"], ["maintenance"]])
def test_without_arguments_the_help_is_the_answer(leadmill: Run, group: list[str]) -> None:
    ended = leadmill(*group)
    assert (ended.code, ended.err) == (2, "")
    assert ended.out.startswith(f"Usage: {' '.join(['leadmill', *group])} [OPTIONS] COMMAND")
    assert "\n\nCommands:\n" in ended.out


def test_every_command_has_help(leadmill: Run) -> None:
    names = re.findall(r"^  ([a-z]+) ", leadmill("--help").out, re.M)
    assert names == list(all_commands().commands)
    for name in ("up", "run", "schedules", "maintenance"):
        shown = leadmill(name, "--help")
        assert shown.code == 0
        assert "Usage: leadmill" in shown.out
        assert shown.err == ""
    assert "csv,html,json,parquet,xlsx" in leadmill("run", "--help").out


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (["run", "missing.csv"], "no such file: missing.csv", "leadmill run"),
        (["run"], "name a CSV or XLSX file, URLs or --search", "leadmill run companies.csv"),
        (["status"], "no stack is running", "leadmill up"),
        (["list"], "no stack is running", "leadmill up"),
        (["nonsense"], "No such command", "leadmill --help"),
        (["up", "--prot", "1"], "No such option", "leadmill up --help"),
        (["up", "--port", "70000"], "less than or equal to 65535", "leadmill up --help"),
        (["up", "--host", "0.0.0.0"], "without API keys", "LEADMILL_TRUST_NETWORK=1"),
        (["up", "--data", "/proc/no"], "cannot write to /proc/no/run", "leadmill up --data"),
        (["maintenance", "cleanup"], "no stack is running", "leadmill up"),
        (["schedules", "list"], "no stack is running", "leadmill up"),
        (["schedules", "add", "x", "a.example", "--run-at", "2035-01-01"], "No such option", "leadmill schedules"),
        (["schedules", "add", "x", "a.example"], "Missing option", "leadmill schedules add --help"),
        (["submit", "a.example", "--run-at", "soon"], "--run-at: not a time: soon", "--run-at 20"),
        (["submit", "a.example", "--deadline", "2 weeks"], "--deadline: not a time: 2 weeks", "--deadline 2h"),
        (["submit", "a.example", "--run-at", "9999-12-31T23:59:59-14:00"], "--run-at: not a time: 9999", "--run-at 20"),
        (["submit", "a.example", "--deadline", "infd"], "--deadline: not a number of seconds", "--deadline 2h"),
        (["cancel"], "name jobs, or give --all", "leadmill cancel --all"),
        (["cancel", "job_1", "--all"], "name jobs, or give --all", "leadmill cancel --all"),
        (["resume", "job_1", "--tag", "x"], "filters go with --all", "leadmill resume --all"),
        (["list", "--dead", "--tag", "x"], "--dead takes no filter", "leadmill list --dead"),
    ],
)
def test_a_user_error_is_one_line_with_a_command_to_paste(
    leadmill: Run, arguments: list[str], says: str, hint: str
) -> None:
    ended = leadmill(*arguments, env={"LEADMILL_DATA_URL": "var"})
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1, ended.err
    assert ended.err.startswith("error: ")
    assert says in ended.err
    assert hint in ended.err.partition("Try: ")[2]


def test_a_wrong_setting_is_named(leadmill: Run) -> None:
    ended = leadmill("status", env={"LEADMILL_API_PORT": "many"})
    assert ended.code == 2
    assert "LEADMILL_API_PORT" in ended.err
    assert ended.err.count("\n") == 1


def test_a_busy_port_is_refused_when_asked_for(leadmill: Run, api: Any) -> None:
    ended = leadmill("up", "--port", api.url.rpartition(":")[2])
    assert ended.code == 2
    assert "is in use" in ended.err


def test_run_waits_and_names_the_reports(leadmill: Run, api: Any, at: Any, finished_job: Any, tmp_path: Path) -> None:
    reports = tmp_path / "var" / "jobs" / "job_1" / "reports"
    reports.mkdir(parents=True)
    for name in ("report.xlsx", "report.csv", "report.html"):
        (reports / name).write_text("x")
    (tmp_path / "hosts.csv").write_text("website\na.example\n")
    ended = leadmill("run", "hosts.csv", env=at(api.url))
    assert ended.code == 0
    assert ended.out.splitlines() == [str(reports / f"report.{ending}") for ending in ("html", "csv", "xlsx")]
    assert "submitted job_1" in ended.err
    assert ended.err.splitlines()[-1] == "Completed job_1: 24 of 25 companies, 1 failed in 3.2 s"
    assert b"website\na.example\n" in api.asked("POST", f"{V1}/pipelines")[0].body


def test_reports_of_another_project_are_named_where_they_lie(
    leadmill: Run, api: Any, at: Any, finished_job: Any, tmp_path: Path
) -> None:
    reports = tmp_path / "var" / "projects" / "acme" / "jobs" / "job_1" / "reports"
    reports.mkdir(parents=True)
    (reports / "report.csv").write_text("x")
    ended = leadmill("run", "a.example", env=at(api.url))
    assert (ended.code, ended.out.splitlines()) == (0, [str(reports / "report.csv")])


def test_run_with_json_and_reports_in_a_folder(
    leadmill: Run, api: Any, at: Any, finished_job: Any, tmp_path: Path
) -> None:
    ended = leadmill("run", "a.example", "https://b.example", "--json", "--report", "out", env=at(api.url))
    assert ended.code == 0
    said = json.loads(ended.out)
    assert said["job_id"] == "job_1"
    assert said["report_files"] == ["out/job_1.html", "out/job_1.csv"]
    assert (tmp_path / "out" / "job_1.html").read_bytes() == b"<html>"
    asked = {"company_urls": ["a.example", "https://b.example"], "report": {"layout": "crm"}}
    assert api.asked("POST", f"{V1}/pipelines")[0].json == asked


def test_a_failed_job_is_exit_code_1(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    failed = a_job(status="failed", error={"category": "data", "message": "no company"}, duration_s=1.0)
    api.on("GET", f"{V1}/jobs/status/job_1", answer(failed))
    ended = leadmill("watch", "job_1", env=at(api.url))
    assert ended.code == 1
    assert ended.out == ""
    assert "Failed job_1" in ended.err
    assert "no company" in ended.err
    assert "leadmill resume job_1" in ended.err


def test_what_the_api_refuses_is_a_user_error(leadmill: Run, api: Any, at: Any, a_problem: Any) -> None:
    api.on("POST", f"{V1}/pipelines", a_problem(422, "invalid_input", "not a URL", field="company_urls[0]"))
    ended = leadmill("submit", "ftp://a.example", env=at(api.url))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: company_urls[0]: not a URL\n"


def test_submit_prints_the_id_alone(leadmill: Run, api: Any, at: Any, finished_job: Any) -> None:
    ended = leadmill("submit", "a.example", "--tag", "x", "--formats", "html,csv", env=at(api.url))
    assert ended.out == "job_1\n"
    assert "leadmill watch job_1" in ended.err
    assert api.requests[-1].json == {
        "company_urls": ["a.example"],
        "tags": ["x"],
        "report": {"formats": ["html", "csv"], "layout": "crm"},
    }


def test_status_of_a_job_shows_stages_and_causes(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job(waiting_for="its next try")))
    row = {"domain": "a.example", "stage": "scrape", "category": "network", "error": "no\x1b[2J answer\nreally"}
    api.on("GET", f"{V1}/jobs/job_1/errors", answer({"items": [row], "next_cursor": None}))
    ended = leadmill("status", "job_1", env=at(api.url))
    assert ended.code == 0
    assert "job_1 running 40 % scrape 2/4: its next try" in ended.out
    assert "scrape\trunning\t2\t0\t4\t10\t5\t1" in ended.out
    assert "\x1b" not in ended.out, "text from outside cannot drive the terminal"
    assert "a.example\tscrape\tnetwork\tno�[2J answer really" in ended.out


def test_list_is_a_table_and_json(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    api.on("GET", f"{V1}/jobs/list", answer({"items": [a_job(), a_job("job_0")], "next_cursor": None}))
    ended = leadmill("list", "--status", "running", env=at(api.url))
    assert [line.split("\t")[0] for line in ended.out.splitlines()] == ["job", "job_1", "job_0"]
    assert api.requests[-1].query == {"limit": "20", "status": "running"}
    assert [job["job_id"] for job in json.loads(leadmill("list", "--json", env=at(api.url)).out)] == ["job_1", "job_0"]


def test_a_reader_who_leaves_early_is_no_error(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    many = [a_job(f"job_{n}", tags=["x" * 50] * 20) for n in range(90)]
    api.on("GET", f"{V1}/jobs/list", answer({"items": many, "next_cursor": None}))
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "list", "--limit", "90", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **at(api.url)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    said = process.stderr.read().decode()
    assert process.wait(timeout=20) == 0
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_maintenance_prints_the_findings(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    api.on("POST", f"{V1}/jobs/maintenance/cleanup", answer({"job_id": "job_1"}, 202))
    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job(status="completed", result={"removed": 3})))
    ended = leadmill("maintenance", "cleanup", "--older-than-days", "30", env=at(api.url))
    assert (ended.code, json.loads(ended.out)) == (0, {"removed": 3})
    assert api.asked("POST", f"{V1}/jobs/maintenance/cleanup")[0].query == {"older_than_days": "30"}


def test_cancel_resume_report_and_companies(
    leadmill: Run, api: Any, at: Any, answer: Any, finished_job: Any, tmp_path: Path
) -> None:
    api.on("DELETE", f"{V1}/jobs/cancel/job_1", answer({"job_id": "job_1"}, 202))
    api.on("POST", f"{V1}/jobs/job_1/resume", answer({"job_id": "job_1"}, 202))
    row = {"company_id": "comp_1", "domain": "a.example", "name": "A", "score": 71.25, "tier": "A"}
    api.on("GET", f"{V1}/companies", answer({"items": [row], "next_cursor": None}))
    env = at(api.url)
    assert leadmill("cancel", "job_1", env=env).out == "job_1\n"
    assert leadmill("resume", "job_1", env=env).out == "job_1\n"
    assert leadmill("report", "job_1", "--format", "csv", "-o", "r.csv", env=env).out == "r.csv\n"
    assert (tmp_path / "r.csv").read_bytes() == b"<html>"
    ended = leadmill("companies", "--tier", "A", "--min-score", "60", env=env)
    assert ended.out.splitlines()[1].split("\t")[:3] == ["comp_1", "a.example", "A"]
    assert api.requests[-1].query == {"limit": "50", "tier": "A", "min_score": "60.0"}


def test_on_a_terminal_progress_is_drawn_and_wiped(api: Any, at: Any, finished_job: Any, tmp_path: Path) -> None:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "run", "a.example"],
        stdout=subprocess.PIPE,
        stderr=child,
        cwd=tmp_path,
        env={**os.environ, **at(api.url), "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(child)
    drawn = b""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            piece = os.read(parent, 4_096)
        except OSError:
            break
        if not piece:
            break
        drawn += piece
    os.close(parent)
    assert process.wait(timeout=10) == 0
    assert b"scrape" in drawn
    assert b"2/4" in drawn
    assert b"Completed job_1" in drawn


def test_version_and_short_help(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "-V"):
        assert main([option]) == 0
        assert capsys.readouterr().out == f"leadmill {leadmill_version}\n"
    for command in ((), ("run",), ("schedules",), ("schedules", "add"), ("maintenance", "cleanup"), ("worker",)):
        assert main([*command, "-h"]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("Usage: leadmill") and "-h, --help" in shown


def test_completion_knows_commands_and_options(leadmill: Run, tmp_path: Path) -> None:
    def completed(words: str) -> list[str]:
        env = {"_LEADMILL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return str(leadmill(env=env).out).split()

    assert completed("leadmill sched") == ["schedules"]
    assert completed("leadmill run --max") == ["--max-pages"]
    bash = ["bash", "-c", f"{sys.executable} -P -m cli.main --install-completion; true"]
    done = subprocess.run(
        bash, capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert "bash completion installed" in done.stdout, done.stderr
    (script,) = tmp_path.rglob("leadmill.sh")
    assert "_LEADMILL_COMPLETE=complete_bash" in script.read_text()


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"companies": 25, "good": 24}, "24 of 25 companies, 1 failed in"),
        (
            {"companies": 11, "good": 7, "input": {"without_address": 1, "refused": 1}},
            "7 of 11 companies, 4 failed, 2 lines that name no company in",
        ),
        ({"companies": 7, "good": 7, "input": {"refused": 1}}, "7 of 7 companies, 1 line that names no company in"),
        ({}, "coverage 96%, 3 errors in"),
    ],
)
def test_a_company_that_failed_counts_once(finished_job: Any, result: Any, told: str) -> None:
    """Its stage tells of it, and the score hands it on."""
    stage = finished_job["stages"][0]
    stages = [{**stage, "name": "scrape", "errors": 3}, {**stage, "name": "score", "errors": 3}]
    assert told in closing_line(Job.of({**finished_job, "stages": stages, "result": result}))


def test_a_line_of_progress_tells_what_the_crawls_got_and_why_hosts_wait(a_job: Any) -> None:
    details = {"pages": 9, "received_bytes": 1_250_000, "answers": {"2xx": 9, "4xx": 1_200, "none": 1}}
    waits = {"hosts_waiting": {"pace": 2, "quiet": 1}}
    progress = {"current_step": 1, "total_steps": 5, "percentage": 40.0, "message": "9 pages fetched"}
    line = one_line(Job.of(a_job(progress={**progress, "details": details | waits})))
    assert line.endswith(
        ": 9 pages fetched, 1.2 MB, 1,200 answers 4xx, 3 hosts wait (2 at their own pace, 1 asked for quiet)"
    )
    assert one_line(Job.of(a_job(progress={**progress, "details": details}))).endswith(", 1,200 answers 4xx")
    turn = {"jobs": 12, "processes": 4, "place": 7, "seconds": 3.2}
    assert ": 9 pages fetched, 12 jobs share 4 processes; next in about 3 s" in one_line(
        Job.of(a_job(progress={**progress, "details": {}}, turn=turn))
    )
    why = "its turn on `scraping`: 12 jobs share 4 processes; next in about 3 s"
    assert one_line(Job.of(a_job(progress={**progress, "details": {}}, turn=turn, waiting_for=why))).endswith(why)
    stage = {"status": "pending", "rows_in": 0, "rows_out": 0, "errors": 0, "started_at": None, "finished_at": None}
    early = [
        {"name": name, "partitions": {"total": n, "done": 0, "failed": 0}, **stage}
        for name, n in (("scrape", 0), ("score", 1))
    ]
    assert "score" not in one_line(Job.of(a_job(stages=early)))
    assert "scrape 0/2 score 0/1" in one_line(
        Job.of(a_job(stages=[{**early[0], "partitions": {"total": 2, "done": 0, "failed": 0}}, early[1]]))
    )
    one = {"received_bytes": 6_479, "answers": {"5xx": 1}, "hosts_waiting": {"pace": 1}}
    line = one_line(Job.of(a_job(status="completed", progress={**progress, "message": "completed", "details": one})))
    assert line.endswith(": 6.5 kB, 1 answer 5xx, 1 host waits (1 at their own pace)")


def test_merged_addresses_are_told() -> None:
    two = {
        "a.example": ["https://a.example/", "http://a.example/"],
        "b.example": ["b.example", "b.example/x", "b.example/y"],
    }
    line = "3 addresses were merged into 2 companies: a.example (2 addresses), b.example (3 addresses)"
    assert merged_line(two) == line
    assert merged_line({"a.example": ["1", "2"]}) == "1 address was merged into 1 company: a.example (2 addresses)"
    many = {f"c{n}.example": ["1", "2"] for n in range(200)}
    assert merged_line(many).startswith("at least 200 addresses were merged into 200 companies: ")
    assert merged_line(many).endswith(", …")


def test_beside_a_stack_of_another_folder_the_reports_are_saved_here(
    leadmill: Run, api: Any, at: Any, finished_job: Any, tmp_path: Path
) -> None:
    ended = leadmill("run", "a.example", env=at(api.url))
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [str(tmp_path / "job_1.html"), str(tmp_path / "job_1.csv")]
    assert (tmp_path / "job_1.csv").read_bytes() == b"<html>"
    assert not (tmp_path / "var").exists(), "nothing is made where its data does not lie"


def test_an_api_elsewhere_is_named_by_its_url(leadmill: Run, api: Any, finished_job: Any) -> None:
    assert leadmill("submit", "a.example", env={"LEADMILL_API_URL": f"{api.url}/"}).out == "job_1\n"
    ended = leadmill("run", "a.example", env={"LEADMILL_API_URL": "http://127.0.0.1:9"})
    assert ended.code == 2
    tls = leadmill("list", env={"LEADMILL_API_URL": f"https{api.url.removeprefix('http')}"})
    assert tls.code != 0 and "speaks no TLS; is it http://" in tls.err and "SSL" not in tls.err
    assert tls.err.count("\n") == 1
    assert "no answer from http://127.0.0.1:9" in ended.err and "starting one" not in ended.err


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_a_terminal_of_any_width_shows_ids_that_can_be_copied(
    api: Any, at: Any, answer: Any, finished_job: Any, tmp_path: Path, columns: int
) -> None:
    job = {**finished_job, "job_id": "job_01m8d96g0qsn5kgmw2v1", "tags": ["first-try"]}
    api.on("GET", f"{V1}/jobs/list", answer({"items": [job], "next_cursor": None}))
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", "list"],
        stdout=child,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, **at(api.url), "TERM": "xterm", "COLUMNS": str(columns)},
    ) as process:
        os.close(child)
        _, err = process.communicate(timeout=20)
    drawn = os.read(parent, 65_536).decode()
    os.close(parent)
    assert process.returncode == 0, err
    assert job["job_id"] in drawn
    assert ("completed" in drawn) is (columns >= 80), "words are broken only where there is no room for them"


def test_text_from_outside_is_made_harmless() -> None:
    assert console.clean("a\x1b]0;x\x07b\u202ec\r\nd\te") == "a�]0;x�b�c� d e"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.04, "0.0 s"), (41.3, "41.3 s"), (252, "4 m 12 s"), (7500, "2 h 5 m")]
)
def test_durations_are_in_human_units(seconds: float | None, text: str) -> None:
    assert console.duration(seconds) == text


def test_check_shows_how_a_list_is_read(leadmill: Run, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes(
        "Kunden\nNr;Firma;Webseite\n1;Möwe;moewe.example\n2;Bär;x.com/baer\n3;;\n4;M;moewe.example\n".encode()
    )
    shown = leadmill("check", "customers.csv")
    assert shown.code == 0, shown.err
    assert shown.out.startswith("customers.csv\tCSV, delimiter `;`, UTF-8, header in line 2\n")
    assert "\nwebsites are in\tWebseite\ncomes back with each lead\tNr, Firma\n" in shown.out
    told = "2 (1 without an address, 1 refused); in a job they are told beside its companies\n"
    assert f"\nrepeated\t1\nlines that name no company\t{told}" in shown.out
    assert "\na page on a social network (x.com) is no company's own website\t1\tline 4: x.com/baer\n" in shown.out
    assert json.loads(leadmill("check", "customers.csv", "--json", "--column", "webseite").out)["companies"] == 1
    assert shown.err == "run them with: leadmill run customers.csv\n"
    (tmp_path / "blank.csv").write_text("url\na.example\n" + "\n" * 1_100_000)
    assert "only the beginning was read, 1 line; --all" in leadmill("check", "blank.csv").err
    assert json.loads(leadmill("check", "blank.csv", "--json", "--all").out)["complete"] is True
    (tmp_path / "my list.csv").write_text("Website\n\n,\n")
    assert "nothing to run" in leadmill("check", "my list.csv").err
    for arguments, said in (
        (["check", "customers.csv", "--column", "Website"], "did you mean 'Webseite'?"),
        (["run", "customers.csv", "--column", "Website"], "did you mean 'Webseite'?"),  # without a stack
        (["check", "nothing.csv"], "no such file"),
        (["check", "my lits.csv"], "Try: leadmill check 'my list.csv'"),
        (["run", "."], ". is a folder, no list"),
        (["run", "a.example", "--column", "Website"], "--column names a column of a file"),
    ):
        ended = leadmill(*arguments)
        assert ended.code == 2 and said in ended.err and ended.err.count("\n") == 1, ended.err


def test_people(leadmill: Run, api: Any, at: Callable[[str], dict[str, str]], answer: Any) -> None:
    person = {
        "company_id": "comp_1", "domain": "xn--mnchen-3ya.example", "person_id": "per_1", "name": "Anna\x1b[2J Schmidt",
        "role": "Head of Sales", "role_class": "sales", "email": "anna@example.com", "phone": None, "confidence": 0.75,
        "source": "https://xn--mnchen-3ya.example/team", "page_hash": "0", "method": "text", "quote": None,
        "seen_at": "2027-01-31T08:00:00Z", "job_id": "job_1",
    }  # fmt: skip
    env, job = at(api.url), "job_" + "0" * 20
    api.on("GET", f"{V1}/people", answer({"items": [person], "next_cursor": None}))
    ended = leadmill("people", job, "--role", "sales", "--role", "owner", env=env)
    assert ended.out.splitlines()[1].split("\t")[1:5] == [
        "Anna\ufffd[2J Schmidt", "Head of Sales", "anna@example.com", "",
    ]  # fmt: skip
    assert api.requests[-1].query == {"job": job, "role_class": "owner", "limit": "50"} and "1 person" in ended.err
    assert json.loads(leadmill("people", "münchen.example", "--json", env=env).out) == [person]
    assert api.requests[-1].query["company"] == "münchen.example"
    api.on("GET", f"{V1}/people", answer({"items": [], "next_cursor": None}))
    assert "leadmill run … --people" in leadmill("people", "münchen.example", env=env).err
