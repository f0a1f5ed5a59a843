"""The benchmarks work: rows give lines on a tiny size, verdicts follow from bars, a stopped run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as runner
from benchmarks import harness
from benchmarks.harness import Line, interleave, table
from benchmarks.http_load import load, request

ROOT = Path(__file__).parents[2]


def _quick(row: str, folder: Path) -> list[dict[str, Any]]:
    """Run a row as `make bench-quick` does, its results in a folder of the test's."""
    env = {**os.environ, "LEADMILL_BENCH_RESULTS": str(folder)}
    command = [sys.executable, "-m", f"benchmarks.{row}", "--quick"]
    made = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert made.returncode == 0, made.stderr[-3000:]
    kept: dict[str, Any] = json.loads((folder / f"{row}.quick.json").read_text())
    assert kept["quick"] is True and kept["machine"]["cores"] >= 1
    lines: list[dict[str, Any]] = kept["lines"]
    for line in lines:
        assert line["what"] in made.stdout
    return lines


@pytest.mark.stack
def test_small_pipeline_and_its_floor(tmp_path: Path) -> None:
    lines = _quick("pipeline_small", tmp_path)
    assert [line["bar"] for line in lines] == ["<= 2.5 floor", "<= 1.5 floor"]
    assert all(line["leadmill"] > 0 and line["floor"] > 0 for line in lines)


@pytest.mark.stack
def test_submits_are_all_recorded_and_all_sent(tmp_path: Path) -> None:
    rate, p99 = _quick("submits", tmp_path)
    assert rate["leadmill"] > 0 and rate["floor"] > 0 and rate["better"] == "more"
    assert p99["unit"] == "ms" and p99["bar"] == "<= 1 floor"


@pytest.mark.stack
def test_submits_with_a_key_against_those_without(tmp_path: Path) -> None:
    (line,) = _quick("keyed_submits", tmp_path)
    assert line["leadmill"] > 0 and line["floor"] > 0 and line["bar"] == ">= 0.97 floor"


@pytest.mark.stack
def test_companies_by_their_table_and_by_a_scan(tmp_path: Path) -> None:
    lines = _quick("companies", tmp_path)
    asked = [line for line in lines if line["unit"] == "ms"]
    assert len(lines) == 10 and len(asked) == 8 and all(line["leadmill"] > 0 for line in asked)
    (alone,) = (line["what"] for line in asked if not (line["peer"] or 0) > 0)
    assert alone.startswith("narrow export"), "the one that is not measured against a scan"


@pytest.mark.stack
def test_pages_and_submits_beside_tabs(tmp_path: Path) -> None:
    lines = {line["what"]: line for line in _quick("pages", tmp_path)}
    assert {f"{page}, p95" for page in ("/", "/ui/jobs", "/ui/jobs/{running}", "/ui/leads")} <= {*lines}
    assert lines["submits beside 6 tabs"]["leadmill"] > 0 and lines["requests of the tabs"]["met"]


@pytest.mark.stack
def test_jobs_beside_each_other(tmp_path: Path) -> None:
    small, begins, spread, seconds, queue, share = _quick("fairness", tmp_path)
    assert small["leadmill"] > 0.2 and small["floor"] > 0.2, "one partition alone takes 0.2 s"
    assert begins["leadmill"] > 0 and len(begins["samples"]["leadmill"]) == 1
    assert 0 <= spread["leadmill"] < 1 and len(spread["samples"]["leadmill"]) == 4
    assert seconds["floor_ratio"] >= 1, "no faster than all processes can sleep"
    assert queue["leadmill"] > 0 and queue["floor"] > 0
    assert 0 <= share["leadmill"] <= 1 and share["bar"] == ">= 0.45"


@pytest.mark.stack
def test_many_jobs_against_one_of_as_many_partitions(tmp_path: Path) -> None:
    lines = _quick("many_jobs", tmp_path)
    assert [line["what"].partition(":")[0] for line in lines] == ["1 job of 60", "2 jobs of 30", "10 jobs of 1"]
    assert all(line["leadmill"] > 0 and line["floor"] > 0 for line in lines)


@pytest.mark.stack
def test_record_bytes_shrink_after_the_end(tmp_path: Path) -> None:
    ended, at_once, live = _quick("record_bytes", tmp_path)
    assert 0 < ended["leadmill"] < at_once["leadmill"]
    assert live["leadmill"] > 0


@pytest.mark.stack
def test_scores_of_both_queries_agree(tmp_path: Path) -> None:
    (line,) = _quick("score_million", tmp_path)  # the row itself refuses to be measured when they do not
    assert line["floor_ratio"] > 0


@pytest.mark.parametrize(
    ("line", "met"),
    [
        (Line("a", 20, "ms", "<= 2.5 floor", floor=10), True),
        (Line("a", 26, "ms", "<= 2.5 floor", floor=10), False),
        (Line("a", 10, "ms", ">= 10 peer", peer=100), True),
        (Line("a", 10, "ms", ">= 10 peer", peer=99), False),
        (Line("a", 100, "1/s", ">= 2 peer", peer=50, better="more"), True),
        (Line("a", 151, "ms", "<= 150"), False),
        (Line("a", 1, "ms"), None),
        (Line("a", 1, "ms", "<= 2.5 floor"), None),
    ],
)
def test_verdict_follows_from_the_bar(line: Line, met: bool | None) -> None:
    assert line.met is met
    shown = table([line.as_json()])
    assert ("MISSED" in shown) is (met is False)


def test_contestants_take_turns_and_warm_up_is_not_kept() -> None:
    called: list[str] = []

    def contestant(name: str) -> float:
        called.append(name)
        return float(len(called))

    kept = interleave({"a": lambda: contestant("a"), "b": lambda: contestant("b")}, rounds=2)
    assert called == ["a", "b", "b", "a", "a", "b"]
    assert kept == {"a": [4.0, 5.0], "b": [3.0, 6.0]}


@pytest.mark.stack  # what the machine is asks `uname`
def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    measured: list[str] = []

    def measure(row: str, quick: bool) -> bool:
        measured.append(row)
        harness.write(row, [Line(f"{row} done", 1.0, "s", "<= 2")], 0.1, quick)
        return row != "submits"

    monkeypatch.setattr(runner, "_measure", measure)
    harness.write("pipeline_small", [Line("kept", 5.0, "ms", "<= 2")], 1.0, quick=False)
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "pipeline_small", "record_bytes"])
    assert runner.main() == 0
    assert measured == ["record_bytes"]
    latest = json.loads((tmp_path / "latest.json").read_text())
    assert [(row["what"], row["met"]) for row in latest["rows"]] == [("kept", False), ("record_bytes done", True)]
    assert {"leadmill", "floor", "floor_ratio", "peer", "peer_ratio", "unit", "bar"} <= set(latest["rows"][0])

    day_old = (tmp_path / "pipeline_small.json").stat().st_mtime - runner.KEPT_S
    os.utime(tmp_path / "pipeline_small.json", (day_old, day_old))
    assert runner.main() == 0
    assert measured == ["record_bytes", "pipeline_small"]

    monkeypatch.setattr(sys, "argv", ["bench", "--fresh", "--only", "submits"])
    assert runner.main() == 1
    assert "not measured: submits" in capsys.readouterr().err


@pytest.mark.stack
def test_generator_refuses_answers_that_are_no_success(port: int) -> None:
    found = load(port, 2, 0.2, request("GET", "/good"))
    assert found["count"] > 0 and found["p50_ms"] <= found["p99_ms"]
    with pytest.raises(RuntimeError, match="requests failed"):
        load(port, 2, 0.2, request("POST", "/bad", {"a": 1}))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(503)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
