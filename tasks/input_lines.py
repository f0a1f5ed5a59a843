"""The lines of the list that a job was given, as a query that the rows of its companies are joined with."""
# ruff: noqa: S608  paths are quoted by reports.rows

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.schemas import INPUT
from reports.rows import parquet, select_rows

if TYPE_CHECKING:
    import duckdb

#: What tells a row of the plan, and a line of the list, from others: lines that named no company have no id.
IDENTITY = "CASE WHEN company_id = '' THEN line::VARCHAR ELSE company_id END"


def input_lines(con: duckdb.DuckDBPyConnection, file: Path | None) -> str:
    """A SELECT of `identity` (as `IDENTITY` of the plan has it) and column `input` of the final rows.

    A company has all its lines, in order. `file`: what launch wrote (`data.input_columns`); None gives no rows.

    Raises:
        duckdb.Error: the file cannot be read.
    """
    files = [file] if file else []
    told = '{line: line, "values": "values"}'
    rows = f"SELECT {IDENTITY} AS identity, line, {told} AS told FROM ({select_rows(con, files, INPUT)})"
    if not files or not repeats(con, files, IDENTITY):  # most lists name no company twice, and grouping takes its time
        return f"SELECT identity, [told] AS input FROM ({rows})"
    return f"SELECT identity, list(told ORDER BY line) AS input FROM ({rows}) GROUP BY identity"


def repeats(con: duckdb.DuckDBPyConnection, paths: Sequence[str | Path], key: str) -> bool:
    """Whether a key stands twice; asked first because ranking all rows costs a third of the whole score query."""
    row = con.execute(f"SELECT count(*) <> count(DISTINCT {key}) FROM {parquet(paths)}").fetchone()
    return bool(row and row[0])
