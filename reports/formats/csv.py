"""CSV by RFC 4180: UTF-8 behind a byte-order mark, a header, CRLF, streamed by DuckDB, formulas guarded
(see `reports.csv_guard`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.formats import Format, ReportData

if TYPE_CHECKING:
    from reports.columns import Column

#: A header that needs no guard: to ask for it takes a tenth of a report of one row.
_HARMLESS = re.compile(r"[A-Za-z][\w .()/-]*", re.ASCII)


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order."""
    from reports.flat import flat_rows
    from reports.rows import quote

    table = data.table()
    header = ("\ufeff" if data.bom else "") + _header(data.con, table.columns)
    if not table.rows:
        out.write_text(header, encoding="utf-8", newline="")
        return 0
    # DuckDB would rename the second of two headers that differ in case alone.
    data.con.execute(
        f"COPY (SELECT * FROM {data.result(flat_rows(table, guard=True))}) TO {quote(str(out))} "  # noqa: S608  as flat
        f"(FORMAT csv, HEADER false, NEW_LINE '\\r\\n', PREFIX {quote(header)}, SUFFIX '\r\n')"
    )
    return table.rows


def _header(con: Any, columns: Sequence[Column]) -> str:
    """The first line; headers of the input are as little to be trusted as its values."""
    from reports.csv_guard import guarded

    names = [column.header for column in columns]
    if not all(map(_HARMLESS.fullmatch, names)):
        guard = f"SELECT list_transform(?::VARCHAR[], lambda x: {guarded('x')})"
        names = con.execute(guard, [names]).fetchone()[0]
    line = io.StringIO()
    csv.writer(line).writerow(names)
    return line.getvalue()


FORMAT = Format(
    "csv",
    "text/csv; charset=utf-8",
    write,
    "a table for spreadsheets and CRM imports",
    has_layouts=True,
    rows_at_once=25_000,
)
