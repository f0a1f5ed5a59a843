"""One DuckDB connection a process, opened at first use; never before a fork."""

from __future__ import annotations

import os
from functools import lru_cache

import duckdb


@lru_cache(maxsize=1)
def _open(_pid: int) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2, "TimeZone": "UTC", "autoinstall_known_extensions": False})


def connection() -> duckdb.DuckDBPyConnection:
    """This process's in-memory connection; take `.cursor()` for each task or thread (opening costs 13 ms)."""
    return _open(os.getpid())
