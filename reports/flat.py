"""Final rows as flat cells for CSV and XLSX: lists, maps and structs become short readable text."""
# ruff: noqa: S608  columns are those of the schema, the source is built by reports.rows

from __future__ import annotations

import pyarrow as pa

from data.schemas import STAGE_SCHEMAS
from reports.csv_guard import guarded, on_one_line
from reports.final_rows import iso
from reports.rows import name

#: Facts told in one cell, and characters of each one's value.
_FACTS = 40
_FACT_TEXT = 120


def _address(column: str) -> str:
    parts = ", ".join(f"nullif(trim({column}.{part}), '')" for part in ("street", "city", "region", "postcode"))
    return f"nullif(concat_ws(', ', {parts}), '')"


def _social(column: str) -> str:
    return _joined(f"map_entries({column})", "concat_ws(': ', x.key, x.value)")


def _facts(column: str) -> str:
    origin = "concat_ws(', ', x.source, round(x.confidence::DOUBLE, 2))"
    told = f"concat(x.field, ' = ', left(x.value, {_FACT_TEXT}), ' (', {origin}, ')')"
    return _joined(f"{column}[1:{_FACTS}]", told)


def _contributions(column: str) -> str:
    return _joined(column, "concat(x.rule, printf(' %+g: ', x.points), x.reason)")


#: The final columns that are cells, in their order.
CELLS = [field for field in STAGE_SCHEMAS["score"] if field.name != "input"]

#: Nested columns that have a form of their own.
_NESTED = {"address": _address, "social": _social, "facts": _facts, "contributions": _contributions}


def flat_rows(source: str, *, guard: bool) -> str:
    """A SELECT of the final columns, each as a text or a number, of rows (what may follow FROM) in their order.

    With `guard` texts are safe to open in a spreadsheet as CSV (`reports.csv_guard`); XLSX cells are typed, need none.
    """
    # All texts go through one expression over a list of them: binding one for each takes longer than a report of few
    # rows has.
    texts = {field.name: text for field in CELLS if (text := _text_of(field))}
    made = f"list_transform([{', '.join(texts.values())}], lambda x: {guarded('x') if guard else on_one_line('x')})"
    numbered = {column: f"texts[{at}]" for at, column in enumerate(texts, 1)}
    cells = ", ".join(f"{numbered.get(field.name) or _number(field)} AS {name(field.name)}" for field in CELLS)
    return f"SELECT {cells} FROM (SELECT *, {made} AS texts FROM {source})"


def _text_of(field: pa.Field) -> str | None:
    column, kind = name(field.name), field.type
    if field.name in _NESTED:
        return _NESTED[field.name](column)
    if pa.types.is_string(kind):
        return column
    return _joined(column, "x") if pa.types.is_list(kind) else None


def _number(field: pa.Field) -> str:
    column = name(field.name)
    if pa.types.is_timestamp(field.type):
        return iso(column)
    return f"round({column}::DOUBLE, 4)" if pa.types.is_floating(field.type) else column


def _joined(items: str, told: str) -> str:
    told = items if told == "x" else f"list_transform({items}, lambda x: {told})"
    return f"nullif(array_to_string({told}, '; '), '')"
