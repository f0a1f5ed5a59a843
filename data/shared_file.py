"""A small file in the data folder that several processes read whole, and change one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data.local_storage import LocalStorage
from data.storage import Stat, Storage
from leadmill.errors import StorageError, UnavailableError

#: Seconds that one writer waits for another, which reads and writes one small file; and between two looks.
_LOCK_S, _LOOK_S = 5.0, 0.02


class SharedFile:
    """`name` in the folder `root`, mode 0600; `holds` is what it holds, in a sentence: "the quotas"."""

    def __init__(self, root: Path, name: str, holds: str) -> None:
        self.path = root / name
        self._storage: Storage = LocalStorage(root)
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
            except TimeoutError as error:
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
