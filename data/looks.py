"""A look at what other processes may have changed, taken again and again: as often as the storage says that it may be.

On a disk a look costs nothing. On an object store each is a request that is paid, by an idle stack, too: what was seen
some seconds ago may then say that nothing has changed, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from data.mounts import storage_at

Found = TypeVar("Found")


class Look(Generic[Found]):
    """What `look` finds of files below `root`. Whatever it raises is raised, and not kept."""

    def __init__(self, root: Path, look: Callable[[], Found]) -> None:
        self._root, self._look = root, look
        self._kept: tuple[float, Found] | None = None

    def seen(self) -> Found:
        """As it is now, or was `Storage.look_s` seconds ago at most."""
        kept = self._kept
        if kept is not None and time.monotonic() - kept[0] < storage_at(self._root).look_s:
            return kept[1]
        return self.again()

    def again(self) -> Found:
        """As it is now."""
        at, found = time.monotonic(), self._look()
        self._kept = at, found
        return found
