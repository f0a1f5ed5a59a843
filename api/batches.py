"""What waits in a queue, taken together: a thread that has one thing to do takes all that came meanwhile, too."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import TypeVar

Item = TypeVar("Item")


def batch_of(
    first: Item,
    waiting: queue.Queue[Item | None] | queue.SimpleQueue[Item | None],
    most: int,
    size: Callable[[Item], int] = lambda item: 1,
) -> tuple[list[Item], bool]:
    """`first` and what waits behind it, until their sizes reach `most`; and whether the end (None) was among it."""
    batch, taken = [first], size(first)
    while taken < most:
        try:
            more = waiting.get_nowait()
        except queue.Empty:
            break
        if more is None:
            return batch, True
        batch.append(more)
        taken += size(more)
    return batch, False
