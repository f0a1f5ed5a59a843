"""What a line gave is kept: the pages of one site repeat their headers, footers and menus, and lines are read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple

#: Longest line kept, characters: a cache holds a tenth of a megabyte of usual lines, half a one of the longest.
MAX_KEPT = 200
#: Results kept of one function: those of some twenty pages.
_ENTRIES = 512

Arguments = TypeVarTuple("Arguments")
R = TypeVar("R")


def cached_by_line(function: Callable[[str, *Arguments], R]) -> Callable[[str, *Arguments], R]:
    """The function of a line, with what it made of short ones kept in this process; it must depend on nothing else.

    Its further arguments are positional, hashable and short, its result is never changed by who asks. Long lines are
    read anew, so that no page fills the memory.
    """
    cached = lru_cache(maxsize=_ENTRIES)(function)

    @wraps(function)
    def read(line: str, *others: *Arguments) -> R:
        return cached(line, *others) if len(line) <= MAX_KEPT else function(line, *others)

    return read
