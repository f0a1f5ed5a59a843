"""The table that CSV and XLSX hold: the rows of a report, best first, under the columns of a layout."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reports.columns import Column, table_columns
from reports.input_columns import one_row_a_line

if TYPE_CHECKING:
    from reports.formats import ReportData


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


def table_of(data: ReportData) -> Table:
    """The table of a report in its layout."""
    columns = table_columns(data.layout, data.final.input_headers)
    source = f"(SELECT *, row_number() OVER () AS rank FROM {data.ranked})"
    return Table(columns, one_row_a_line(source) if data.layout.rows == "lines" else source, data.table_rows())
