"""The window: how many partitions of a job are handed out at a time. The record keeps to it (`data/jobs/lua/`)."""

from __future__ import annotations


def window(processes: int) -> int:
    """Of a job whose first stage has so many processes: what they work on, and the next for each."""
    return max(2, 2 * processes)
