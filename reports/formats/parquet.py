"""Parquet: the final columns exactly as the lake holds them, in ranked order."""

from __future__ import annotations

from pathlib import Path

from reports.formats import Format, ReportData
from reports.rows import quote

#: Rows of a row group: whoever writes or reads one holds one in memory.
_GROUP = 5_000


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order, zstd."""
    data.con.execute(
        f"COPY {data.ranked} TO {quote(str(out))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP})"
    )
    return data.rows


FORMAT = Format(
    "parquet", "application/vnd.apache.parquet", write, "exact columns for DuckDB, pandas, Spark", rows_at_once=25_000
)
