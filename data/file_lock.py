"""A lock on an open file, which ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl


def try_lock(fd: int) -> bool:
    """Take the only lock on an open file; False while another process holds it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
