"""Keeps the stack's processes alive: starts them, starts again what dies, ends them in order.

All processes are started by one thread of the supervisor, because the kernel ties a child to the
thread that made it. That thread ends only after its last child.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.local_stack.process import Child, ChildSpec, environment
from cli.local_stack.run_dir import RunDir
from leadmill.settings import secret_variables

#: Pause before a dead process is started again, seconds: doubles from the first to the second value …
BACKOFF_S = (0.5, 5.0)
#: … and begins anew once a process lived this long.
GOOD_LIFE_S = 10.0
_TICK_S = 0.1
_LOGS_EVERY_S = 10.0
_AFTER_QUIT_S = 2.0


@dataclass
class _Watch:
    spec: ChildSpec
    child: Child | None = None
    born: float = 0.0
    pause_s: float = BACKOFF_S[0]
    due: float = 0.0
    #: Deaths in a row, each before `GOOD_LIFE_S`.
    quick_deaths: int = 0


class Supervisor:
    """Looks after the processes of one run folder, whose lock the caller holds."""

    def __init__(self, run: RunDir, *, facts: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self._run = run
        self._facts = facts
        self._say = say
        self._orders: queue.Queue[tuple[ChildSpec, Future[int]]] = queue.Queue()
        self._watches: dict[str, _Watch] = {}
        self._ending = threading.Event()
        self._hurry = threading.Event()
        self._guardian: subprocess.Popen[bytes] | None = None
        self._logs_due = 0.0
        self.crash: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, spec: ChildSpec) -> int:
        """Start a process, keep it alive from now on, and return its pid.

        Raises:
            OSError: it cannot be started at all.
        """
        answer: Future[int] = Future()
        self._orders.put((spec, answer))
        while True:
            try:
                return answer.result(timeout=0.5)
            except TimeoutError:
                if not self._thread.is_alive():
                    raise RuntimeError("the supervisor has ended") from self.crash

    @property
    def pids(self) -> dict[str, int]:
        """Pids of the processes that live just now, by name."""
        return {name: watch.child.pid for name, watch in list(self._watches.items()) if watch.child}

    def quick_deaths(self, name: str) -> int:
        """How often in a row a process ended soon after its start."""
        return self._watches[name].quick_deaths if name in self._watches else 0

    def end(self) -> None:
        """Stop all processes, those marked `last` after the others, and return when none is left."""
        self._ending.set()
        while self._thread.is_alive():
            self._thread.join(timeout=0.2)

    def hurry(self) -> None:
        """End without patience: what is still there is killed."""
        self._hurry.set()

    def _work(self) -> None:
        try:
            while not self._ending.is_set():
                self._take_order()
                self._look_after()
            for last in (False, True):
                self._stop([w for w in self._watches.values() if w.child and w.spec.last is last])
        except BaseException as error:  # ends the thread; kept for whoever waits for it
            self.crash = error
            self._say(f"supervisor: {type(error).__name__}: {error}")
        finally:
            for watch in self._watches.values():
                if watch.child and watch.child.ended() is None:
                    watch.child.kill()
                    watch.child.ended()
            self._dismiss_guardian()

    def _take_order(self) -> None:
        try:
            spec, answer = self._orders.get(timeout=_TICK_S)
        except queue.Empty:
            return
        try:
            watch = self._watches.setdefault(spec.name, _Watch(spec))
            self._spawn(watch)
            assert watch.child is not None
            answer.set_result(watch.child.pid)
        except OSError as error:
            del self._watches[spec.name]
            answer.set_exception(error)

    def _spawn(self, watch: _Watch) -> None:
        self._run.path.mkdir(parents=True, exist_ok=True, mode=0o700)  # should somebody have cleaned it away
        self._bound_logs(watch.spec.name)
        watch.child = Child(watch.spec, self._run.log(watch.spec.name))
        watch.born = time.monotonic()
        self._tell_guardian(f"watch {watch.child.pid}{' last' if watch.spec.last else ''}")
        self._note(f"{watch.spec.name}.pid", f"{watch.child.pid}\n")
        self._write_state()

    def _spawn_again(self, watch: _Watch) -> None:
        try:
            self._spawn(watch)
        except OSError as error:  # no memory, no descriptors: may pass
            watch.due = time.monotonic() + BACKOFF_S[1]
            self._say(f"{watch.spec.name} cannot be started ({error}); next try in {BACKOFF_S[1]:g} s")

    def _note(self, name: str, text: str) -> None:
        """Write a run file; a full disk must not end the processes, so a failure is only told."""
        try:
            self._run.write(name, text)
        except OSError as error:
            self._say(f"cannot write {name}: {error}")

    def _bound_logs(self, *names: str) -> None:
        for name in names:
            try:
                self._run.bound_log(name)
            except OSError as error:
                self._say(f"cannot bound the log of {name}: {error}")

    def _look_after(self) -> None:
        now = time.monotonic()
        for watch in self._watches.values():
            if watch.child is None:
                if now >= watch.due:
                    self._spawn_again(watch)
            elif (code := watch.child.ended()) is not None:
                self._after_death(watch, code)
        if self._guardian and self._guardian.poll() is not None:
            self._guardian = None
            self._tell_guardian()
        if now >= self._logs_due:
            self._logs_due = now + _LOGS_EVERY_S
            self._bound_logs(*self._watches)

    def _after_death(self, watch: _Watch, code: int) -> None:
        assert watch.child is not None
        now = time.monotonic()
        if now - watch.born >= GOOD_LIFE_S:
            watch.pause_s, watch.quick_deaths = BACKOFF_S[0], 0
        watch.quick_deaths += 1
        watch.due = now + watch.pause_s
        self._forget(watch)
        self._say(f"{watch.spec.name} ended ({in_words(code)}); starting it again in {watch.pause_s:g} s")
        watch.pause_s = min(watch.pause_s * 2, BACKOFF_S[1])

    def _forget(self, watch: _Watch) -> None:
        assert watch.child is not None
        self._tell_guardian(f"forget {watch.child.pid}")
        watch.child = None
        self._run.remove(f"{watch.spec.name}.pid")
        self._write_state()

    def _stop(self, watches: list[_Watch]) -> None:
        began = time.monotonic()
        for watch in watches:
            if watch.child and watch.child.ended() is None:
                watch.child.send(signal.SIGTERM)
        asked_again: set[str] = set()
        while watches:
            spent = time.monotonic() - began
            for watch in list(watches):
                assert watch.child is not None
                if watch.child.ended() is not None:
                    self._forget(watch)
                    watches.remove(watch)
                    continue
                patience = watch.spec.patience_s
                if watch.spec.quit_too and spent > patience and watch.spec.name not in asked_again:
                    asked_again.add(watch.spec.name)
                    watch.child.send(signal.SIGQUIT)
                if self._hurry.is_set() or spent > patience + _AFTER_QUIT_S * watch.spec.quit_too:
                    watch.child.kill()
            time.sleep(0.03)

    def _write_state(self) -> None:
        children = {name: {"pid": pid, "born": birth_of(pid)} for name, pid in self.pids.items()}
        state = {**self._facts, "pid": os.getpid(), "folder": self._run.mark, "children": children}
        self._note("stack.json", json.dumps(state))

    def _tell_guardian(self, line: str | None = None) -> None:
        """Pass a line on; a guardian that is gone is replaced and told everything anew."""
        if self._guardian is None:
            self._guardian = self._new_guardian()
            lines: Iterable[str] = [
                f"watch {w.child.pid}{' last' if w.spec.last else ''}" for w in self._watches.values() if w.child
            ]
        else:
            lines = [line] if line else []
        assert self._guardian.stdin is not None
        try:
            self._guardian.stdin.write("".join(f"{each}\n" for each in lines).encode())
            self._guardian.stdin.flush()
        except BrokenPipeError:
            self._guardian = None  # the next look replaces it
            self._tell_guardian()

    def _new_guardian(self) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("guardian.py")
        held = () if self._run.lock_fd is None else (self._run.lock_fd,)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(script), str(self._run.path)],
            env=environment(secret_variables()),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=held,
        )

    def _dismiss_guardian(self) -> None:
        if self._guardian is None:
            return
        with suppress(BrokenPipeError):
            assert self._guardian.stdin is not None
            self._guardian.stdin.close()
        self._guardian.wait()


def in_words(code: int) -> str:
    """An exit code as a reader wants it: `exit code 1`, `signal SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def birth_of(pid: int) -> float | None:
    """When a process began, seconds since the epoch; None when it is gone."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def end_leftovers(run: RunDir) -> list[str]:
    """End what a crashed stack left behind, known by pid and time of birth; returns the names.

    Nothing is ended for a folder that was copied, run files and all: the stack of the other one may be alive.
    """
    found = []
    state = run.state()
    ours = "folder" not in state or state["folder"] == run.mark  # version 0.1.0 wrote none
    for name, child in dict(state.get("children") or {}).items() if ours else ():
        pid, born = child.get("pid"), child.get("born")
        if not isinstance(pid, int) or born is None or birth_of(pid) != born:
            continue
        found.append(name)
        _end_stranger(pid)
    run.clear()
    return found


def _end_stranger(pid: int) -> None:
    import psutil

    try:
        process = psutil.Process(pid)
        process.terminate()
        with suppress(psutil.TimeoutExpired):
            process.wait(timeout=3)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    except psutil.NoSuchProcess:
        return
