"""CSV by RFC 4180: UTF-8, a header, CRLF, streamed by DuckDB, formulas guarded (see `reports.csv_guard`)."""

from __future__ import annotations

from pathlib import Path

from reports.flat import flat_rows
from reports.formats import Format, ReportData
from reports.rows import quote


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order."""
    data.con.execute(
        f"COPY ({flat_rows(data.ranked, guard=True)}) TO {quote(str(out))} (FORMAT csv, HEADER, NEW_LINE '\\r\\n')"
    )
    return data.rows


FORMAT = Format("csv", "text/csv; charset=utf-8", write, "a table for spreadsheets and CRM imports")
