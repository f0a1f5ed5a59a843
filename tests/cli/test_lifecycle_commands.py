"""Commands over many jobs and over schedules, and `watch` by the event stream."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cli import pulse
from cli.times import moment
from leadmill import Client

V1 = "/api/v1"
Run = Callable[..., Any]
FILTERS = ["--status", "running", "--tag", "spring", "--since", "2026-11-24T10:00:00Z"]
SENT = {"status": "running", "tag": "spring", "since": moment("2026-11-24T10:00:00Z", "--since")}


def bulk_answer(dry_run: bool, refused: int = 2) -> dict[str, Any]:
    named = [{"job_id": f"job_{n}", "status": "completed", "reason": "it is completed already"} for n in range(refused)]
    counts = {"matched": 3 + refused, "done": 3, "refused": refused, "refused_jobs": named}
    return {"action": "cancel", "dry_run": dry_run, "next_cursor": None, **counts}


# ---- act on all ---------------------------------------------------------------------------------------


def test_cancel_all_with_yes_asks_nothing(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    api.on("POST", f"{V1}/jobs/bulk", answer(bulk_answer(True)), answer(bulk_answer(False)))
    ended = leadmill("cancel", "--all", "--yes", *FILTERS, env=at(api.url))
    assert (ended.code, ended.out) == (0, "3 cancelled, 2 refused, 5 matched\n")
    assert "not cancelled: job_0: it is completed already" in ended.err
    assert ended.err.startswith("5 jobs match: 3 can be cancelled\n"), "the number first"
    sent = [request.json for request in api.asked("POST", f"{V1}/jobs/bulk")]
    assert [body.pop("dry_run") for body in sent] == [True, False]
    assert sent == [{"action": "cancel", "filter": SENT, "cursor": None}] * 2
    said = json.loads(leadmill("resume", "--all", "-y", "--json", env=at(api.url)).out)
    assert (said["matched"], said["done"], said["refused"]) == (5, 3, 2)
    assert api.requests[-1].json["action"] == "resume" and api.requests[-1].json["filter"] == {}


def test_without_yes_and_a_person_only_the_number_is_told(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    api.on("POST", f"{V1}/jobs/bulk", answer(bulk_answer(True)))
    ended = leadmill("cancel", "--all", env=at(api.url))
    assert ended.code == 2
    assert "5 jobs match: 3 can be cancelled" in ended.err
    assert "Try: leadmill cancel --all --yes" in ended.err
    assert [request.json["dry_run"] for request in api.asked("POST", f"{V1}/jobs/bulk")] == [True]


@pytest.mark.parametrize(("typed", "calls"), [("y\n", [True, False]), ("n\n", [True])])
def test_a_person_sees_the_number_before_anything_is_done(
    api: Any, at: Any, answer: Any, tmp_path: Path, typed: str, calls: list[bool]
) -> None:
    api.on("POST", f"{V1}/jobs/bulk", answer(bulk_answer(True)), answer(bulk_answer(False)))
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", "cancel", "--all", "--tag", "x"],
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, **at(api.url)},
    ) as process:
        os.close(child)
        os.write(parent, typed.encode())
        out, err = process.communicate(timeout=30)
        os.close(parent)
    assert process.returncode == 0, err
    assert b"5 jobs match: 3 can be cancelled" in err
    assert [request.json["dry_run"] for request in api.asked("POST", f"{V1}/jobs/bulk")] == calls
    assert (out == b"3 cancelled, 2 refused, 5 matched\n") is (typed == "y\n")


def test_long_bulk_calls_are_added_up(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    first = {**bulk_answer(False), "next_cursor": "abc"}
    api.on("POST", f"{V1}/jobs/bulk", answer(bulk_answer(True)), answer(first), answer(bulk_answer(False)))
    assert leadmill("cancel", "--all", "--yes", env=at(api.url)).out == "6 cancelled, 4 refused, 10 matched\n"
    assert [request.json["cursor"] for request in api.asked("POST", f"{V1}/jobs/bulk")] == [None, None, "abc"]


def test_dead_units(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    unit = {
        "job_id": "job_1", "kind": "pipeline", "status": "completed", "unit": "p3", "stage": "scrape",
        "category": "poison", "reason": "killed its process\x1b[2J", "at": "2026-11-24T10:00:00Z", "companies": 30,
        "links": {},
    }  # fmt: skip
    api.on("GET", f"{V1}/jobs/dead", answer({"items": [unit], "next_cursor": None}))
    ended = leadmill("list", "--dead", env=at(api.url))
    line = "job_1\tp3\tscrape\tpoison\t30\t2026-11-24T10:00:00Z\tkilled its process�[2J"
    assert ended.out.splitlines()[1] == line
    assert "leadmill resume job_1" in ended.err
    assert json.loads(leadmill("list", "--dead", "--json", env=at(api.url)).out) == [unit]


# ---- schedules ----------------------------------------------------------------------------------------

SCHEDULE = {
    "name": "leads", "cron": "0 6 * * 1", "explanation": "At 06:00 on Monday", "paused": False,
    "next_runs": ["2026-11-30T05:00:00+00:00"], "timezone": "Europe/Berlin",
    "next_runs_local": ["2026-11-30T06:00:00+01:00"], "created_at": "2026-11-24T10:00:00+00:00",
    "last_tick": {"planned": "2026-11-23T06:00:00+00:00", "job_id": "job_9"},
}  # fmt: skip


def test_schedules(leadmill: Run, api: Any, at: Any, answer: Any, tmp_path: Path) -> None:
    env = at(api.url)
    api.on("GET", f"{V1}/schedules", answer({"items": [SCHEDULE], "next_cursor": None}))
    api.on("POST", f"{V1}/schedules", answer(SCHEDULE, 201))
    for move in ("pause", "resume"):
        api.on("POST", f"{V1}/schedules/leads/{move}", answer(SCHEDULE))
    api.on("DELETE", f"{V1}/schedules/leads", answer(b"", 204))
    ended = leadmill("schedules", "list", env=env)
    row = "leads\t0 6 * * 1\tAt 06:00 on Monday\t2026-11-30 05:00\t2026-11-23 06:00\tjob_9"
    assert ended.out.splitlines()[1] == f"{row}\tEurope/Berlin\t2026-11-30 06:00"
    assert json.loads(leadmill("schedules", "list", "--json", env=env).out) == [SCHEDULE]

    (tmp_path / "hosts.csv").write_text("website,Record ID\na.example,7\nnot a host,8\nb.example,9\n")
    zone = ["--timezone", "Europe/Berlin"]
    options = ["--cron", "0 6 * * 1", "--min-coverage", "0.5", "--deadline", "2h", "--priority", "low", "--tag", "x"]
    ended = leadmill("schedules", "add", "leads", "hosts.csv", *options, *zone, env=env)
    assert (ended.code, ended.out) == (0, "leads\n")
    assert (
        "line 3 left out" in ended.err and "At 06:00 on Monday (Europe/Berlin); next runs: 2026-11-30T06" in ended.err
    )
    assert "keeps the addresses alone: Record ID will not come back" in ended.err
    sent = api.asked("POST", f"{V1}/schedules")[0].json
    assert (sent["name"], sent["cron"]) == ("leads", "0 6 * * 1")
    assert sent["pipeline"] == {
        "company_urls": ["https://a.example/", "https://b.example/"], "min_coverage": 0.5, "deadline": 7200.0,
        "priority": "low", "tags": ["x"], "report": {"layout": "crm"},
    }  # fmt: skip
    for move in ("pause", "resume", "delete"):
        assert leadmill("schedules", move, "leads", env=env).out == "leads\n"


def test_the_api_says_what_is_wrong_with_a_schedule(leadmill: Run, api: Any, at: Any, a_problem: Any) -> None:
    api.on("POST", f"{V1}/schedules", a_problem(422, "invalid_input", "five fields", field="cron"))
    ended = leadmill("schedules", "add", "x", "a.example", "--cron", "@daily", env=at(api.url))
    assert (ended.code, ended.err) == (2, "error: cron: five fields\n")


# ---- submit and status --------------------------------------------------------------------------------


def test_every_option_of_a_submit(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    api.on("POST", f"{V1}/pipelines", answer({"job_id": "job_1"}, 202))
    options = ["--deadline", "90", "--run-at", "2036-01-31T08:00:00Z", "--priority", "high", "--min-coverage", "0.9"]
    assert leadmill("submit", "a.example", *options, env=at(api.url)).out == "job_1\n"
    sent = api.requests[-1].json
    assert (sent["deadline"], sent["priority"], sent["min_coverage"]) == (90.0, "high", 0.9)
    assert datetime.fromisoformat(sent["run_at"]) == datetime.fromisoformat("2036-01-31T08:00:00Z")
    leadmill("submit", "a.example", "--run-at", "2036-01-31T08:00", "--deadline", "2036-02-01", env=at(api.url))
    sent = api.requests[-1].json
    for name in ("run_at", "deadline"):
        assert datetime.fromisoformat(sent[name]).tzinfo is not None, "a time of this machine gets its zone"


def test_status_shows_what_is_missing_and_why(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    missing = [{"category": "network", "error": "timed out", "count": 12, "example": "a.example"}]
    done = a_job(status="completed", coverage=0.9, result={"companies": 120, "good": 108, "missing": missing})
    api.on("GET", f"{V1}/jobs/status/job_1", answer(done))
    api.on("GET", f"{V1}/jobs/job_1/errors", answer({"items": [], "next_cursor": None}))
    shown = leadmill("status", "job_1", env=at(api.url)).out
    assert "missing\tkind\tcause\tsuch as\n12\tnetwork\ttimed out\ta.example\n" in shown


def test_status_of_the_stack_shows_alarms(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    queue = {"waiting": 2, "oldest_s": 3.0, "workers": 0, "processes": 0}
    finding = {"name": "redis", "status": "warn", "message": "no AOF", "advice": "redis-cli CONFIG SET appendonly yes"}
    events = [
        {"at": "2026-11-24T10:00:00Z", "kind": "poison", "job": f"job_{n}", "error": "x\x1b[2J"} for n in range(7)
    ]
    figures = {
        "queues": {"scraping": queue},
        "health": {"status": "warn", "checked_at": "2026-11-24T10:30:00Z", "job_id": "job_h", "findings": [finding]},
        "wrong_now": [{"kind": "beat.gone", "since": "2026-11-24T10:20:00Z", "text": "gone\x1b[2J", "remedy": "mend"}],
        "critical_events": events,
        "workers": [{"name": "a", "thrown_away": {"unsigned": 2, "foreign_task": 1}}, {"name": "b", "thrown_away": {}}],
    }
    api.on("GET", f"{V1}/jobs/statistics", answer(figures))
    api.on("GET", f"{V1}/jobs/list", answer({"items": [], "next_cursor": None}))
    ended = leadmill("status", env=at(api.url))
    assert ended.code == 0
    assert "health warn at 2026-11-24 10:30 UTC" in ended.out
    assert "beat.gone since 2026-11-24T10:20:00Z: gone�[2J\n  mend\n" in ended.out
    assert "warn  redis: no AOF" in ended.out and "redis-cli CONFIG SET appendonly yes" in ended.out
    assert "poison\t2026-11-24T10:00:00Z\tjob job_0, error x�[2J" in ended.out
    assert "thrown away by workers, being none of ours: 3 (unsigned 2, foreign task 1)" in ended.out
    assert ended.out.count("poison") == 5 and "2 more: leadmill status --json" in ended.err
    said = json.loads(leadmill("status", "--json", env=at(api.url)).out)
    assert len(said["statistics"]["critical_events"]) == 7 and said["statistics"]["health"]["status"] == "warn"


# ---- watch --------------------------------------------------------------------------------------------


def event(number: int, data: dict[str, Any]) -> bytes:
    return f"id: {number}\nevent: status\ndata: {json.dumps(data)}\n\n".encode()


def stream(answer: Any, pieces: Iterator[bytes]) -> Any:
    return answer(pieces=pieces, headers={"content-type": "text/event-stream"})


def test_watch_is_woken_by_events_and_asks_little(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    ended_at: list[float] = []

    def pieces() -> Iterator[bytes]:
        yield event(1, {"status": "running"})
        time.sleep(2.5)
        api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job(status="completed", duration_s=1.0)))
        ended_at.append(time.monotonic())
        yield event(2, {"status": "completed"})

    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job()))
    api.on("GET", f"{V1}/jobs/job_1/events", stream(answer, pieces()))
    ended = leadmill("watch", "job_1", env=at(api.url))
    assert time.monotonic() - ended_at[0] < 1.5, "the command's own end included"
    assert ended.code == 0
    lines = ended.err.splitlines()
    assert lines[0] == "job_1 running 40 % scrape 2/4: scraping" and lines[-1].startswith("Completed job_1")
    assert len(api.asked("GET", f"{V1}/jobs/status/job_1")) <= 7


def test_watch_goes_on_behind_the_last_event(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    def last() -> Iterator[bytes]:
        api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job(status="failed")))
        yield event(8, {"status": "failed"})

    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job()))
    path = f"{V1}/jobs/job_1/events"
    api.on("GET", path, stream(answer, iter([event(7, {"status": "running"})])), stream(answer, last()))
    assert leadmill("watch", "job_1", env=at(api.url)).code == 1
    assert [request.headers.get("last-event-id") for request in api.asked("GET", path)][:2] == [None, "7"]


def test_an_event_is_what_wakes_and_without_a_stream_it_is_the_clock(
    api: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pieces() -> Iterator[bytes]:
        time.sleep(0.8)
        yield event(1, {"status": "running"})
        time.sleep(5)

    monkeypatch.setattr(pulse, "SILENCE_S", 4.0)
    api.on("GET", f"{V1}/jobs/job_1/events", stream(answer, pieces()))
    with Client(api.url, timeout=5) as client, pulse.Pulse(client, "job_1") as beat:
        began = time.monotonic()
        beat.wait()
        assert 0.7 < time.monotonic() - began < 2
    with Client(api.url, timeout=5) as client, pulse.Pulse(client, "job_2") as beat:
        began = time.monotonic()
        beat.wait()  # learns that there is no stream
        beat.wait()
        assert 0.5 < time.monotonic() - began < 2 and not beat.streams
