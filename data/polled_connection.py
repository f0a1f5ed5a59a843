"""A connection to Redis that is asked cheaply, before each command, whether it is still good."""

from __future__ import annotations

import select
from typing import Any

from redis import Connection


class PolledConnection(Connection):
    """Before each command redis-py looks whether its connection was closed, or has something that nobody read.

    It sets the socket's timeout twice for that, and reads until an exception says that nothing is there: a tenth of
    what a command takes. One look by `poll` finds out the same; only where it sees something redis-py looks, too. A
    connection by TLS may hold bytes that the kernel does not know of, and stays redis-py's own.
    """

    def can_read(self, timeout: float = 0) -> bool:
        sock: Any = self._sock
        buffer: Any = getattr(self._parser, "_buffer", None)
        if timeout or sock is None or buffer is None or buffer.unread_bytes():
            return super().can_read(timeout)
        look = select.poll()
        look.register(sock, select.POLLIN)
        return bool(look.poll(0)) and super().can_read(timeout)
