"""What costs much to read is read once in a few seconds, whoever looks: pages that are open ask often."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Read = TypeVar("Read")

#: What was read is shown for so long, seconds.
KEPT_S = 5.0
#: Most things that are kept; the one that was made first goes.
MOST = 200


@dataclass
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    at: float = 0.0
    value: Any = None


class Kept:
    """Of one application. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def of(self, key: Hashable, read: Callable[[], Read]) -> Read:
        """What `read` gives, or has given for this key within `KEPT_S`; what it raises is raised, and nothing kept.

        `key` names what is read, and whose it is: the project.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            while len(self._entries) > MOST:
                self._entries.popitem(last=False)
        with entry.lock:  # of several who ask at once one reads, and the others have it, too
            if not entry.at or time.monotonic() - entry.at >= KEPT_S:
                entry.value = read()
                entry.at = time.monotonic()
            found: Read = entry.value
            return found
