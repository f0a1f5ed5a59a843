"""CSV by RFC 4180: UTF-8, a header, CRLF, streamed by DuckDB, formulas guarded (see `reports.flat`)."""
# ruff: noqa: S608  columns and source are built by reports.rows and reports.flat

from __future__ import annotations

from pathlib import Path

from reports.flat import flat_columns
from reports.formats import Format, ReportData
from reports.queries import RANKED
from reports.rows import name, quote


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order."""
    cells = ", ".join(f"{sql} AS {name(column)}" for column, sql in flat_columns(guard=True).items())
    ranked = f"SELECT * FROM {data.source} WHERE {data.where} ORDER BY {RANKED}"
    data.con.execute(
        f"COPY (SELECT {cells} FROM ({ranked})) TO {quote(str(out))} (FORMAT csv, HEADER, NEW_LINE '\\r\\n')"
    )
    return data.rows


FORMAT = Format("csv", "text/csv; charset=utf-8", write, "a table for spreadsheets and CRM imports")
