"""One DuckDB connection a process, opened at first use; never before a fork."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import duckdb

Made = TypeVar("Made")

#: What every connection and each of its cursors has. Threads that wait for far files (eight) would only keep memory:
#: ours are near. Of more ids asked for than the last of these a scan knows the least and the greatest alone, and passes
#: over hardly a row group: at 50, which is DuckDB's own, 100 of 2 M companies take 275 ms of CPU instead of 75.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "TimeZone": "UTC",
    "autoinstall_known_extensions": False,
    "async_threads": 0,
    "dynamic_or_filter_threshold": 1_000,
}

#: Of more wide rows than these a query holds so much in memory, and spills the rest; more only if it must.
FEW_ROWS = 10_000
_HELD = ("300MB", "600MB", "1200MB")

#: Over fewer rows than these a query is answered sooner as it is written: to plan it better takes longer.
_AS_WRITTEN = 50

#: What this process's connection has besides.
_own: dict[str, int] = {"threads": 2}


def one_of_many() -> None:
    """Tell that a process is one of as many as there are cores: two threads would hold more memory than one."""
    _own["threads"] = 1


@lru_cache(maxsize=1)
def _open(pid: int) -> duckdb.DuckDBPyConnection:
    # What does not fit into memory is spilt beside other temporary files, not into the working directory, which may be
    # read-only.
    spill = os.path.join(tempfile.gettempdir(), f"leadmill-duckdb-{pid}")  # noqa: PTH118 - DuckDB wants a text
    return duckdb.connect(config={**_CONFIG, **_own, "temp_directory": spill})


def one_thread(**config: str) -> duckdb.DuckDBPyConnection:
    """A connection of one's own, to close, for many wide rows: two threads hold several times the memory of one."""
    con = duckdb.connect(config={**_CONFIG, "threads": 1, **config})
    con.execute("SET enable_progress_bar = false")  # it would draw one where a query takes seconds
    return con


def filed(file: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A connection to a database in a file, to close, that holds so much in memory; what it spills lies beside it."""
    spill = str(file.with_suffix(".spill"))
    config: dict[str, str | bool | int | float | list[str]] = {
        **_CONFIG, "threads": 2, "memory_limit": memory, "temp_directory": spill, "preserve_insertion_order": False
    }  # fmt: skip
    con = duckdb.connect(str(file), config=config)
    con.execute("SET enable_progress_bar = false")
    return con


def connection() -> duckdb.DuckDBPyConnection:
    """This process's in-memory connection; take `.cursor()` for each task or thread (opening costs 13 ms)."""
    return _open(os.getpid())


def cursor_for(rows: int, con: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyConnection:
    """A cursor for queries over so many rows, of a connection; by default of this process's."""
    cursor = (con or connection()).cursor()
    if rows < _AS_WRITTEN:
        cursor.execute("PRAGMA disable_optimizer")  # of this cursor alone
    return cursor


def holding_little(rows: int, folder: Path, query: Callable[[duckdb.DuckDBPyConnection], Made]) -> Made:
    """What a query over so many wide rows makes, on this process's connection, or of many on one that holds little.

    It gets twice as much where that does not suffice, as with row groups of a size that earlier versions wrote, which
    are read whole; so `query` may be called again.

    Args:
        folder: what is spilt goes there; made and removed here.

    Raises:
        duckdb.OutOfMemoryException: nor does twice as much, twice.
    """
    if rows <= FEW_ROWS:
        return query(cursor_for(rows))
    for last in _HELD:
        try:
            with one_thread(memory_limit=last, temp_directory=str(folder)) as own:
                return query(own)
        except duckdb.OutOfMemoryException:
            if last == _HELD[-1]:
                raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise AssertionError("the last try returns or raises")
