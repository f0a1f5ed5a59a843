"""Answers made of many parts: where one is damaged the others are given, and the damaged key is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from leadmill.errors import DamagedRecordError
from leadmill.log import get_logger

log = get_logger(__name__)
_Part = TypeVar("_Part")


class Readable:
    """Reads one part after the other. `unreadable` are the keys that something else has written."""

    def __init__(self) -> None:
        self.unreadable: list[str] = []

    def read(self, part: Callable[[], _Part], otherwise: _Part) -> _Part:
        """What `part` gives, or `otherwise` where its key is damaged."""
        try:
            return part()
        except DamagedRecordError as error:
            self.name(error.key or str(error))
            return otherwise

    def name(self, *keys: str) -> None:
        """Note damaged keys, each once."""
        for key in keys:
            if key not in self.unreadable:
                log.warning("left out of an answer: a damaged key", key=key)
                self.unreadable.append(key)
