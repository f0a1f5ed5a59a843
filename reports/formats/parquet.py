"""Parquet: the final columns exactly as the lake holds them, in ranked order."""

from __future__ import annotations

from pathlib import Path

from reports.formats import Format, ReportData
from reports.rows import quote


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order, zstd."""
    data.con.execute(f"COPY {data.ranked} TO {quote(str(out))} (FORMAT parquet, COMPRESSION zstd)")
    return data.rows


FORMAT = Format(
    "parquet", "application/vnd.apache.parquet", write, "exact columns for DuckDB, pandas, Spark", rows_at_once=50_000
)
