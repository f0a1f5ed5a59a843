"""The lines of the list that a job was given, as a query that the rows of its companies are joined with."""
# ruff: noqa: S608  paths are quoted by reports.rows

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from data.mounts import opened
from data.schemas import INPUT
from reports.rows import parquet, select_rows

if TYPE_CHECKING:
    import duckdb

#: What tells a row of the plan, and a line of the list, from others: lines that named no company have no id.
IDENTITY = "CASE WHEN company_id = '' THEN line::VARCHAR ELSE company_id END"

#: Lines that are joined at a time take so much in memory, about: a line, a cell of it, and its texts.
_SHARE_BYTES, _LINE_BYTES, _CELL_BYTES = 100_000_000, 150, 48


@dataclass(frozen=True)
class Share:
    """One of so many shares of the companies of a plan, of their rows and lines."""

    number: int
    of: int

    def of_query(self, query: str, identity: str) -> str:
        """The rows of a SELECT that belong to it; `identity`: what tells them apart, as an SQL expression."""
        return query if self.of == 1 else f"SELECT * FROM ({query}) WHERE hash({identity}) % {self.of} = {self.number}"


ALL = Share(0, 1)


def shares(file: Path | None) -> list[Share]:
    """Shares whose lines fit into memory beside a query, by what the file of the lines says of itself.

    A join that does not fit spills the other side, too, and of wide rows it does not even get that far.

    Raises:
        OSError, pyarrow.ArrowException: the file cannot be read.
    """
    if file is None:
        return [ALL]
    told = pq.read_metadata(opened(file))
    groups = [told.row_group(n) for n in range(told.num_row_groups)]
    columns = [group.column(n) for group in groups for n in range(group.num_columns)]
    values = [column for column in columns if column.path_in_schema.endswith(".value")]
    taken = sum(column.num_values * _CELL_BYTES + column.total_uncompressed_size for column in values)
    number = math.ceil((told.num_rows * _LINE_BYTES + taken) / _SHARE_BYTES)
    return [Share(n, number) for n in range(number)] or [ALL]


def input_lines(con: duckdb.DuckDBPyConnection, file: Path | None) -> str:
    """A SELECT of `identity` (as `IDENTITY` of the plan has it) and column `input` of the final rows.

    A company has all its lines, in order. `file`: what launch wrote (`data.input_columns`); None gives no rows.

    Raises:
        duckdb.Error: the file cannot be read.
    """
    files = [file] if file else []
    told = '{line: line, "values": "values"}'
    rows = f"SELECT {IDENTITY} AS identity, line, {told} AS told FROM ({select_rows(con, files, INPUT)})"
    if not files or not repeats(con, files, IDENTITY):  # most lists name no company twice, and grouping takes its time
        return f"SELECT identity, [told] AS input FROM ({rows})"
    return f"SELECT identity, list(told ORDER BY line) AS input FROM ({rows}) GROUP BY identity"


def repeats(con: duckdb.DuckDBPyConnection, paths: Sequence[Path], key: str) -> bool:
    """Whether a key stands twice; asked first because ranking all rows costs a third of the whole score query."""
    row = con.execute(f"SELECT count(*) <> count(DISTINCT {key}) FROM {parquet(paths)}").fetchone()
    return bool(row and row[0])
