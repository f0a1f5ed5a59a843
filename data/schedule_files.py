"""Schedules in the lake, so that a server that was emptied does not take them along.

`schedules/<name>-<digest>.json` holds one whole (header and body), mode 0600; the digest keeps names apart that differ
by case alone. A schedule is written here before it is written to Redis. One that is deleted becomes `….deleted` first
and goes when Redis has let go of it: a file of that name is a deletion that must still be carried out.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from data.file_lock import try_lock
from data.lake import Lake, sync_file
from data.schedules import Schedule, UnreadableError, read_schedule
from leadmill.errors import StorageError, UnavailableError

_LIVE, _DELETED = ".json", ".deleted"
#: Seconds that one writer waits for another: each holds the lock for a few calls to Redis.
_LOCK_S = 5.0


class ScheduleFiles:
    """The schedules of one lake. Whoever changes anything holds `exclusive` around it."""

    def __init__(self, lake: Lake) -> None:
        self._folder = lake.root / "schedules"

    def names(self) -> tuple[set[str], set[str]]:
        """Names of the schedules that are kept, and of those whose deletion is not finished."""
        kept: set[str] = set()
        deleted: set[str] = set()
        try:
            files = os.listdir(self._folder)  # noqa: PTH208 - looked at once a second
        except FileNotFoundError:
            return kept, deleted
        for file in files:
            stem, suffix = os.path.splitext(file)  # noqa: PTH122
            name = stem.rpartition("-")[0]
            if name and suffix in (_LIVE, _DELETED) and stem == _stem(name):
                (kept if suffix == _LIVE else deleted).add(name)
        return kept, deleted

    def read(self, name: str) -> Schedule | None:
        """One schedule with its body, None when there is none; UnreadableError when its file is damaged."""
        try:
            text = self._path(name).read_text()
        except FileNotFoundError:
            return None
        try:
            found = json.loads(text)
        except ValueError as error:
            raise UnreadableError(f"not JSON: {error}") from error
        if not isinstance(found, dict) or not isinstance(found.get("body"), dict):
            raise UnreadableError("not a schedule with its body")
        body = found.pop("body")
        return read_schedule(name, json.dumps(found), json.dumps(body))

    def write(self, schedule: Schedule) -> None:
        """Write a schedule, whole or not at all.

        Raises:
            StorageError: the disk is full, read-only …
        """
        with _told():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            target = self._path(schedule.name)
            fd, temporary = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".tmp")  # mode 0600
            try:
                with os.fdopen(fd, "w") as file:
                    json.dump(asdict(schedule), file, ensure_ascii=False)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            self._path(schedule.name, _DELETED).unlink(missing_ok=True)  # made again
            sync_file(self._folder)

    def begin_delete(self, name: str) -> bool:
        """From here on the schedule is deleted, whatever happens; whether there was one."""
        with _told():
            try:
                self._path(name).replace(self._path(name, _DELETED))
            except FileNotFoundError:
                return self._path(name, _DELETED).exists()
            sync_file(self._folder)
            return True

    def end_delete(self, name: str) -> None:
        """Redis has let go of it, too."""
        with _told():
            self._path(name, _DELETED).unlink(missing_ok=True)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the right to change schedules, among all processes of this lake.

        Raises:
            UnavailableError: another process holds it for long.
            StorageError: the folder cannot be written.
        """
        with _told():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            until = time.monotonic() + _LOCK_S
            while not try_lock(fd):
                if time.monotonic() > until:
                    raise UnavailableError("the schedules are being changed by another process; try again")
                time.sleep(0.02)
            yield
        finally:
            os.close(fd)

    def _path(self, name: str, suffix: str = _LIVE) -> Path:
        return self._folder / f"{_stem(name)}{suffix}"


def _stem(name: str) -> str:
    return f"{name}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"


@contextmanager
def _told() -> Iterator[None]:
    """A disk that takes nothing is told as what it is."""
    try:
        yield
    except OSError as error:
        raise StorageError.of(error) or error from error
