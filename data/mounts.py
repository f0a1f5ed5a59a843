"""Which storage keeps a file. Files are named by paths; what is mounted nowhere lies on a disk of this machine.

A storage that is no disk is mounted at a path that no disk has. Then every module names its files as ever, and the two
that open them, pyarrow and DuckDB, ask here what to open. A bucket is mounted by whoever names it first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

from data.local_storage import LocalStorage
from data.storage import Source, Storage
from leadmill.errors import ConfigError
from leadmill.places import is_in_bucket


class _Mount(NamedTuple):
    storage: Callable[[Path], Storage]
    #: A folder of this machine.
    local: Path


#: What mounts a bucket, which itself comes here to do so; loaded where one is named.
_MOUNTS_BUCKETS = "data.object_store.mounting:mount_bucket"

_MOUNTED: dict[Path, _Mount] = {}

#: The process whose children are copies of it.
_forking: int | None = None


def about_to_fork() -> None:
    """Have this process ask no bucket itself: what asks them has threads, without which a child would wait for ever.

    A process beside it asks then (`data/object_store/beside.py`). Its children, once they are, ask for themselves.
    """
    global _forking  # noqa: PLW0603 - of the process, as the mounts are
    _forking = os.getpid()


def is_about_to_fork() -> bool:
    """Whether this process has said so; a child has not."""
    return _forking == os.getpid()


def mount(root: Path, storage: Callable[[Path], Storage], local: Path | None = None) -> None:
    """Have all files below a path kept by another storage: `storage` makes one for a path there.

    `local` is a folder of this machine for what has to be a file for a while; without one the path itself is.
    """
    _MOUNTED[root] = _Mount(storage, local or root)


def unmount(root: Path) -> None:
    """Undo `mount`."""
    _MOUNTED.pop(root, None)


def storage_at(root: Path) -> Storage:
    """A storage for the files below a path.

    Raises:
        ConfigError: the path is in a bucket, and what asks buckets is not installed.
    """
    there = _mount_of(root)
    return LocalStorage(root) if there is None else there.storage(root)


def local_folder(root: Path) -> Path:
    """The folder of this machine that files below a path lie in, or pass through."""
    there = _mount_of(root)
    return root if there is None else there.local


def _mount_of(path: Path) -> _Mount | None:
    for place, there in _MOUNTED.items():
        if path.is_relative_to(place):
            return there
    if not is_in_bucket(path):
        return None
    try:
        mount_bucket = resolve_name(_MOUNTS_BUCKETS)
    except ImportError as error:
        raise ConfigError(f"a lake in a bucket needs pip install 'leadmill[s3]' ({error})") from error
    return _MOUNTED[mount_bucket(path)]


def opened(file: Path) -> Source:
    """What pyarrow reads a file by.

    Raises:
        OSError: it cannot be opened; FileNotFoundError where there is none, unless it tells when it is read.
    """
    return storage_at(file.parent).opened(file) if _MOUNTED or is_in_bucket(file) else file


def local(file: Path) -> AbstractContextManager[Path]:
    """A path that a file is read by as one of this machine, within the block.

    Raises:
        OSError: it cannot be read; FileNotFoundError where there is none, unless it tells when it is read.
    """
    return storage_at(file.parent).local(file)


def addresses(files: Iterable[Path]) -> list[str]:
    """What DuckDB reads files by, in their order; `filename` in a query is this text."""
    wanted = list(files)
    if not wanted or not (_MOUNTED or is_in_bucket(wanted[0])):
        return [str(file) for file in wanted]
    return storage_at(wanted[0].parent).addresses(wanted)  # all of a query lie in one lake
