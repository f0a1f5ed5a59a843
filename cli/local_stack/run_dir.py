"""The run folder (`<data>/run`, `LEADMILL_RUN_DIR`): lock, pid files, URLs and logs by which a running stack is found.

Every file is private (0600, the folder 0700) and written beside its place, then renamed over it, so
that a reader never sees half of one. `stack.json` holds what a pid file cannot: when each process
began, so that a pid that another process has got after a crash is never signalled.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from cli.failure import CommandError
from leadmill.sample_sites import RUN_FILE as SAMPLES
from leadmill.setting_sources import run_dir_of

#: A log longer than this is moved to `<name>.log.1` when its process starts, and while it runs.
MAX_LOG_BYTES = 5_000_000
#: How long a new `up` waits for the guardian of a killed one to end what is left, seconds.
LOCK_PATIENCE_S = 8.0
#: Files that describe a running stack, removed when it ends.
RUN_FILES = ("redis.url", "api.url", "stack.json", SAMPLES)


class StackRunsError(CommandError):
    """Another stack runs on the data folder."""


class RunDir:
    """The folder of one stack's run files. Only the holder of its lock writes here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_fd: int | None = None

    @classmethod
    def of(cls, data_dir: Path) -> Self:
        """That of a stack on a data folder, or on a bucket."""
        from leadmill.settings import get_settings

        return cls(run_dir_of(data_dir, get_settings().own_run_dir))

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            CommandError: the place cannot be written; names another way.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(bytes(4_096))  # an empty one is made on a full disk, too
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(
                f"cannot write to {self.path} ({reason})", hint="leadmill up --data /a/folder/you/can/write"
            ) from error

    @property
    def lock_fd(self) -> int | None:
        """The held lock's descriptor; a child that inherits it keeps the lock until it ends too."""
        return self._lock_fd

    def lock(self, patience_s: float = LOCK_PATIENCE_S) -> None:
        """Take the stack's lock; waits only while the process that took it last is gone.

        Raises:
            StackRunsError: another stack runs on this data folder.
        """
        fd = os.open(self.path / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                owner = _first_number(os.pread(fd, 32, 0))
                if time.monotonic() < until and owner is not None and not _exists(owner):
                    time.sleep(0.05)
                    continue
                os.close(fd)
                who = f" (pid {owner})" if owner else ""
                raise StackRunsError(
                    f"a stack already runs on {self.path.parent}{who}",
                    hint=f"leadmill status --data {self.path.parent}",
                ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd

    def unlock(self) -> None:
        """Give the lock back; calling it twice changes nothing."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    @property
    def mark(self) -> list[int]:
        """What tells this folder from a copy of it, also when it was moved: device and number of the lock's file."""
        try:
            there = os.fstat(self._lock_fd) if self._lock_fd is not None else (self.path / "up.lock").stat()
        except OSError:
            return []
        return [there.st_dev, there.st_ino]

    def write(self, name: str, text: str) -> None:
        """Write a file whole or not at all, readable by its owner only."""
        fd, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}.")
        try:
            with os.fdopen(fd, "w") as file:
                file.write(text)
            Path(temporary).replace(self.path / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def read(self, name: str) -> str | None:
        """A run file's text, or None where there is none."""
        try:
            return (self.path / name).read_text().strip()
        except OSError:
            return None

    def remove(self, *names: str) -> None:
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove every file that says a stack runs (logs and the server's own files stay)."""
        self.remove(*RUN_FILES, *(file.name for file in self.path.glob("*.pid")))

    def pid(self, name: str) -> int | None:
        """The number in `<name>.pid`."""
        return _first_number((self.read(f"{name}.pid") or "").encode())

    def state(self) -> dict[str, Any]:
        """What `stack.json` says; empty where there is no stack, or the file is damaged."""
        try:
            found = json.loads(self.read("stack.json") or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def log(self, name: str) -> Path:
        return self.path / f"{name}.log"

    def bound_log(self, name: str) -> None:
        """Move a log that grew past `MAX_LOG_BYTES` aside (copied and cut, since its writer has it open)."""
        log = self.log(name)
        try:
            if log.stat().st_size <= MAX_LOG_BYTES:
                return
        except FileNotFoundError:
            return
        with log.open("rb+") as file:
            kept = file.read(MAX_LOG_BYTES * 2)
            log.with_suffix(".log.1").write_bytes(kept)
            file.truncate(0)

    def tail(self, name: str, lines: int = 12) -> list[str]:
        """The last lines of a log."""
        try:
            with self.log(name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 20_000))
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        return text.rstrip().splitlines()[-lines:]


def _first_number(raw: bytes) -> int | None:
    words = raw.split()
    return int(words[0]) if words and words[0].isdigit() else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
