"""One child process of the stack: in a session of its own, tied to our life, ended with its children."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.privacy import UMASK

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class ChildSpec:
    """What to start and how to end it."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    #: Variables of ours that it does not get.
    without: Collection[str] = ()
    cwd: Path | None = None
    #: How long TERM may take, seconds; then `QUIT` where asked for, then KILL.
    patience_s: float = 5.0
    #: Ask once more with QUIT (Celery's cold stop gives leases back) before killing.
    quit_too: bool = False
    #: To be ended after all others, also by the guardian.
    last: bool = False


class Child:
    """A started `ChildSpec`. Start it from a thread that outlives it: Linux ends it when that thread ends."""

    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self.spec = spec
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as output:
            self._popen = subprocess.Popen(
                list(spec.argv),
                env={**environment(spec.without), **spec.env},
                cwd=spec.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=UMASK,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - two system calls, no allocation of locks
            )
        self.pid = self._popen.pid

    def ended(self) -> int | None:
        """Exit code (negative: signal) once it is over; what it left in its group is killed first."""
        if self._popen.returncode is not None:
            return self._popen.returncode
        # Looked at without reaping, so that the group's number cannot belong to another process yet.
        try:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return None
        except ChildProcessError:  # another thread has just reaped it
            return self._popen.wait()
        self.kill()
        return self._popen.wait()

    def send(self, number: signal.Signals) -> None:
        """Signal the process itself; its children follow it by themselves."""
        self._popen.send_signal(number)

    def kill(self) -> None:
        """KILL to the whole group. Only while it is not reaped."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def environment(without: Collection[str]) -> dict[str, str]:
    """Ours, without some variables."""
    return {name: value for name, value in os.environ.items() if name not in without}


def die_with_parent(parent: int) -> Callable[[], None] | None:
    """What a child calls before exec so that the kernel sends it TERM when its parent dies (Linux only).

    Elsewhere the guardian alone does this.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl: Any = ctypes.CDLL(None, use_errno=True).prctl

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)

    return before_exec
