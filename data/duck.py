"""One DuckDB connection a process, opened at first use; never before a fork."""
# ruff: noqa: S608  names of tables are made here, queries are the caller's

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

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

#: File systems of files that lie on no disk, which every connection of this process knows.
_file_systems: list[Any] = []

#: What this process's connection has besides.
_own: dict[str, int] = {"threads": 2}


def knowing(files: Any) -> None:
    """Have this process's connection, and every one that is opened from now on, read files by one of fsspec."""
    _file_systems.append(files)
    if _open.cache_info().currsize:
        connection().register_filesystem(files)


def connected(file: str = ":memory:", /, **config: Any) -> duckdb.DuckDBPyConnection:
    """A connection of one's own, to close."""
    con = duckdb.connect(file, config={**_CONFIG, **config})
    for files in _file_systems:
        con.register_filesystem(files)
    return con


def one_of_many() -> None:
    """Tell that a process is one of as many as there are cores: two threads would hold more memory than one."""
    _own["threads"] = 1


@lru_cache(maxsize=1)
def _open(pid: int) -> duckdb.DuckDBPyConnection:
    # What does not fit into memory is spilt beside other temporary files, not into the working directory, which may be
    # read-only.
    spill = os.path.join(tempfile.gettempdir(), f"leadmill-duckdb-{pid}")  # noqa: PTH118 - DuckDB wants a text
    return connected(**_own, temp_directory=spill)


def one_thread(**config: str) -> duckdb.DuckDBPyConnection:
    """A connection of one's own, to close, for many wide rows: two threads hold several times the memory of one."""
    return _without_progress(connected(threads=1, **config))


def _without_progress(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The connection, which would draw a bar where a query takes seconds."""
    con.execute("SET enable_progress_bar = false")
    return con


def held_beside(folder: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A connection, to close, to which files of a folder are attached; it holds so much in memory, and spills there."""
    config = {"threads": 2, "memory_limit": memory, "temp_directory": str(folder / "spill")}
    return _without_progress(connected(**config, preserve_insertion_order=False))


def connection() -> duckdb.DuckDBPyConnection:
    """This process's in-memory connection; take `.cursor()` for each task or thread (opening costs 13 ms)."""
    return _open(os.getpid())


def cursor_for(rows: int, con: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyConnection:
    """A cursor for queries over so many rows, of a connection; by default of this process's."""
    cursor = (con or connection()).cursor()
    if rows < _AS_WRITTEN:
        cursor.execute("PRAGMA disable_optimizer")  # of this cursor alone
    return cursor


class KeptCursor:
    """A cursor of this process's connection that is kept for few rows, of which the same is asked again and again.

    To plan a query of wide rows takes several times as long as to answer it of few. A plan holds as long as the tables
    that it reads are the same ones, so these stay and get other rows.
    """

    #: Of so many queries the plans are kept; others are planned each time.
    MOST = 32

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        #: Query → the name of its plan, or of the table that its rows go to.
        self._plans: dict[str, str] = {}
        self._results: dict[str, str] = {}
        self._tables: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        """What any cursor can, as it does it."""
        return getattr(self._con, name)

    def again(self, query: str) -> duckdb.DuckDBPyConnection:
        """Run a query that reads tables of this cursor alone, no file; it is planned once."""
        if query not in self._plans:
            if len(self._plans) >= self.MOST:
                return self._con.execute(query)
            plan = f"plan_{len(self._plans)}"
            self._con.execute(f"PREPARE {plan} AS {query}")
            self._plans[query] = plan
        return self._con.execute(f"EXECUTE {self._plans[query]}")

    def table(self, name: str, query: str) -> str:
        """The name of a table with the rows of a query and no others; of one name the columns are always the same."""
        self._make(name, query)
        self._con.execute(f"INSERT INTO {name} {query}")
        return name

    def result(self, query: str) -> str:
        """The rows of a query as `again` runs it: what may follow FROM. They have a table of their own, for what
        writes them to a file is planned each time.
        """
        name = self._results.get(query) or f"result_{len(self._results)}"
        if query not in self._results and len(self._results) >= self.MOST:
            return f"({query})"
        self._make(name, query)
        self._results[query] = name
        self.again(f"INSERT INTO {name} {query}")
        return name

    def _make(self, name: str, query: str) -> None:
        """Make a table for the rows of a query, or empty it: also of what a run left that was stopped."""
        if name in self._tables:
            self._con.execute(f"TRUNCATE {name}")
        else:
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM ({query}) LIMIT 0")
            self._tables.add(name)


@lru_cache(maxsize=1)
def _kept(pid: int) -> tuple[KeptCursor, threading.Lock]:
    return KeptCursor(_without_progress(cursor_for(0))), threading.Lock()


@contextmanager
def asked_again(rows: int, con: duckdb.DuckDBPyConnection | None = None) -> Iterator[Any]:
    """A cursor for questions that are asked of so many rows today and of others tomorrow; by default, and where no
    other thread has it, the one that this process keeps for few rows.
    """
    kept, lock = _kept(os.getpid())
    if con is None and rows < _AS_WRITTEN and lock.acquire(blocking=False):
        try:
            yield kept
        finally:
            lock.release()
    else:
        yield _without_progress(cursor_for(rows, con))


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
