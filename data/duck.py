"""One DuckDB connection a process, opened at first use; never before a fork."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import duckdb

#: What every connection has.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"TimeZone": "UTC", "autoinstall_known_extensions": False}


@lru_cache(maxsize=1)
def _open(pid: int) -> duckdb.DuckDBPyConnection:
    # What does not fit into memory is spilt beside other temporary files, not into the working directory, which may be
    # read-only.
    spill = os.path.join(tempfile.gettempdir(), f"leadmill-duckdb-{pid}")  # noqa: PTH118 - DuckDB wants a text
    return duckdb.connect(config={**_CONFIG, "threads": 2, "temp_directory": spill})


def one_thread(**config: str) -> duckdb.DuckDBPyConnection:
    """A connection of one's own, to close, for many wide rows: two threads hold several times the memory of one."""
    con = duckdb.connect(config={**_CONFIG, "threads": 1, **config})
    con.execute("SET enable_progress_bar = false")  # it would draw one where a query takes seconds
    return con


def connection() -> duckdb.DuckDBPyConnection:
    """This process's in-memory connection; take `.cursor()` for each task or thread (opening costs 13 ms)."""
    return _open(os.getpid())


@contextmanager
def held_to(memory: str) -> Iterator[None]:
    """Within the block this process's connection takes so much memory (`800MB`) and spills the rest to disk."""
    connection().execute(f"SET memory_limit = '{memory}'")
    try:
        yield
    finally:
        connection().execute("RESET memory_limit")
