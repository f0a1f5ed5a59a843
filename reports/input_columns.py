"""What the input file held beside the addresses, as columns of a table.

Column `input` holds for each line of the file that names the company its number and its values by header.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.rows import quote

#: The column of the final rows; it is told by columns of its own.
INPUT = "input"


def input_cell(header: str) -> str:
    """The values under a header (an SQL expression): those of several lines joined by `; ` in line order."""
    return _values(quote(header))


def input_cells(headers: Sequence[str]) -> str:
    """What `input_cell` makes of each of these headers, as a list (an SQL expression).

    One expression for all: DuckDB compares each with each while it plans, and takes minutes for some hundred of them.
    """
    return f"list_transform([{', '.join(map(quote, headers))}]::VARCHAR[], lambda header: {_values('header')})"


def _values(header: str) -> str:
    one = f"nullif(trim({INPUT}[1].values[{header}]), '')"
    values = f"list_transform({INPUT}, lambda x: nullif(trim(x.values[{header}]), ''))"
    several = f"nullif(array_to_string(list_filter({values}, lambda x: x IS NOT NULL), '; '), '')"
    return f"CASE WHEN len({INPUT}) = 1 THEN {one} ELSE {several} END"


def count_lines(con: Any, source: str) -> int:
    """How many rows `one_row_a_line` makes of these."""
    rows = f"sum(greatest(coalesce(len({INPUT}), 0), 1))"
    [(lines,)] = con.execute(f"SELECT coalesce({rows}, 0)::BIGINT FROM {source}").fetchall()
    return int(lines)


def one_row_a_line(source: str) -> str:
    """Rows (what may follow FROM), each as often as lines of the input name it, with one line each; order is kept."""
    lines = f"unnest(CASE WHEN len({INPUT}) > 0 THEN {INPUT} ELSE [NULL] END)"
    one = f"CASE WHEN line IS NULL THEN NULL ELSE [line] END AS {INPUT}"
    return f"(SELECT * EXCLUDE (line) REPLACE ({one}) FROM (SELECT *, {lines} AS line FROM {source}))"
