"""Every company of a plan with its row, as a query that holds few columns in memory, however wide the rows are."""
# ruff: noqa: S608  identifiers and paths are quoted by reports.rows

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from reports.rows import name, parquet, present, select_rows, typed_columns
from tasks.input_lines import repeats

if TYPE_CHECKING:
    import duckdb

#: A row's place among all of several files, as a number.
_PLACE = "file_index * 4294967296 + file_row_number"
#: Above every place.
_PLACES = 2**52


@dataclass(frozen=True)
class Told:
    """A column of what is made, as SQL expressions: of a company with a row, and of one without."""

    of_row: str
    otherwise: str = "NULL"


def newest(con: duckdb.DuckDBPyConnection, rows: Sequence[Path], schema: pa.Schema, age: str) -> str:
    """A SELECT of the schema's columns over the files: of each company the row of the greatest `age`.

    Args:
        age: a time as an SQL expression over columns of the files. The choice reads it and the ids, not whole rows.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    if not rows or not repeats(con, rows, "company_id"):
        return select_rows(con, rows, schema)
    have = present(con, rows)
    columns = ", ".join(f"{sql} AS {name(c)}" for c, sql in typed_columns(con, schema, have, "row").items())
    # Both in one number: DuckDB keeps the greatest of numbers in half the memory that a struct's takes.
    return f"""SELECT {columns} FROM (SELECT *, {_PLACE} AS place FROM {parquet(rows)}) AS row SEMI JOIN (
  SELECT max(coalesce(epoch_us({age}), 0)::HUGEINT * {_PLACES} + {_PLACE}) % {_PLACES} AS place
  FROM {parquet(rows)} GROUP BY company_id
) AS pick ON pick.place = row.place"""


def each_company(
    columns: Mapping[str, Told], rows: Sequence[Path], newest_rows: str, *, joins: str, otherwise: str = "", many: bool
) -> str:
    """A SELECT of the columns for every company of `plan`, over it, its row as `row`, and what is joined with it.

    Args:
        rows: the files that `newest_rows` selects from.
        joins: further joins with `plan`, none of which repeats or drops a company.
        otherwise: the same, for companies without a row alone.
        many: for more rows than fit into memory; that takes longer to plan.
    """
    if not many or not rows:
        both = ", ".join(f"{_either(told)} AS {name(column)}" for column, told in columns.items())
        return f"""SELECT {both} FROM plan
  LEFT JOIN ({newest_rows}) AS row ON row.company_id = plan.company_id {joins} {otherwise}"""
    with_row = ", ".join(f"{told.of_row} AS {name(column)}" for column, told in columns.items())
    without = ", ".join(f"{told.otherwise} AS {name(column)}" for column, told in columns.items())
    # The rows pass by, and what they are joined with is held: the query above would hold the rows.
    return f"""
  SELECT {with_row} FROM ({newest_rows}) AS row JOIN plan ON plan.company_id = row.company_id {joins}
  UNION ALL
  SELECT {without} FROM (
    SELECT * FROM plan ANTI JOIN (SELECT company_id FROM {parquet(rows)}) AS known
    ON known.company_id = plan.company_id
  ) AS plan {joins} {otherwise}"""


def _either(told: Told) -> str:
    if told.otherwise in ("NULL", told.of_row):
        return told.of_row
    return f"CASE WHEN row.company_id IS NOT NULL THEN {told.of_row} ELSE {told.otherwise} END"
