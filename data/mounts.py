"""Which storage keeps a file. Files are named by paths; what is mounted nowhere lies on a disk of this machine.

A storage that is no disk is mounted at a path that no disk has. Then every module names its files as ever, and the two
that open them, pyarrow and DuckDB, ask here what to open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from data.local_storage import LocalStorage
from data.storage import Source, Storage

_MOUNTED: dict[Path, Callable[[Path], Storage]] = {}


def mount(root: Path, storage: Callable[[Path], Storage]) -> None:
    """Have all files below a path kept by another storage: `storage` makes one for a path there."""
    _MOUNTED[root] = storage


def unmount(root: Path) -> None:
    """Undo `mount`."""
    _MOUNTED.pop(root, None)


def storage_at(root: Path) -> Storage:
    """A storage for the files below a path."""
    for place, storage in _MOUNTED.items():
        if root.is_relative_to(place):
            return storage(root)
    return LocalStorage(root)


def opened(file: Path) -> Source:
    """What pyarrow reads a file by.

    Raises:
        OSError: it cannot be opened; FileNotFoundError where there is none, unless it tells when it is read.
    """
    return storage_at(file.parent).opened(file) if _MOUNTED else file


def local(file: Path) -> AbstractContextManager[Path]:
    """A path that a file is read by as one of this machine, within the block.

    Raises:
        OSError: it cannot be read; FileNotFoundError where there is none, unless it tells when it is read.
    """
    return storage_at(file.parent).local(file)


def addresses(files: Iterable[Path]) -> list[str]:
    """What DuckDB reads files by, in their order; `filename` in a query is this text."""
    wanted = list(files)
    if not _MOUNTED or not wanted:
        return [str(file) for file in wanted]
    return storage_at(wanted[0].parent).addresses(wanted)  # all of a query lie in one lake
