"""`LocalStack` and `leadmill up` with a real Redis server and small stand-ins for the Python processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from cli.child import beat_arguments, worker_arguments
from cli.commands.stack import ready_line
from cli.failure import CommandError
from cli.local_stack import ports, redis_server
from cli.local_stack.stack import LocalStack
from tests.valkey import Valkey

pytestmark = pytest.mark.stack

SLEEPER = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
API = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write("|".join(os.environ.get(n, "") for n in sys.argv[1:]).encode())
    def log_message(self, *a): pass
place = os.environ["LEADMILL_API_HOST"], int(os.environ["LEADMILL_API_PORT"])
http.server.ThreadingHTTPServer(place, Handler).serve_forever()
"""
NAMES = ("REDIS_URL", "LEADMILL_DATA_URL", "LEADMILL_KEY_PREFIX")


class Standins(LocalStack):
    def _commands(self, port: int) -> dict[str, list[str]]:
        api = [sys.executable, "-c", API, *NAMES]
        return {"worker-scraping": SLEEPER, "worker-general": SLEEPER, "api": api, "beat": SLEEPER}


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(what: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("LEADMILL_", "REDIS_", "CELERY_")):
            monkeypatch.delenv(name)


def test_everything_is_started_known_and_ended(tmp_path: Path) -> None:
    with Standins(tmp_path / "var", api_port=0, env={"LEADMILL_KEY_PREFIX": "t:"}) as stack:
        pids = stack.pids
        assert set(pids) == {"redis", "worker-scraping", "worker-general", "beat", "api"}
        for name, pid in pids.items():
            assert (tmp_path / "var/run" / f"{name}.pid").read_text().strip() == str(pid)
            assert os.getpgid(pid) == pid
        assert stack.run.read("redis.url") == stack.redis_url
        assert stack.run.read("api.url") == stack.api_url
        assert (tmp_path / "var/run/redis.url").stat().st_mode & 0o777 == 0o600
        import urllib.request

        with urllib.request.urlopen(f"{stack.api_url}/readyz") as response:
            assert response.read().decode() == f"{stack.redis_url}|{tmp_path / 'var'}|t:"
        with redis.Redis.from_url(stack.redis_url) as client:
            assert client.config_get("appendonly", "maxmemory-policy", "save", "appendfsync") == {
                "appendonly": "yes",
                "maxmemory-policy": "noeviction",
                "save": "",
                "appendfsync": "everysec",
            }
            client.set("kept", "yes")
        assert redis_server.check(stack.redis_url) == []
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert not [name for name, pid in pids.items() if alive(pid)]
    left = {file.name for file in (tmp_path / "var/run").iterdir() if file.suffix != ".log"}
    assert left == {"up.lock", "redis"}
    with Standins(tmp_path / "var", api_port=0) as again, redis.Redis.from_url(again.redis_url) as client:
        assert client.get("kept") == b"yes", "the data outlive the stack"


def test_our_redis_has_a_password_that_nobody_sees(tmp_path: Path) -> None:
    said: list[str] = []
    with Standins(tmp_path, api_port=0, say=said.append) as stack:
        parts = urlsplit(stack.redis_url)
        password = str(parts.password)
        assert parts.port != 6379 and len(password) >= 32 and password.isalnum()
        for stranger in (f"redis://127.0.0.1:{parts.port}/0", f"redis://:{password}x@127.0.0.1:{parts.port}/0"):
            with redis.Redis.from_url(stranger) as client, pytest.raises(redis.AuthenticationError):
                client.ping()
        for file in ("redis.url", "redis/redis.conf"):
            assert (tmp_path / "run" / file).stat().st_mode & 0o777 == 0o600
            assert password in (tmp_path / "run" / file).read_text()
        for pid in [os.getpid(), *stack.pids.values()]:
            assert password not in " ".join(psutil.Process(pid).cmdline())
        shown = ready_line(stack, 1.0) + "".join(said) + json.dumps(stack.run.state())
        shown += "".join(file.read_text() for file in (tmp_path / "run").glob("*.log"))
        assert password not in shown and f"{parts.port}" in shown
    with Standins(tmp_path, api_port=0) as again:
        assert again.redis_url == stack.redis_url, "what was started beside it finds it again"
    with ports._socket("127.0.0.1") as taken:
        taken.bind(("127.0.0.1", int(parts.port or 0)))
        taken.listen()
        with Standins(tmp_path, api_port=0) as elsewhere, redis.Redis.from_url(elsewhere.redis_url) as client:
            assert urlsplit(elsewhere.redis_url).port != parts.port and client.ping()


def test_a_port_that_was_taken_while_the_server_was_away_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.local_stack import supervisor

    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.2, 0.2))
    said: list[str] = []
    with Standins(tmp_path, api_port=0, say=said.append) as stack:
        port = int(urlsplit(stack.redis_url).port or 0)
        os.kill(stack.pids["redis"], signal.SIGKILL)
        with Valkey(tmp_path / "stranger", port=port):  # without a password, as most are
            eventually(lambda: stack.check_alive() or any("cannot come back" in line for line in said))
            line = next(line for line in said if "cannot come back" in line)
            assert f"its port {port}" in line and "end that one" in line
        eventually(lambda: redis_server.answers_ping(port, str(urlsplit(stack.redis_url).password)))
        stack.check_alive()


def test_redis_survives_its_own_death_with_its_data(tmp_path: Path) -> None:
    said: list[str] = []
    with Standins(tmp_path, api_port=0, say=said.append) as stack:
        with redis.Redis.from_url(stack.redis_url) as client:
            client.set("kept", "yes")
            # A write waits up to 2 s in the server's memory while the disk is busy with the one before.
            assert client.execute_command("WAITAOF", 1, 0, 10_000)[0] == 1
        first = stack.pids["redis"]
        os.kill(first, signal.SIGKILL)
        eventually(lambda: stack.pids.get("redis") not in (None, first))
        parts = urlsplit(stack.redis_url)
        assert redis_server.wait_for_ping(int(parts.port or 0), 5, str(parts.password))
        with redis.Redis.from_url(stack.redis_url) as client:
            assert client.get("kept") == b"yes"
    assert said == ["redis ended (signal SIGKILL); starting it again in 0.5 s"]


def test_a_named_redis_is_used_and_its_faults_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    server = subprocess.Popen(
        [redis_server.find_server(), "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        assert redis_server.wait_for_ping(port, 5)
        said: list[str] = []
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/3")
        with Standins(tmp_path, api_port=0, say=said.append) as stack:
            assert not stack.redis_is_ours
            assert "redis" not in stack.pids
            assert stack.run.read("redis.url") == f"redis://127.0.0.1:{port}/3"
        assert len(said) == 1
        assert "CONFIG SET appendonly yes" in said[0]
        assert redis_server.answers_ping(port), "what we did not start, we do not stop"
        monkeypatch.setenv("LEADMILL_STRICT", "1")
        from leadmill.settings import get_settings

        get_settings.cache_clear()
        with pytest.raises(CommandError, match="LEADMILL_STRICT refuses"), Standins(tmp_path, api_port=0):
            pass
        get_settings.cache_clear()
    finally:
        server.kill()
        server.wait()


def test_a_dead_named_redis_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(CommandError, match="does not answer") as caught,
        Standins(tmp_path, api_port=0, redis_url="redis://:pw@127.0.0.1:9/0"),
    ):
        pass
    assert "pw" not in str(caught.value)
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"up.lock"}


def test_two_stacks_on_one_folder_are_refused_and_two_folders_are_fine(tmp_path: Path) -> None:
    with Standins(tmp_path / "a", api_port=0) as first:
        with pytest.raises(CommandError, match=rf"already runs on .*a \(pid {os.getpid()}\)"), Standins(tmp_path / "a"):
            pass
        assert alive(first.pids["redis"]), "the refused one ends nothing"
        with Standins(tmp_path / "b", api_port=0) as second:
            assert second.redis_url != first.redis_url


def test_a_process_that_will_not_live_is_said_with_its_last_words(tmp_path: Path) -> None:
    class Broken(Standins):
        def _commands(self, port: int) -> dict[str, list[str]]:
            dying = [sys.executable, "-S", "-c", "raise SystemExit('no module named tasks')"]
            return {**super()._commands(port), "api": dying}

    said: list[str] = []
    with (
        pytest.raises(CommandError, match="api ends soon after every start") as caught,
        Broken(tmp_path, say=said.append),
    ):
        pass
    assert "api | no module named tasks" in said
    assert caught.value.hint == f"tail -50 {tmp_path / 'run' / 'api.log'}"
    assert not list((tmp_path / "run").glob("*.pid"))


UP = """
import sys
sys.path.insert(0, sys.argv[1])
import cli.local_stack.stack
from tests.cli.local_stack import test_stack
cli.local_stack.stack.LocalStack = test_stack.Standins
from cli.main import main
sys.exit(main(["up", "--port", "0", "--data", sys.argv[2]]))
"""


def start_up(data: Path) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", UP, str(Path(__file__).parents[3]), str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready after ") and str(data) in line, line
    assert float(line.split()[2]) < 10
    return process, [int(file.read_text()) for file in (data / "run").glob("*.pid")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_ends_in_order_at_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    process, pids = start_up(tmp_path)
    assert len(pids) == 5
    process.send_signal(number)
    _, said = process.communicate(timeout=15)
    assert process.returncode == 0
    assert said.splitlines()[-1] == "stopped"
    assert "Traceback" not in said
    assert not [pid for pid in pids if alive(pid)]


def test_when_up_is_killed_its_processes_end_and_it_can_be_started_again(tmp_path: Path) -> None:
    process, pids = start_up(tmp_path)
    process.kill()
    process.communicate()
    eventually(lambda: not [pid for pid in pids if alive(pid)], 8)
    process, pids = start_up(tmp_path)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)


@pytest.mark.parametrize(
    ("given", "node"),
    [
        (["-Q", "scraping"], "scraping-"),
        (["--queues=analytics,maintenance"], "analytics-"),
        (["-Qprocessing"], "processing-"),
        (["-c", "2"], "all-"),
        (["-Q", "a b;c"], "abc-"),
    ],
)
def test_node_names_are_unique(given: list[str], node: str) -> None:
    first, second = worker_arguments(given), worker_arguments(given)
    assert first[: len(given) + 1] == ["worker", *given]
    names = [arguments[arguments.index("-n") + 1] for arguments in (first, second)]
    assert names[0] != names[1]
    assert names[0].startswith(f"{node}{os.getpid()}-")
    assert names[0].endswith("@%h")


def test_what_is_given_wins() -> None:
    quiet = ["--without-gossip", "--without-mingle"]
    assert worker_arguments(["-n", "me@%h", "--loglevel=DEBUG"]) == [
        "worker",
        "-n",
        "me@%h",
        "--loglevel=DEBUG",
        *quiet,
    ]
    assert beat_arguments(["-s", "/x", "-l", "ERROR"]) == ["beat", "-s", "/x", "-l", "ERROR"]
    assert beat_arguments([]) == ["beat", "-l", "INFO"]
