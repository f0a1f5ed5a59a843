"""JSON: an array of rows, one a line, with the final column names; times are ISO 8601 in UTC."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from data.schemas import FACT, FACTS, STAGE_SCHEMAS
from reports.final_rows import iso
from reports.formats import Format, ReportData
from reports.rows import name, quote


def _value(column: str, kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return iso(column)
    if pa.types.is_float32(kind):
        return f"round({column}::DOUBLE, 4)"
    return column


def _column(field: pa.Field) -> str:
    column = name(field.name)
    if field.type.equals(FACTS):
        parts = ", ".join(f"{name(part.name)} := {_value(f'x.{name(part.name)}', part.type)}" for part in FACT)
        return f"list_transform({column}, lambda x: struct_pack({parts})) AS {column}"
    return f"{_value(column, field.type)} AS {column}"


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order."""
    columns = ", ".join(_column(field) for field in STAGE_SCHEMAS["score"])
    data.con.execute(f"COPY (SELECT {columns} FROM {data.ranked}) TO {quote(str(out))} (FORMAT json, ARRAY true)")
    return data.rows


FORMAT = Format(
    "json", "application/json", write, "rows with all their nested values, for programs", rows_at_once=12_500
)
