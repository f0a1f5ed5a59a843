"""Logging of what anybody outside can cause at will: one line of a kind in ten seconds, and how many there were."""

from __future__ import annotations

import logging
import time
from typing import Any

#: Seconds between two lines of one kind; kinds remembered.
EVERY_S, MAX_KINDS = 10.0, 100


class LimitedLog:
    """Warns once of each kind, then at most every ten seconds. Not for several threads."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._told: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def warning(self, event: str, kind: str, **about: Any) -> None:
        """`kind` is told with the line, and says which lines are alike."""
        now = time.monotonic()
        if now - self._told.get(kind, -EVERY_S) < EVERY_S:
            self._untold[kind] = self._untold.get(kind, 0) + 1
            return
        if len(self._told) >= MAX_KINDS:
            self._told.clear()
            self._untold.clear()
        self._told[kind] = now
        self._log.warning(event, why=kind, and_more=self._untold.pop(kind, None), **about)


class Seldom(logging.Filter):
    """The same for what a library logs: of each warning's text one line in ten seconds, and not how many there were."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        now = time.monotonic()
        if now - self._told.get(record.msg, -EVERY_S) < EVERY_S:
            return False
        if len(self._told) >= MAX_KINDS:
            self._told.clear()
        self._told[record.msg] = now
        return True
