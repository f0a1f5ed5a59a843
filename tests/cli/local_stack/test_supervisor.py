"""The supervisor with real processes: restarts, locks, bounded ends, nothing left behind when killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cli.failure import CommandError
from cli.local_stack import supervisor as supervisor_module
from cli.local_stack.process import ChildSpec
from cli.local_stack.run_dir import MAX_LOG_BYTES, RunDir
from cli.local_stack.supervisor import Supervisor, end_leftovers, in_words

pytestmark = pytest.mark.stack

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
#: Deaf to TERM, and with a child of its own that is deaf too; writes both pids.
DEAF_FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    with open(sys.argv[1] + ".tmp", "w") as file:
        file.write(f"{os.getpid()} {child}")
    os.rename(sys.argv[1] + ".tmp", sys.argv[1])
time.sleep(600)
"""


def eventually(what: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDir]:
    folder = RunDir(tmp_path / "run")
    folder.prepare()
    folder.lock()
    yield folder
    folder.unlock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(run: RunDir, said: list[str]) -> Iterator[Supervisor]:
    it = Supervisor(run, facts={"data": "here"}, say=said.append)
    yield it
    it.hurry()
    it.end()


def test_a_dead_process_is_started_again_and_said(run: RunDir, supervisor: Supervisor, said: list[str]) -> None:
    first = supervisor.start(ChildSpec("sleeper", SLEEPER))
    assert run.pid("sleeper") == first
    assert os.getpgid(first) == first, "a process group of its own"
    os.kill(first, signal.SIGKILL)
    began = time.monotonic()
    eventually(lambda: supervisor.pids.get("sleeper") not in (None, first))
    assert 0.3 < time.monotonic() - began < 3
    eventually(lambda: run.pid("sleeper") == supervisor.pids["sleeper"])  # written just after the start
    eventually(lambda: run.state()["children"].get("sleeper", {}).get("pid") == supervisor.pids["sleeper"])
    assert said == ["sleeper ended (signal SIGKILL); starting it again in 0.5 s"]


def test_the_pause_grows_and_begins_anew_after_a_good_life(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "BACKOFF_S", (0.05, 0.2))
    supervisor.start(ChildSpec("brief", [sys.executable, "-S", "-c", "raise SystemExit(3)"]))
    eventually(lambda: len(said) >= 4)
    pauses = [line.split(" in ")[1] for line in said[:4]]
    assert pauses == ["0.5 s", "0.2 s", "0.2 s", "0.2 s"], "the first pause was set before the patch"
    assert "exit code 3" in said[0]
    assert supervisor.quick_deaths("brief") >= 4
    monkeypatch.setattr(supervisor_module, "GOOD_LIFE_S", 0.0)
    count = len(said)
    eventually(lambda: len(said) >= count + 2)
    assert said[-1].endswith("in 0.05 s")


def test_children_of_a_killed_process_are_killed_before_it_starts_again(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    supervisor.start(ChildSpec("family", [sys.executable, "-c", DEAF_FAMILY, str(note)]))
    eventually(note.exists)
    parent, child = map(int, note.read_text().split())
    os.kill(parent, signal.SIGKILL)
    eventually(lambda: not alive(child))


def test_the_end_is_bounded_and_in_order(run: RunDir, said: list[str], tmp_path: Path) -> None:
    it = Supervisor(run, facts={}, say=said.append)
    note, order = tmp_path / "pids", tmp_path / "order"
    script = "import signal,sys,time\ndef bye(*a):\n open(sys.argv[1],'a').write(sys.argv[2]);sys.exit()\n"
    script += "signal.signal(signal.SIGTERM, bye)\nopen(sys.argv[3],'w').close()\ntime.sleep(600)"
    for name, last in (("server", True), ("worker", False)):
        command = [sys.executable, "-c", script, str(order), name[0], str(tmp_path / name)]
        it.start(ChildSpec(name, command, last=last))
    it.start(ChildSpec("deaf", [sys.executable, "-c", DEAF_FAMILY, str(note)], patience_s=0.5, quit_too=False))
    eventually(lambda: note.exists() and (tmp_path / "server").exists() and (tmp_path / "worker").exists())
    pids = [*it.pids.values(), *map(int, note.read_text().split())]
    began = time.monotonic()
    it.end()
    assert time.monotonic() - began < 3
    assert not [pid for pid in pids if alive(pid)]
    assert order.read_text() == "ws", "the one marked last ends last"
    assert not list(run.path.glob("*.pid"))
    assert said == [], "an asked-for end is not a death"


def test_quit_follows_term_where_asked_for(run: RunDir, tmp_path: Path) -> None:
    it = Supervisor(run, facts={}, say=lambda line: None)
    note, ready = tmp_path / "note", tmp_path / "ready"
    script = f"""import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def cold(*_):
    open({str(note)!r}, "w").write("cold")
    sys.exit()
signal.signal(signal.SIGQUIT, cold)
open({str(ready)!r}, "w").close()
time.sleep(600)"""
    it.start(ChildSpec("w", [sys.executable, "-c", script], patience_s=0.3, quit_too=True))
    eventually(ready.exists)
    it.end()
    assert note.read_text() == "cold"


def test_a_command_that_cannot_start_is_an_error(supervisor: Supervisor) -> None:
    with pytest.raises(OSError, match="no/such/program"):
        supervisor.start(ChildSpec("none", ["/no/such/program"]))
    assert supervisor.start(ChildSpec("sleeper", SLEEPER)) > 0, "and the supervisor goes on"


def test_a_run_folder_that_was_cleaned_away_is_no_end(run: RunDir, supervisor: Supervisor, said: list[str]) -> None:
    first = supervisor.start(ChildSpec("sleeper", SLEEPER))
    shutil.rmtree(run.path)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.pids.get("sleeper") not in (None, first))
    assert supervisor.crash is None
    eventually(lambda: run.pid("sleeper") == supervisor.pids["sleeper"])  # it is noted just after the start
    assert any(line.startswith("cannot write stack.json") for line in said)


OWNER = """
import sys, time
from pathlib import Path
from cli.local_stack.process import ChildSpec
from cli.local_stack.run_dir import RunDir
from cli.local_stack.supervisor import Supervisor
run = RunDir(Path(sys.argv[1])); run.prepare(); run.lock()
it = Supervisor(run, facts={}, say=print)
it.start(ChildSpec("family", [sys.executable, "-c", sys.argv[2], sys.argv[3]]))
it.start(ChildSpec("plain", [sys.executable, "-c", "import time; time.sleep(600)"], last=True))
run.write("api.url", "http://127.0.0.1:1")
print("up", flush=True)
time.sleep(600)
"""


def test_when_the_supervisor_is_killed_all_ends_and_the_folder_is_free(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    folder = tmp_path / "run"
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), str(folder), DEAF_FAMILY, str(note)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    eventually(note.exists)
    run = RunDir(folder)
    with pytest.raises(CommandError, match="already runs"):
        run.lock(patience_s=0.2)
    pids = [*map(int, note.read_text().split()), run.pid("plain") or 0]
    assert all(alive(pid) for pid in pids)
    owner.kill()
    owner.wait()
    run.lock()  # waits for the guardian
    assert not [pid for pid in pids if alive(pid)], "deaf grandchildren included"
    assert not list(folder.glob("*.pid"))
    assert run.read("api.url") is None
    run.unlock()


def test_leftovers_of_a_crash_are_ended_and_strangers_are_not(run: RunDir) -> None:
    left = subprocess.Popen(SLEEPER, start_new_session=True)
    stranger = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        children = {
            "worker-general": {"pid": left.pid, "born": supervisor_module.birth_of(left.pid)},
            "api": {"pid": stranger.pid, "born": 1.0},
        }
        run.write("stack.json", json.dumps({"children": children}))
        run.write("api.pid", f"{stranger.pid}\n")
        assert end_leftovers(run) == ["worker-general"]
        assert not alive(left.pid)
        assert stranger.poll() is None
        assert run.pid("api") is None
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait()


def test_a_copied_folder_ends_nothing_of_the_first_one(run: RunDir, supervisor: Supervisor, tmp_path: Path) -> None:
    """A backup that was taken while the stack ran, and is started beside it."""
    supervisor.start(ChildSpec("sleeper", SLEEPER))
    shutil.copytree(run.path, tmp_path / "copy" / "run")
    copy = RunDir(tmp_path / "copy" / "run")
    copy.lock()
    assert end_leftovers(copy) == []
    assert alive(supervisor.pids["sleeper"]) and run.pid("sleeper") == supervisor.pids["sleeper"]
    assert copy.pid("sleeper") is None
    copy.unlock()
    moved = run.path.rename(tmp_path / "moved")
    assert end_leftovers(RunDir(moved)) == ["sleeper"], "a folder that was moved is the same one"


def test_a_damaged_state_file_is_no_hindrance(run: RunDir) -> None:
    for text in ("", "{", "[]", '{"children": null}'):
        run.write("stack.json", text)
        assert end_leftovers(run) == []


def test_run_files_are_private_and_logs_bounded(run: RunDir, supervisor: Supervisor) -> None:
    run.log("sleeper").write_bytes(b"old\n" * (MAX_LOG_BYTES // 4 + 10))
    run.log("sleeper").chmod(0o600)
    supervisor.start(ChildSpec("sleeper", SLEEPER))
    assert run.log("sleeper").stat().st_size == 0
    assert (run.path / "sleeper.log.1").exists()
    for file in run.path.iterdir():
        if not file.name.endswith(".1"):
            assert file.stat().st_mode & 0o077 == 0, file.name
    assert run.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (-9, "signal SIGKILL"), (-77, "signal 77")])
def test_exit_codes_in_words(code: int, words: str) -> None:
    assert in_words(code) == words
