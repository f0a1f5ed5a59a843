"""The table that CSV and XLSX hold: the rows of a report, best first, under the columns of a layout."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.columns import Column, table_columns
from reports.input_columns import one_row_a_line
from reports.layouts import Layout


@dataclass(frozen=True)
class Table:
    """A table to be written."""

    columns: Sequence[Column]
    #: The rows with the final columns and `rank`, best first: what may follow FROM.
    source: str
    #: How many there are.
    rows: int

    def in_front(self, fields: Sequence[str]) -> Table:
        """The same with the columns of these fields first, where there are any, the others as they were."""
        place = {field: at for at, field in enumerate(fields)}
        ordered = sorted(self.columns, key=lambda column: place.get(column.field or "", len(place)))
        return replace(self, columns=ordered)


def table_of(layout: Layout, input_headers: Sequence[str], ranked: str, rows: int) -> Table:
    """A table in a layout, of the rows (what may follow FROM) with the final columns, best first.

    Args:
        input_headers: the other columns of the job's input, in its order.
        rows: how many the table has; with one a line of the input more than there are companies.
    """
    source = f"(SELECT *, row_number() OVER () AS rank FROM {ranked})"
    return Table(
        table_columns(layout, input_headers), one_row_a_line(source) if layout.rows == "lines" else source, rows
    )
