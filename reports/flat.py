"""Final rows as flat cells for CSV and XLSX: lists, maps and structs become short readable text.

Formula injection is stopped here: a text that a spreadsheet would take for a formula gets a leading `'`,
each part of a list too, since some spreadsheets split cells at `;`. One exception: a number like +4930123456
(E.164: a plus and 6 to 15 digits, nothing else) stays as it is, because sales copies it into a phone and the
worst a spreadsheet makes of it is the number without its plus.
"""

from __future__ import annotations

import pyarrow as pa

from data.schemas import STAGE_SCHEMAS
from reports.queries import iso
from reports.rows import name, quote

#: ASCII and full-width characters that begin a formula, also behind spaces.
_FORMULA = quote(r"^\s*[=+\-@＝＋－＠]")
_E164 = quote(r"^\+[0-9]{6,15}$")
_CONTROL = quote(r"[\x00-\x1f\x7f]+")
#: Facts told in one cell, and characters of each one's value.
_FACTS = 40
_FACT_TEXT = 120


def flat_columns(*, guard: bool) -> dict[str, str]:
    """Final column → SQL expression of a text or a number.

    With `guard` texts are safe to open in a spreadsheet as CSV; XLSX cells are typed and need none.
    """
    return {field.name: _cell(field, guard) for field in STAGE_SCHEMAS["score"]}


def _cell(field: pa.Field, guard: bool) -> str:
    column, kind = name(field.name), field.type
    if field.name in _NESTED:
        return _NESTED[field.name](column, guard)
    if pa.types.is_list(kind):
        return _joined(column, "x", guard)
    if pa.types.is_timestamp(kind):
        return iso(column)
    if pa.types.is_floating(kind):
        return f"round({column}::DOUBLE, 4)"
    return _text(column, guard) if pa.types.is_string(kind) else column


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


def _joined(items: str, told: str, guard: bool) -> str:
    return f"nullif(array_to_string(list_transform({items}, lambda x: {_text(told, guard)}), '; '), '')"


def _text(sql: str, guard: bool) -> str:
    """A text on one line, guarded when wanted."""
    plain = f"regexp_replace({sql}, {_CONTROL}, ' ', 'g')"
    if not guard:
        return plain
    formula = f"regexp_matches({plain}, {_FORMULA}) AND NOT regexp_matches({plain}, {_E164})"
    return f"CASE WHEN {formula} THEN concat('''', {plain}) ELSE {plain} END"
