"""What Ctrl-C and TERM do to a command that owns a stack: an orderly end, the second time a quick one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from cli import console

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending(Protocol):
    """A stack that may be on its way to its end."""

    is_stopping: bool

    def hurry(self) -> None:
        """Kill what is still there."""


class Stopped(KeyboardInterrupt):
    """A signal asked for the end."""


@contextmanager
def orderly_end(stack: Ending) -> Iterator[None]:
    """Within: the first signal raises `Stopped`; later ones, also while the stack ends, kill it."""
    asked = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked or stack.is_stopping:
            stack.hurry()
            return
        asked = True
        console.note("stopping … (once more to kill)")
        raise Stopped(signal.Signals(number).name)

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
