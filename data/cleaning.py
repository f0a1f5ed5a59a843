"""Cleans rows, where they enter the lake, of what Parquet, JSON or XML cannot hold.

A row holds text of untrusted pages: a lone surrogate, a control character or a number that no column holds must cost
that value, at most that row, never the partition. The good case pays one look at the bytes of its texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa

#: Control characters that XML 1.0 forbids (tab and line ends stay), as bytes of UTF-8 they never are part of another.
_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13))
#: The same, lone surrogates, and the two code points that are no characters.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: U+FFFE and U+FFFF in UTF-8.
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_NESTED = (pa.lib.Type_LIST, pa.lib.Type_STRUCT, pa.lib.Type_MAP)
_FORMATS: dict[int, Literal["f", "d", "q"]] = {
    pa.lib.Type_FLOAT: "f",
    pa.lib.Type_DOUBLE: "d",
    pa.lib.Type_TIMESTAMP: "q",
}
#: The first and the last microsecond that a time in UTC can have.
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
#: What pyarrow raises for a value that its column cannot hold.
_MISFIT = (pa.ArrowException, ValueError, TypeError, OverflowError)
_REASON_CHARS = 150
#: Columns without a value are kept of at most so many rows, and of so many schemas.
_FEW_ROWS, _SCHEMAS = 100, 64


@dataclass(frozen=True)
class Refused:
    """A row that no cleaning makes fit, and why."""

    row: Mapping[str, Any]
    column: str
    reason: str


def clean_text(text: str) -> str:
    """A text without what UTF-8, JSON or XML cannot hold; surrogates in pairs become the character they mean."""
    if not _UNFIT.search(text):
        return text
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return _UNFIT.sub("", paired)


def fitting_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> tuple[pa.Table, list[Refused]]:
    """Rows as a table of exactly a schema, and those that cannot be made to fit."""
    try:
        made = _table(rows, schema)
        if not _holds_unfit(made):
            return made, []
    except _MISFIT:
        pass  # some value is unfit: found and mended below
    rows = [{field.name: _clean(row.get(field.name), field.type) for field in schema} for row in rows]
    try:
        made = _table(rows, schema)
        if not _lacks(made):
            return made, []
    except _MISFIT:
        pass  # cleaning did not help: one of them has to be left out
    kept: list[Mapping[str, Any]] = []
    refused: list[Refused] = []
    for row in rows:
        fault = _fault(row, schema)
        if fault is None:
            kept.append(row)
        else:
            refused.append(Refused(row, *fault))
    return _table(kept, schema), refused


class _Columns:
    """Columns of a schema, as Python values: Arrow makes its own anew at each look, a third of the time of few rows."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema  # kept, so that no other one gets its identity
        self.fields = [(field.name, field.type) for field in schema]
        self._nulls: tuple[int, dict[int, pa.Array]] = (0, {})

    def nulls(self, place: int, rows: int) -> pa.Array:
        """A column without a value; those of few rows are kept while partitions are of one size."""
        if rows > _FEW_ROWS:
            return pa.nulls(rows, self.fields[place][1])
        of, kept = self._nulls
        if of != rows:
            self._nulls = of, kept = rows, {}
        if place not in kept:
            kept[place] = pa.nulls(rows, self.fields[place][1])
        return kept[place]


#: By the schema's identity; to compare two takes longer than to make a table.
_columns: dict[int, _Columns] = {}


def _columns_of(schema: pa.Schema) -> _Columns:
    found = _columns.get(id(schema))
    if found is None:
        if len(_columns) >= _SCHEMAS:  # more than the lake has: somebody makes his own
            _columns.clear()
        found = _columns[id(schema)] = _Columns(schema)
    return found


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """What `Table.from_pylist` makes; columns without a value, most of an early stage's, cost little."""
    columns = _columns_of(schema)
    arrays = []
    for place, (name, kind) in enumerate(columns.fields):
        values = [row.get(name) for row in rows]
        empty = all(value is None for value in values)
        arrays.append(columns.nulls(place, len(values)) if empty else pa.array(values, kind))
    return pa.Table.from_arrays(arrays, schema=schema)


def _fault(row: Mapping[str, Any], schema: pa.Schema) -> tuple[str, str] | None:
    """The first column that cannot hold its value, and why."""
    for field in schema:
        value = row.get(field.name)
        if value is None:
            if not field.nullable:
                return field.name, "it has no value"
            continue
        try:
            pa.array([value], field.type)
        except _MISFIT as error:
            return field.name, str(error)[:_REASON_CHARS]
    return None


def _clean(value: Any, kind: pa.DataType) -> Any:
    """A value as its column can hold it; None where nothing of it is left."""
    if pa.types.is_list(kind) and isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, kind.value_type) for item in value]
    if isinstance(value, Mapping):
        if pa.types.is_map(kind):
            return [(_clean(key, kind.key_type), _clean(item, kind.item_type)) for key, item in value.items()]
        if pa.types.is_struct(kind):
            return {field.name: _clean(value.get(field.name), field.type) for field in kind}
    return _scalar(value, kind)


def _scalar(value: Any, kind: pa.DataType) -> Any:
    if isinstance(value, bytes) and pa.types.is_string(kind):  # Arrow takes them for a text as they are
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if pa.types.is_timestamp(kind) and isinstance(value, int | float):
        return value if _FIRST_US <= value <= _LAST_US else None
    if pa.types.is_integer(kind) and isinstance(value, int):
        top = 1 << (kind.bit_width - 1)
        return value if -top <= value < top else None
    return value


def _time(value: datetime) -> datetime | None:
    """None for a time that UTC cannot say (a year before 1 or after 9999)."""
    try:
        return value.astimezone(UTC) if value.tzinfo else value
    except (OverflowError, ValueError):
        return None


def _holds_unfit(table: pa.Table) -> bool:
    """Whether some value has to be cleaned although its column holds it, or one is missing where it must not."""
    texts: list[Any] = []
    schema = table.schema
    for batch in table.to_batches():
        columns = batch.columns
        if _lacks_in(columns, schema) or any(_numbers_unfit(array, texts) for array in columns):
            return True
    text = b"".join(texts)
    return len(text.translate(None, _CONTROLS)) != len(text) or any(mark in text for mark in _NO_CHARACTERS)


def _numbers_unfit(array: pa.Array, texts: list[Any]) -> bool:
    """Whether a number or a time below an array is unfit; the bytes of its texts are added to `texts`.

    It looks at the buffers themselves: one pass of C each, where Arrow's own functions cost ten times as much for the
    few values of a partition. A slot without value holds zero there.
    """
    if array.null_count == len(array):  # most columns of an early stage, and what is nested in them
        return False
    kind = array.type
    code = kind.id
    if code in _NESTED:
        return any(_numbers_unfit(child, texts) for child in _children(array))
    if code != pa.lib.Type_STRING and code not in _FORMATS:
        return False
    data = array.buffers()[-1]
    if code == pa.lib.Type_STRING:
        texts.append(data or b"")
        return False
    values = memoryview(data).cast(_FORMATS[code])
    if code == pa.lib.Type_TIMESTAMP:  # written before Python's first year or after its last, it cannot be read
        return not (min(values) >= _FIRST_US and max(values) <= _LAST_US)
    return not math.isfinite(sum(values))


def _children(array: pa.Array) -> Iterator[pa.Array]:
    kind = array.type
    if kind.id == pa.lib.Type_STRUCT:
        yield from (array.field(i) for i in range(kind.num_fields))
    elif kind.id == pa.lib.Type_MAP:
        yield from (array.keys, array.items)
    else:
        yield array.values


def _lacks(table: pa.Table) -> bool:
    schema = table.schema
    return any(_lacks_in(batch.columns, schema) for batch in table.to_batches())


def _lacks_in(columns: Sequence[pa.Array], schema: pa.Schema) -> bool:
    return any(array.null_count and not schema.field(i).nullable for i, array in enumerate(columns))
