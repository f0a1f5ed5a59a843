"""Final rows as flat cells for CSV and XLSX: lists, maps and structs become short readable text.

Formula injection is stopped here: a text that a spreadsheet would take for a formula gets a leading `'`,
each part of a list too, since some spreadsheets split cells at `;`. One exception: a number like +4930123456
(E.164: a plus and 6 to 15 digits, nothing else) stays as it is, because sales copies it into a phone and the
worst a spreadsheet makes of it is the number without its plus.
"""
# ruff: noqa: S608  columns are those of the schema, the source is built by reports.rows

from __future__ import annotations

import pyarrow as pa

from data.schemas import STAGE_SCHEMAS
from reports.queries import iso
from reports.rows import name, quote

#: How a formula begins: one of these characters (ASCII or full-width), also behind spaces; a plus that begins an E.164
#: number does not (RE2 has no look-ahead, so what may follow the plus is spelt out).
_FORMULA = quote(r"^(\s*[=\-@＝＋－＠]|\s+\+|\+[0-9]{0,5}([^0-9]|$)|\+[0-9]{6,15}[^0-9]|\+[0-9]{16})")
_CONTROL = quote(r"[\x00-\x1f\x7f]+")
#: Facts told in one cell, and characters of each one's value.
_FACTS = 40
_FACT_TEXT = 120


def _address(column: str, guard: bool) -> str:
    parts = ", ".join(f"nullif(trim({column}.{part}), '')" for part in ("street", "city", "region", "postcode"))
    return _text(f"nullif(concat_ws(', ', {parts}), '')", guard)


def _social(column: str, guard: bool) -> str:
    return _joined(f"map_entries({column})", "concat_ws(': ', x.key, x.value)", guard)


def _facts(column: str, guard: bool) -> str:
    origin = "concat_ws(', ', x.source, round(x.confidence::DOUBLE, 2))"
    told = f"concat(x.field, ' = ', left(x.value, {_FACT_TEXT}), ' (', {origin}, ')')"
    return _joined(f"{column}[1:{_FACTS}]", told, guard)


def _contributions(column: str, guard: bool) -> str:
    return _joined(column, "concat(x.rule, printf(' %+g: ', x.points), x.reason)", guard)


#: Nested columns that have a form of their own.
_NESTED = {"address": _address, "social": _social, "facts": _facts, "contributions": _contributions}


#: Text columns; their cells are made by one expression over a list of them, since binding one for each takes longer
#: than a report of few rows has.
_TEXTS = [
    field.name for field in STAGE_SCHEMAS["score"] if pa.types.is_string(field.type) and field.name not in _NESTED
]


def flat_rows(source: str, *, guard: bool) -> str:
    """A SELECT of the final columns, each as a text or a number, of rows (what may follow FROM) in their order.

    With `guard` texts are safe to open in a spreadsheet as CSV; XLSX cells are typed and need none.
    """
    cells = ", ".join(f"{_cell(field, guard)} AS {name(field.name)}" for field in STAGE_SCHEMAS["score"])
    texts = f"list_transform([{', '.join(map(name, _TEXTS))}], lambda x: {_text('x', guard)})"
    return f"SELECT {cells} FROM (SELECT *, {texts} AS texts FROM {source})"


def _cell(field: pa.Field, guard: bool) -> str:
    column, kind = name(field.name), field.type
    if field.name in _NESTED:
        return _NESTED[field.name](column, guard)
    if pa.types.is_string(kind):
        return f"texts[{_TEXTS.index(field.name) + 1}]"
    if pa.types.is_list(kind):
        return _joined(column, "x", guard)
    if pa.types.is_timestamp(kind):
        return iso(column)
    return f"round({column}::DOUBLE, 4)" if pa.types.is_floating(kind) else column


def _joined(items: str, told: str, guard: bool) -> str:
    return f"nullif(array_to_string(list_transform({items}, lambda x: {_text(told, guard)}), '; '), '')"


def _text(sql: str, guard: bool) -> str:
    """A text on one line, guarded when wanted."""
    plain = f"regexp_replace({sql}, {_CONTROL}, ' ', 'g')"
    return f"regexp_replace({plain}, {_FORMULA}, '''\\0')" if guard else plain
