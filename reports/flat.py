"""Final rows as flat cells for CSV and XLSX: lists, maps and structs become short readable text.

Formula injection is stopped here: a text that a spreadsheet would take for a formula gets a leading `'`, and so does
what stands behind each `;` in it, since a spreadsheet of many countries splits lines there, quoted or not. What begins
a formula: `=`, `+`, `-`, `@` or a character that looks like one of them (and becomes one in programs that normalise),
also behind anything that is not seen. One exception: a number like +4930123456 (E.164: a plus and 6 to 15 digits,
nothing else up to the next `;`) stays as it is, because sales copies it into a phone and the worst a spreadsheet makes
of it is the number without its plus.
"""
# ruff: noqa: S608  columns are those of the schema, the source is built by reports.rows

from __future__ import annotations

import pyarrow as pa

from data.schemas import STAGE_SCHEMAS
from reports.final_rows import iso
from reports.rows import name, quote

#: Look-alikes of `=`, `+`, `-` and `@`: compatibility forms (NFKC makes the sign of them), dashes, heavy signs.
_SIGNS = (
    r"=\x{207C}\x{208C}\x{2550}\x{A78A}\x{FE66}\x{FF1D}"
    r"+\x{207A}\x{208A}\x{2795}\x{FB29}\x{FE62}\x{FF0B}"
    r"\-\x{2010}-\x{2015}\x{207B}\x{208B}\x{2212}\x{2796}\x{FE58}\x{FE63}\x{FF0D}"
    r"@\x{FE6B}\x{FF20}"
)
#: What is not seen: spaces, zero-width and direction marks, soft hyphens, lone accents, fillers, private characters.
#: And the quote: behind a `;` it opens a cell, and what follows its closing one is that cell's text.
_UNSEEN = (
    r'"\s\p{Z}\p{Cf}\p{Co}\p{M}\x{115F}\x{1160}\x{2065}\x{2800}\x{3164}\x{FFA0}\x{FFF0}-\x{FFF8}\x{FFFE}\x{FFFF}'
    r"\x{E0000}-\x{E0FFF}"
)
_FORMULA = quote(rf"(^|; ?)([{_UNSEEN}]*[{_SIGNS}])")
#: Whether there is anything to guard, asked of a text that may still hold control characters.
_SUSPECT = quote(rf"(^|;)[{_UNSEEN}\p{{Cc}}]*[{_SIGNS}]")
_PHONE = quote(r"(\+[0-9]{6,15};)")
#: Breaks lines or moves the cursor somewhere; a cell has one line.
_CONTROL = quote(r"[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]+")
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


#: Nested columns that have a form of their own.
_NESTED = {"address": _address, "social": _social, "facts": _facts, "contributions": _contributions}


def flat_rows(source: str, *, guard: bool) -> str:
    """A SELECT of the final columns, each as a text or a number, of rows (what may follow FROM) in their order.

    With `guard` texts are safe to open in a spreadsheet as CSV; XLSX cells are typed and need none.
    """
    # All texts go through one expression over a list of them: binding one for each takes longer than a report of few
    # rows has.
    texts = {field.name: text for field in STAGE_SCHEMAS["score"] if (text := _text_of(field))}
    made = f"list_transform([{', '.join(texts.values())}], lambda x: {_safe('x') if guard else _on_one_line('x')})"
    numbered = {column: f"texts[{at}]" for at, column in enumerate(texts, 1)}
    cells = ", ".join(
        f"{numbered.get(field.name) or _number(field)} AS {name(field.name)}" for field in STAGE_SCHEMAS["score"]
    )
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


def _on_one_line(sql: str) -> str:
    return f"regexp_replace({sql}, {_CONTROL}, ' ', 'g')"


def _safe(sql: str) -> str:
    """A text that no spreadsheet takes for a formula. Most need nothing, and to see that is cheap.

    The patterns cannot look ahead, so phone numbers are marked first, by a character that no text holds any more, and
    each part ends with a `;` of its own.
    """
    marked = f"regexp_replace({_on_one_line(sql)} || ';', {_PHONE}, chr(1) || '\\1', 'g')"
    guarded = f"regexp_replace({marked}, {_FORMULA}, '\\1''\\2', 'g')"
    safe = f"replace({guarded}, chr(1), '')[:-2]"
    broken = f"regexp_matches({sql}, {_CONTROL}) THEN {_on_one_line(sql)}"
    return f"CASE WHEN regexp_matches({sql}, {_SUSPECT}) THEN {safe} WHEN {broken} ELSE {sql} END"
