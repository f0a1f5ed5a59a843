"""The forms of a query's result: a table for a page, and files; written to standard output as the rows come."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import duckdb

from api.sql_console.guard import RefusedQueryError

#: Rows that come from DuckDB at a time.
_BATCH = 2_000


@dataclass(frozen=True)
class Most:
    """How much of a result is told: rows and bytes; what is beyond is counted, up to `count` rows and for `seconds`."""

    rows: int
    size: int
    count: int
    seconds: float


def _batches(found: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while batch := found.fetchmany(_BATCH):
        yield from batch


class Written(NamedTuple):
    """How much of a result was told."""

    counted: int
    told: int
    #: Whether all were counted.
    whole: bool = True
    #: What keeps the others out: so many rows were asked for, or so many bytes are told.
    cut_by: Literal["limit", "size"] | None = None


Writer = Callable[[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection, list[str], Most], Written]


def _table(_: str) -> Writer:
    """A JSON array of rows, each an array, as many as fit; the others are counted."""

    def write(con: Any, found: duckdb.DuckDBPyConnection, names: list[str], most: Most) -> Written:
        told: list[str] = []
        size, counted, whole = 0, 0, True
        cut_by: Literal["limit", "size"] | None = None
        end = time.monotonic() + most.seconds
        for row in _batches(found):
            if counted >= most.count or (cut_by and time.monotonic() > end):
                whole = False
                break
            counted += 1
            if cut_by is None and len(told) >= most.rows:
                cut_by = "limit"
            if cut_by is None:
                text = _json([plain(value) for value in row])
                size += len(text)
                if size > most.size:
                    cut_by = "size"
                else:
                    told.append(text)
        _put("[" + ",\n".join(told) + "]")
        return Written(counted, len(told), whole, cut_by)

    return write


def _json_rows(_: str) -> Writer:
    """An array of objects, all of them; of columns with one name the last one counts."""

    def write(con: Any, found: duckdb.DuckDBPyConnection, names: list[str], most: Most) -> Written:
        counted = 0
        for row in _batches(found):
            _put(("[\n" if not counted else ",\n") + _json(dict(zip(names, map(plain, row), strict=True))))
            counted = _one_more(counted, most)
        _put("\n]\n" if counted else "[]\n")
        return Written(counted, counted)

    return write


def _csv(guarded: str) -> Writer:
    """A table for spreadsheets, in which no text is a formula."""
    import csv

    guard = f"SELECT list_transform($texts::VARCHAR[], lambda {GUARDED}: {guarded})"

    class Out:
        write = staticmethod(_put)

    def write(con: duckdb.DuckDBPyConnection, found: Any, names: list[str], most: Most) -> Written:
        lines, counted = csv.writer(Out), 0
        checker = con.cursor()

        def safe(texts: list[Any]) -> list[Any]:
            [(made,)] = checker.execute(guard, {"texts": [v if isinstance(v, str) else None for v in texts]}).fetchall()
            return [new if isinstance(old, str) else old for old, new in zip(texts, made, strict=True)]

        _put("\ufeff")
        lines.writerow(safe(names))
        while batch := found.fetchmany(_BATCH):
            cells = safe([_cell(value) for row in batch for value in row])
            for n in range(len(batch)):
                lines.writerow(cells[n * len(names) :][: len(names)])
                counted = _one_more(counted, most)
        return Written(counted, counted)

    return write


def _xlsx(_: str) -> Writer:
    """A workbook of one sheet; texts are texts, never formulas or links."""
    from io import BytesIO

    import xlsxwriter

    def write(con: Any, found: duckdb.DuckDBPyConnection, names: list[str], most: Most) -> Written:
        out, counted = BytesIO(), 0
        book = xlsxwriter.Workbook(out, {"in_memory": True})
        sheet = book.add_worksheet("result")
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(names):
            sheet.write_string(0, column, name)
        for row in _batches(found):
            counted = _one_more(counted, most)
            for column, value in enumerate(map(_cell, row)):
                if isinstance(value, str):
                    sheet.write_string(counted, column, value[:_CELL])
                elif value is not None:
                    sheet.write_number(counted, column, value)
        book.close()
        sys.stdout.buffer.write(out.getbuffer())
        return Written(counted, counted)

    return write


#: Characters that a cell of a workbook holds.
_CELL = 32_767
#: What the text is called in the expression that makes a text safe for spreadsheets, which each form is given.
GUARDED = "told"
FORMS: dict[str, Callable[[str], Writer]] = {"table": _table, "json": _json_rows, "csv": _csv, "xlsx": _xlsx}


def _one_more(counted: int, most: Most) -> int:
    if counted >= most.rows:
        raise RefusedQueryError(f"more than {most.rows:,} rows, the most that a file has here; narrow the query")
    return counted + 1


def _put(text: str) -> None:
    sys.stdout.buffer.write(text.encode(errors="replace"))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cell(value: Any) -> str | float | int | None:
    """A value as a cell has it."""
    told = plain(value)
    if isinstance(told, bool):
        return "true" if told else "false"
    if told is None or isinstance(told, str | float) or (isinstance(told, int) and abs(told) < 1 << 53):
        return told
    return _json(told)


def plain(value: Any) -> Any:
    """A value as JSON can say it; numbers that it would round, and what it has no word for, as texts."""
    told = next((tell for kind, tell in _TOLD.items() if isinstance(value, kind)), str)
    return told(value)


def _time(at: datetime) -> str:
    return (at.astimezone(UTC) if at.tzinfo else at).isoformat().replace("+00:00", "Z")


def _same(value: Any) -> Any:
    return value


#: By type, the first that fits.
_TOLD: dict[Any, Callable[[Any], Any]] = {
    (str, bool, int, type(None)): _same,
    float: lambda number: number if math.isfinite(number) else str(number),
    datetime: _time,
    date: date.isoformat,
    Decimal: lambda exact: float(exact) if Decimal(repr(float(exact))) == exact else str(exact),
    (bytes, bytearray, memoryview): lambda found: bytes(found).hex(),
    (list, tuple, set): lambda found: [plain(one) for one in found],
    dict: lambda found: {str(name): plain(one) for name, one in found.items()},
}
