"""One DuckDB connection a process, opened at first use; never before a fork."""

from __future__ import annotations

import os
import tempfile
from functools import lru_cache

import duckdb


@lru_cache(maxsize=1)
def _open(pid: int) -> duckdb.DuckDBPyConnection:
    # What does not fit into memory is spilt beside other temporary files, not into the working directory, which may be
    # read-only.
    spill = os.path.join(tempfile.gettempdir(), f"leadmill-duckdb-{pid}")  # noqa: PTH118 - DuckDB wants a text
    return duckdb.connect(
        config={"threads": 2, "TimeZone": "UTC", "autoinstall_known_extensions": False, "temp_directory": spill}
    )


def connection() -> duckdb.DuckDBPyConnection:
    """This process's in-memory connection; take `.cursor()` for each task or thread (opening costs 13 ms)."""
    return _open(os.getpid())
