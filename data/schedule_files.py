"""Schedules in the lake, so that a server that was emptied does not take them along.

`schedules/<name>-<digest>.json` holds one whole (header and body), mode 0600; the digest keeps names apart that differ
by case alone. A schedule is written here before it is written to Redis. One that is deleted becomes `….deleted` first
and goes when Redis has let go of it: a file of that name is a deletion that must still be carried out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from data.lake import Lake
from data.schedules import Schedule, UnreadableError, read_schedule
from data.storage import HeldError
from leadmill.errors import StorageError, UnavailableError

_LIVE, _DELETED = ".json", ".deleted"
#: Seconds that one writer waits for another: each holds the lock for a few calls to Redis.
_LOCK_S = 5.0


class ScheduleFiles:
    """The schedules of one lake. Whoever changes anything holds `exclusive` around it."""

    def __init__(self, lake: Lake) -> None:
        self._storage = lake.storage
        self._folder = lake.root / "schedules"

    def names(self) -> tuple[set[str], set[str]]:
        """Names of the schedules that are kept, and of those whose deletion is not finished."""
        kept: set[str] = set()
        deleted: set[str] = set()
        for file in self._storage.names(self._folder):
            stem, suffix = os.path.splitext(file)  # noqa: PTH122
            name = stem.rpartition("-")[0]
            if name and suffix in (_LIVE, _DELETED) and stem == _stem(name):
                (kept if suffix == _LIVE else deleted).add(name)
        return kept - deleted, deleted

    def read(self, name: str) -> Schedule | None:
        """One schedule with its body, None when there is none; UnreadableError when its file is damaged."""
        content = self._storage.read(self._path(name))
        if content is None:
            return None
        try:
            found = json.loads(content.data)
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
            self._storage.put(self._path(schedule.name), json.dumps(asdict(schedule), ensure_ascii=False).encode())
            self._storage.remove(self._path(schedule.name, _DELETED))  # made again

    def begin_delete(self, name: str) -> bool:
        """From here on the schedule is deleted, whatever happens; whether there was one."""
        with _told():
            gone = self._path(name, _DELETED)
            try:
                self._storage.move(self._path(name), gone.name)
            except FileNotFoundError:
                return self._storage.stat(gone) is not None
            return True

    def end_delete(self, name: str) -> None:
        """Redis has let go of it, too."""
        with _told():
            self._storage.remove(self._path(name))  # a death may have left both
            self._storage.remove(self._path(name, _DELETED))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the right to change schedules, among all processes of this lake.

        Raises:
            UnavailableError: another process holds it for long.
            StorageError: the folder cannot be written.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self._storage.lock(self._folder / ".lock", _LOCK_S, 0.02))
            except HeldError as error:
                raise UnavailableError("the schedules are being changed by another process; try again") from error
            except OSError as error:
                raise StorageError.of(error) or error from error
            with _told():
                self._storage.drop_unfinished(self._folder)  # of a writer that was killed
            yield

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
