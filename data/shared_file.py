"""A small file in the data folder that several processes read whole, and change one after the other."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from data.mounts import storage_at
from data.storage import HeldError, Stat, Storage
from leadmill.errors import LeadmillError, StorageError, UnavailableError

#: Seconds that one writer waits for another, which reads and writes one small file; and between two looks.
_LOCK_S, _LOOK_S = 5.0, 0.02
#: Between two looks of one process whether it has changed, seconds.
LOOK_S = 1.0

Content = TypeVar("Content")


class SharedFile:
    """`name` in the folder `root`, mode 0600; `holds` is what it holds, in a sentence: "the quotas"."""

    def __init__(self, root: Path, name: str, holds: str) -> None:
        self.path = root / name
        self._storage: Storage = storage_at(root)
        self._lock = root / f".{self.path.stem}.lock"
        self._holds = holds

    def stat(self) -> Stat | None:
        """What tells whether it has changed; None where there is none.

        Raises:
            OSError: it cannot be told.
        """
        return self._storage.stat(self.path)

    def was_changed(self) -> bool:
        """Whether it ever was, as far as the folder tells: the lock of that stays.

        Raises:
            OSError: it cannot be told.
        """
        return self._storage.stat(self._lock) is not None

    def read(self) -> bytes | None:
        """All of it; None where there is none.

        Raises:
            OSError: it cannot be read.
        """
        content = self._storage.read(self.path)
        return None if content is None else content.data

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While this is held nobody else changes it.

        Raises:
            UnavailableError: another process holds it.
            StorageError: it cannot be held.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self._storage.lock(self._lock, _LOCK_S, _LOOK_S))
            except HeldError as error:
                raise UnavailableError(f"{self._holds} are being changed by another process; try again") from error
            except OSError as error:
                raise StorageError.of(error) or error from error
            yield

    def put(self, data: bytes) -> None:
        """Write it anew; while it is being changed.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            self._storage.put(self.path, data)
        except OSError as error:
            raise StorageError.of(error) or error from error


class SharedTable(Generic[Content]):
    """What such a file of JSON holds, in memory: looked at at most once a second. Safe to share between threads.

    `nothing` stands for a file that is not there, `checked` makes the content of what JSON says, or raises whatever it
    stumbles over; `unreadable` makes the error of a reason in words.
    """

    def __init__(
        self,
        file: SharedFile,
        nothing: Content,
        checked: Callable[[Any], Content],
        unreadable: Callable[[str], LeadmillError],
    ) -> None:
        self._file, self._nothing, self._checked, self._unreadable = file, nothing, checked, unreadable
        self._held = nothing
        self._stat: Stat | None = None
        self._look_at = 0.0
        self._looking = threading.Lock()

    def held(self) -> Content:
        """As it is now, or was a second ago.

        Raises:
            LeadmillError: that of `unreadable`.
        """
        if time.monotonic() >= self._look_at:
            with self._looking:
                self._look()
        return self._held

    def look_again(self) -> None:
        """Let the next who asks hear what the file holds by then."""
        self._look_at = 0.0

    def change(self, change: Callable[[Content], Any]) -> None:
        """Write what `change` makes of what the file holds, as JSON.

        Raises:
            LeadmillError: that of `unreadable`.
            StorageError, UnavailableError: it cannot be written.
        """
        with self._file.changing():
            self._file.put(json.dumps(change(self._read()), indent=1).encode())
        self.look_again()

    def _look(self) -> None:
        try:
            stat = self._file.stat()
            if stat != self._stat or self._stat is None:
                self._held = self._nothing if stat is None else self._read()
            self._stat, self._look_at = stat, time.monotonic() + LOOK_S
        except OSError as error:
            raise self._unreadable(error.strerror or type(error).__name__) from error

    def _read(self) -> Content:
        try:
            content = self._file.read()
            return self._nothing if content is None else self._checked(json.loads(content))
        except OSError as error:
            raise self._unreadable(error.strerror or type(error).__name__) from error
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise self._unreadable(f"{type(error).__name__}: {str(error)[:100]}") from error
