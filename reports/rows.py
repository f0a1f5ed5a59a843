"""Reading Parquet parts into DuckDB with a fixed set of columns, whatever stage wrote them.

Part files of an earlier stage, or of an older version, lack columns: they come out as typed nulls. This
is also the one place where a path or a text becomes part of a query.
"""
# ruff: noqa: S608  this module is where the quoting is done

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data.input_columns import HEADERS, headers_metadata
from data.mounts import addresses, opened, storage_at
from data.storage import Stat

#: Rows of a row group of final rows: whoever writes or reads one holds one in memory.
ROW_GROUP = 20_480

#: What the footers of so few files say PyArrow reads sooner; of more DuckDB does.
_FEW_FILES = 4

_TYPES: dict[str, str] = {}


def quote(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''").replace("\x00", "") + "'"


def name(column: str) -> str:
    """A column name as a SQL identifier."""
    return '"' + column.replace('"', '""') + '"'


def path_literal(path: Path) -> str:
    """One file as a SQL literal; characters that would make it a glob stand for themselves."""
    (text,) = addresses([path])
    return _literal(text)


def _literal(address: str) -> str:
    return quote("".join(f"[{c}]" if c in "[*?" else c for c in address))


def parquet(paths: Sequence[Path], *, filename: bool = False) -> str:
    """A table function over the files, columns matched by name; `filename`: with the path of each row's."""
    more = ", filename = true" if filename else ""
    return f"read_parquet([{', '.join(map(_literal, addresses(paths)))}], union_by_name = true{more})"


def sql_type(con: Any, kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type."""
    key = str(kind)
    if key not in _TYPES:
        empty = pa.schema([pa.field("c", kind)]).empty_table()
        _TYPES[key] = str(con.from_arrow(empty).types[0])
    return _TYPES[key]


def present(con: Any, paths: Sequence[Path]) -> dict[str, str]:
    """The columns that at least one of the files has, with their types in DuckDB; of types that differ all are named.

    Raises:
        duckdb.IOException: a file is missing or no Parquet.
    """
    if not paths:
        return {}
    try:
        found: dict[str, dict[str, None]] = {}
        for field in (field for footer in _footers(paths) for field in footer.schema.to_arrow_schema()):
            found.setdefault(field.name, {})[sql_type(con, field.type)] = None
    except (pa.ArrowException, duckdb.Error):  # a type that one of them does not know
        found = {}
    if found:
        return {column: " or ".join(kinds) for column, kinds in found.items()}
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {parquet(paths)}").fetchall()}


def count_rows(con: Any, paths: Sequence[Path]) -> int:
    """Rows of the files by their footers.

    Raises:
        duckdb.IOException: a file is missing or no Parquet.
    """
    if not paths:
        return 0
    if footers := _footers(paths):
        return sum(footer.num_rows for footer in footers)
    files = ", ".join(path_literal(path) for path in paths)
    (rows,) = con.execute(f"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata([{files}])").fetchone()
    return int(rows)


def input_headers(con: Any, paths: Sequence[Path]) -> list[str]:
    """The other columns of the input that the files' metadata names, in its order (`data.input_columns`).

    Raises:
        duckdb.IOException: a file is missing or no Parquet.
    """
    if not paths:
        return []
    if footers := _footers(paths):
        key = HEADERS.encode()
        found = [footer.metadata[key] for footer in footers if footer.metadata and key in footer.metadata]
    else:
        files = ", ".join(path_literal(path) for path in paths)
        query = f"SELECT DISTINCT value FROM parquet_kv_metadata([{files}]) WHERE key = '{HEADERS}'"
        found = [value for (value,) in con.execute(query).fetchall()]
    return list(dict.fromkeys(str(header) for value in found for header in json.loads(value)))


def _footers(paths: Sequence[Path]) -> list[pq.FileMetaData]:
    """What the footers of few files say; nothing of more, nor where one cannot be read: DuckDB then says why."""
    if len(paths) > _FEW_FILES:
        return []
    try:
        return [_footer(path, storage_at(path.parent).stat(path)) for path in paths]
    except (OSError, pa.ArrowException):
        return []


@lru_cache(maxsize=32)
def _footer(path: Path, seen: Stat | None) -> pq.FileMetaData:
    """The footer of a file that was seen so, and of no later one of its name."""
    return pq.read_metadata(opened(path))


def with_input_headers(headers: Sequence[str]) -> str:
    """What COPY to Parquet needs behind its other options to write them into the metadata."""
    found = ", ".join(f"{key}: {quote(text)}" for key, text in headers_metadata(headers).items())
    return f", KV_METADATA {{{found}}}" if found else ""


def typed_columns(con: Any, schema: pa.Schema, have: Mapping[str, str], table: str = "") -> Mapping[str, str]:
    """Column → SQL expression of exactly its schema's type; a column nobody has (see `present`) is a typed null."""
    prefix = f"{table}." if table else ""
    columns = {}
    for field in schema:
        kind, found = sql_type(con, field.type), f"{prefix}{name(field.name)}"
        if have.get(field.name) != kind:  # a cast that changes nothing takes its time, too
            found = f"CAST({found if field.name in have else 'NULL'} AS {kind})"
        columns[field.name] = found
    return columns


def select_rows(con: Any, paths: Sequence[Path], schema: pa.Schema, *, more: str = "") -> str:
    """A SELECT of exactly the schema's columns over the files, and of `more`; no files give no rows."""
    columns = typed_columns(con, schema, present(con, paths))
    shown = ", ".join(f"{sql} AS {name(column)}" for column, sql in columns.items())
    shown += f", {more}" if more else ""
    return f"SELECT {shown} FROM {parquet(paths)}" if paths else f"SELECT {shown} WHERE false"
