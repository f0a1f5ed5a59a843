"""A condition of a scoring rule: a field of the rows that are scored, an operator and a literal, as a SQL expression.

A condition is data, never SQL. Regular expressions run in RE2 (linear time) on a bounded text.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from data.schemas import ADDRESS, STAGE_SCHEMAS
from leadmill.declared import ROW_STAGES
from leadmill.suggest import unknown
from reports.rows import name as identifier
from reports.rows import quote

#: The stage whose rows are scored: the one before score in the pipeline.
READS = ROW_STAGES[ROW_STAGES.index("score") - 1]
MAX_VALUES = 200
MAX_TEXT = 200
#: Characters of a field that an operator on text looks at.
TEXT_WINDOW = 10_000
_MAX_NUMBER = 1e12

#: Operator → the kinds of field it takes.
OPERATORS: dict[str, frozenset[str]] = {
    "exists": frozenset({"text", "number", "flag", "list", "map", "struct", "time"}),
    "missing": frozenset({"text", "number", "flag", "list", "map", "struct", "time"}),
    "equals": frozenset({"text", "number", "flag"}),
    "in": frozenset({"text", "number"}),
    "contains_any": frozenset({"text", "list"}),
    "at_least": frozenset({"number", "list", "map"}),
    "at_most": frozenset({"number", "list", "map"}),
    "matches": frozenset({"text"}),
}
_MAP_KEY = re.compile(r"[a-z0-9_.-]{1,40}\Z")


def condition_sql(field: str, op: str, value: Any = None) -> str:
    """The condition over a row; null counts as false. `value` None: none was given.

    Raises:
        ValueError: no such field or operator, or the three do not fit; the message names which is wrong.
    """
    kind, sql = _field(field)
    if op not in OPERATORS:
        raise ValueError(f"'op': {unknown('operator', op, OPERATORS)}")
    if kind not in OPERATORS[op]:
        fitting = ", ".join(sorted(known for known, kinds in OPERATORS.items() if kind in kinds))
        raise ValueError(f"'op': '{op}' does not work on '{field}' (a {kind}); use {fitting}")
    if op in ("exists", "missing"):
        if value is not None:
            raise ValueError(f"'value': '{op}' takes none")
        found = _exists(kind, sql)
        return found if op == "exists" else f"NOT {found}"
    if value is None:
        raise ValueError(f"'value': '{op}' needs one")
    return _compare(kind, sql, op, value)


def _field(field: str) -> tuple[str, str]:
    """Kind and SQL of a field: a column, `address.city`, or `social.linkedin`."""
    schema = STAGE_SCHEMAS[READS]
    column, _, part = field.partition(".")
    if column not in schema.names:
        raise ValueError(f"'field': {unknown('column', field, schema.names)}")
    kind, sql = schema.field(column).type, identifier(column)
    if part and pa.types.is_struct(kind) and part in [child.name for child in kind]:
        return "text", f"{sql}.{identifier(part)}"
    if part and pa.types.is_map(kind) and _MAP_KEY.match(part):
        return "text", f"{sql}[{quote(part)}]"
    if part:
        raise ValueError(f"'field': '{column}' has no part '{part[:40]}'")
    return _kind(kind), sql


def _kind(kind: pa.DataType) -> str:
    for test, word in (
        (pa.types.is_string, "text"),
        (pa.types.is_boolean, "flag"),
        (pa.types.is_list, "list"),
        (pa.types.is_map, "map"),
        (pa.types.is_struct, "struct"),
        (pa.types.is_timestamp, "time"),
    ):
        if test(kind):
            return word
    return "number"


def _exists(kind: str, sql: str) -> str:
    match kind:
        case "text":
            return f"(coalesce(trim({sql}), '') <> '')"
        case "list":
            return f"(coalesce(len({sql}), 0) > 0)"
        case "map":
            return f"(coalesce(cardinality({sql}), 0) > 0)"
        case "struct":
            parts = ", ".join(f"{sql}.{identifier(part.name)}" for part in ADDRESS)
            return f"(coalesce({parts}) IS NOT NULL)"
        case _:
            return f"({sql} IS NOT NULL)"


def _compare(kind: str, sql: str, op: str, value: Any) -> str:
    if op in ("at_least", "at_most"):
        size = {"list": f"coalesce(len({sql}), 0)", "map": f"coalesce(cardinality({sql}), 0)"}.get(kind, sql)
        return f"{size} {'>=' if op == 'at_least' else '<='} {_number(value)!r}"
    if op == "matches":
        return f"regexp_matches(left({sql}, {TEXT_WINDOW}), {quote(_pattern(value))}, 'i')"
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) == (op == "equals") or not 0 < len(values) <= MAX_VALUES:
        wanted = "one value" if op == "equals" else f"a list of 1 to {MAX_VALUES} values"
        raise ValueError(f"'value': {wanted} is needed")
    if kind in ("number", "flag"):
        literal = _number if kind == "number" else _flag
        return f"{sql} IN ({', '.join(repr(literal(item)) for item in values)})"
    literals = [f"lower({quote(_text(item))})" for item in values]
    if op in ("equals", "in"):
        return f"lower({sql}) IN ({', '.join(literals)})"
    if kind == "list":
        return f"list_has_any(list_transform({sql}, lambda x: lower(x)), [{', '.join(literals)}])"
    window = f"lower(left({sql}, {TEXT_WINDOW}))"
    return "(" + " OR ".join(f"contains({window}, {literal})" for literal in literals) + ")"


def _pattern(value: Any) -> str:
    """A regular expression that RE2 takes."""
    import duckdb

    pattern = _text(value)
    try:
        duckdb.execute("SELECT regexp_matches('', ?, 'i')", [pattern]).fetchall()
    except duckdb.Error as error:
        raise ValueError(f"'value': not a regular expression that RE2 knows: {str(error).splitlines()[0]}") from error
    return pattern


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or "\x00" in value:
        raise ValueError(f"'value': a text of 1 to {MAX_TEXT} characters is needed, not {str(value)[:60]!r}")
    return value


def _flag(value: Any) -> bool:
    if value is not True and value is not False:
        raise ValueError(f"'value': true or false is needed, not {str(value)[:60]!r}")
    return bool(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MAX_NUMBER:
        wanted = f"a number between -{_MAX_NUMBER:g} and {_MAX_NUMBER:g}"
        raise ValueError(f"'value': {wanted} is needed, not {str(value)[:60]!r}")
    return float(value)
