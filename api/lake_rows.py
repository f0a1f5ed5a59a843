"""DuckDB over Parquet parts for the API's read calls: running, and rows that are ready for JSON."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from data.damage import ForeignError
from data.duck import connection
from leadmill.errors import UnavailableError
from pipelines.views import cursors
from reports.rows import sql_type


def run(
    query: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    exact: str = "",
    schema: pa.Schema | None = None,
    within_s: float | None = None,
    con: Any = None,
) -> list[dict[str, Any]]:
    """Rows of a query, with times as ISO-8601, numbers rounded and no NaN; the column `exact` as it is.

    `con`: of another database than this process's own.

    Raises:
        ForeignError: a column of `schema` came out as another type, since a file holds something else under its name.
        UnavailableError: it took longer than `within_s`.
    """
    cursor = (connection() if con is None else con).cursor()
    try:
        with _bounded(cursor, within_s):
            cursor.execute(query, dict(parameters or {}))
            names = [column[0] for column in cursor.description or ()]
            if schema is not None:
                look_at_types(cursor, schema)
            return [
                {name: v if name == exact else plain(v) for name, v in zip(names, row, strict=True)}
                for row in cursor.fetchall()
            ]
    finally:
        cursor.close()


@contextmanager
def _bounded(cursor: Any, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    alarm = threading.Timer(seconds, cursor.interrupt)
    alarm.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise UnavailableError(f"this took longer than {seconds:g} s; ask for less, or narrow it by filters") from error
    finally:
        alarm.cancel()


def look_at_types(cursor: Any, schema: pa.Schema) -> None:
    """See that the columns of a query have the types of a schema.

    Raises:
        ForeignError: one has not.
    """
    for name, kind, *_ in cursor.description:
        index = schema.get_field_index(name)
        if index < 0 or pa.types.is_nested(schema.field(index).type):
            continue
        if _family(str(kind)) != _family(sql_type(cursor, schema.field(index).type)):
            raise ForeignError(f"column {name} is {kind} in some file")


def _family(kind: str) -> str:
    """What a scalar type of DuckDB is, whatever its size."""
    if kind.endswith(("INT", "INTEGER")):
        return "INTEGER"
    if kind in ("FLOAT", "DOUBLE"):
        return "FLOAT"
    return kind.partition(" ")[0]


def first_page(rows: list[dict[str, Any]], limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """At most `limit` rows, without their column `sort_key`, and the cursor behind them; None: these are all."""
    keys = [row.pop("sort_key") for row in rows]
    if len(rows) <= limit:
        return rows, None
    last = keys[limit - 1]
    return rows[:limit], cursors.encode_key(*(last.values() if isinstance(last, dict) else last))


def plain(value: Any) -> Any:
    """A value as JSON can say it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, float | Decimal):
        value = float(value)
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value
