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

    Its further arguments are positional and hashable, its result is never changed by who asks. Where the line or
    another text is long it is read anew, so that no page fills the memory.
    """
    cached = lru_cache(maxsize=_ENTRIES)(function)

    @wraps(function)
    def read(line: str, *others: *Arguments) -> R:
        if len(line) > MAX_KEPT:
            return function(line, *others)
        for other in others:
            if type(other) is str and len(other) > MAX_KEPT:
                return function(line, *others)
        return cached(line, *others)

    return read
