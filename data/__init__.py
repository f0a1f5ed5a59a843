"""Everything that lasts: Arrow schemas, the lake (Parquet and DuckDB), job records (Redis)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.lake import Lake as Lake


def __getattr__(name: str) -> Any:
    """`from data import Lake`, without making every reader of job records load pyarrow and DuckDB."""
    if name == "Lake":
        from data.lake import Lake

        return Lake
    raise AttributeError(f"module 'data' has no attribute {name!r}")
