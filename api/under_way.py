"""How many requests this process is answering just now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class UnderWay:
    """Those that are counted. Used from the server's loop alone; `with` it a request is one of them."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        """One that is counted waits, and needs nothing while the block lasts."""
        self.count -= 1
        try:
            yield
        finally:
            self.count += 1
