"""Standard streams that are closed, or whose other end is: a command must neither fail for it nor write elsewhere."""

from __future__ import annotations

import os
import sys


class OutputClosedError(Exception):
    """Whoever read the output has seen enough. Not an OSError: click ends a program for that by itself, with 1."""


def open_missing() -> None:
    """Put the null device where this process was started without a standard stream (`leadmill list >&-`).

    Else the next file or socket would get its number, and child processes would write into that.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
        setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def silence(name: str) -> None:
    """Redirect a stream whose other end is gone to the null device: Python would complain about it at exit."""
    stream = getattr(sys, name)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
