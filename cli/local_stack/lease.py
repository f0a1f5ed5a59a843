"""Who uses the stack of a data folder just now: each user holds a shared lock on `run/users.lock`.

The kernel gives a lock back however its holder ends, so nobody counts, and nothing is left behind by a kill.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cli import console
from cli.local_stack.run_dir import RunDir

LOCK = "users.lock"


class Lease:
    """Within a `with`: this process uses the stack, so that a temporary one stays. Waits for one that ends just now."""

    def __init__(self, run: RunDir) -> None:
        self._run = run
        self._fd: int | None = None

    def __enter__(self) -> Self:
        """A folder that cannot be written has no stack to keep: nothing is held then."""
        with suppress(OSError):
            self._run.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = _opened(self._run.path)
        if self._fd is not None and not _locks(self._fd, fcntl.LOCK_SH):
            console.note("waiting for the stack that ends just now")
            fcntl.flock(self._fd, fcntl.LOCK_SH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Use it no longer; calling it twice changes nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class LastOut:
    """Held by the stack itself: taken once no lease is held, and from then on none is given until it is closed."""

    def __init__(self, run: RunDir) -> None:
        self._fd = _opened(run.path)

    def taken(self) -> bool:
        """Whether nobody uses the stack; it is ours then."""
        return _locks(self._fd, fcntl.LOCK_EX)

    def close(self) -> None:
        os.close(self._fd)


def is_ending(run: RunDir) -> bool:
    """Whether the stack has found that nobody uses it."""
    return _probe(run, fcntl.LOCK_SH) is False


def is_used(run: RunDir) -> bool:
    """Whether somebody holds a lease."""
    return _probe(run, fcntl.LOCK_EX) is False and not is_ending(run)


def _probe(run: RunDir, how: int) -> bool:
    try:
        fd = _opened(run.path)
    except OSError:
        return True
    try:
        return _locks(fd, how)
    finally:
        os.close(fd)


def _opened(folder: Path) -> int:
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locks(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
