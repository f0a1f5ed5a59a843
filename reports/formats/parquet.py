"""Parquet: the final columns exactly as the lake holds them, in ranked order."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from pathlib import Path

from reports.formats import Format, ReportData
from reports.queries import RANKED
from reports.rows import quote


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order, zstd."""
    data.con.execute(
        f"COPY (SELECT * FROM {data.source} WHERE {data.where} ORDER BY {RANKED}) "
        f"TO {quote(str(out))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return data.rows


FORMAT = Format("parquet", "application/vnd.apache.parquet", write, "exact columns for DuckDB, pandas, Spark")
