"""Closed streams, and ids of any form: a command says one short line, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from leadmill import Client
from leadmill.client.errors import ApiError

pytestmark = pytest.mark.stack

Run = Callable[..., Any]
V1 = "/api/v1"
COMMAND = f"{sys.executable} -P -m cli.main"


def shell(line: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADMILL_", "CELERY_", "REDIS_"))}
    script = f"set -o pipefail; {line.format(leadmill=COMMAND)}"
    return subprocess.run(
        ["bash", "-c", script], check=False, capture_output=True, text=True, env={**kept, **env}, cwd=folder, timeout=60
    )


LINES = {
    "{leadmill} list | true": 0,
    "{leadmill} --help | true": 0,
    "{leadmill} --help >&-": 0,
    "{leadmill} list >&- 2>&- <&-": 0,
    "{leadmill} nonsense 2>&-": 2,
    "{leadmill} list 2>/dev/full": 0,
    "{leadmill} list >/dev/full": 2,
}


def test_streams_that_nobody_reads(api: Any, answer: Any, a_job: Any, at: Any, tmp_path: Path) -> None:
    api.on("GET", f"{V1}/jobs/list", answer({"items": [a_job(f"job_{n}") for n in range(20)], "next_cursor": None}))
    with ThreadPoolExecutor(2) as pool:
        all_ended = list(pool.map(lambda line: shell(line, at(api.url), tmp_path), LINES))
    for (line, code), ended in zip(LINES.items(), all_ended, strict=True):
        assert ended.returncode == code, (line, ended.stderr)
        assert "Traceback" not in ended.stderr and "Exception ignored" not in ended.stderr, (line, ended.stderr)


def test_a_closed_stream_is_not_taken_by_the_next_file(tmp_path: Path) -> None:
    program = "from cli.streams import open_missing; import os; open_missing(); print('x' * 10); print(os.pipe())"
    ended = shell(f'{sys.executable} -c "{program}" >&- <&-', {"PYTHONPATH": str(Path.cwd())}, tmp_path)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("given", "segment"),
    [
        ("\x1b[31mred", "\x1b[31mred"), ("a\nb", "a\nb"), ("../../companies", "../../companies"), ("..", ".."),
        ("job_1?partial=true#x", "job_1?partial=true#x"), ("job_\u202e1", "job_\u202e1"), ("\udcff", "?"),
    ],
)  # fmt: skip
def test_an_id_is_one_segment_whatever_it_holds(given: str, segment: str, api: Any, tmp_path: Path) -> None:
    with Client(api.url, retries=0) as client:
        for ask, path in (
            (client.status, f"{V1}/jobs/status/"),
            (client.cancel, f"{V1}/jobs/cancel/"),
            (client.company, f"{V1}/companies/"),
            (client.resume, f"{V1}/jobs/"),
            (client.pause_schedule, f"{V1}/schedules/"),
            (lambda job: client.download_report(job, path=tmp_path), f"{V1}/jobs/"),
        ):
            with pytest.raises(ApiError):
                ask(given)
            asked = api.requests[-1].path
            assert unquote(asked).startswith(path + segment), asked
            inner = path.endswith(("/jobs/", "/schedules/"))  # the id stands in the middle
            assert asked.count("/") == path.count("/") + inner
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["", "x" * 100_000])
def test_what_can_be_no_id_is_not_asked_for(given: str, api: Any) -> None:
    with Client(api.url, retries=0) as client:
        for ask in (client.status, client.cancel, client.resume, client.download_report, client.company):
            with pytest.raises(ApiError, match="nothing is called") as caught:
                ask(given)
            assert len(str(caught.value)) < 120
    assert not api.requests


def test_long_and_coloured_arguments_come_back_short_and_plain(leadmill: Run, api: Any, at: Any) -> None:
    for arguments in (
        ("run", f"/{'x' * 5_000}\x1b[1m.csv"), ("list", "--\x1b[31m"), ("submit", b"\xff.example"),
        ("report", "a\x1b[2J"),
    ):  # fmt: skip
        ended = leadmill(*arguments, env=at(api.url))
        assert ended.code == 2, ended.err
        assert ended.err.startswith("error: ") and ended.err.count("\n") == 1
        assert "\x1b" not in ended.err and len(ended.err) < 2_200


@pytest.mark.parametrize("what", [("worker",), ("up", "--port", "0")])
def test_ctrl_c_is_no_traceback_while_it_starts(what: tuple[str, ...], tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADMILL_", "CELERY_", "REDIS_"))}
    env = {**kept, "REDIS_URL": "redis://127.0.0.1:1/0"} if what == ("worker",) else kept
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", *what],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env,
    )  # fmt: skip
    said = ""
    if what == ("worker",):
        assert process.stderr is not None
        said = process.stderr.readline()  # that it waits for its Redis
    else:
        while not (tmp_path / "var" / "run" / "redis.pid").exists():
            time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    try:
        said += process.communicate(timeout=6)[1]
    except subprocess.TimeoutExpired:  # ignored (so a shell starts what runs behind) or lost: people press again
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=15)[1]
    assert "Traceback" not in said, said
    assert process.returncode in (0, 130), said
