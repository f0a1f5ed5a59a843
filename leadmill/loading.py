"""What makes a long-lived process start fast and small: how it imports."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType


@contextmanager
def imports_kept() -> Iterator[None]:
    """Import without the garbage collector, then freeze what was imported.

    Nothing of a module is garbage, but the collector looks at it again and again: 0.2 s of a worker's start.
    Frozen, it is also not written to by the collector of a forked child, so its memory stays shared.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def without_pandas() -> Iterator[None]:
    """Load `pyarrow.dataset` in here, and pyarrow goes without pandas: a second of CPU and 40 MB a process less.

    pyarrow looks for pandas once, at its first conversion, and loads it if it can. Neither a task nor a request uses
    it; it is installed for notebooks, which are processes of their own.
    """
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        yield
    finally:
        sys.meta_path.remove(hidden)


class _Hidden(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is for notebooks", name=fullname)
