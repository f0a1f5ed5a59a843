"""Report formats, one module each, or entry points of the group `leadmill.report_formats`.

Adding a format is adding a file here that defines `FORMAT`. A format's name is its module's name, and the ending of its
files: `report.csv`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadmill.plugins import ExtensionPoint
from reports.lead_order import BEST_FIRST, ORDERS

if TYPE_CHECKING:
    from reports.final_rows import FinalRows  # the command line reads the names of formats, and no more
    from reports.layouts import Layout
    from reports.table import Table


@dataclass(frozen=True)
class ReportData:
    """What a format is made from."""

    #: The rows of every company, in no order.
    final: FinalRows
    #: What is known of the job; every key may be missing.
    job: Mapping[str, Any]
    #: A name in `reports.report_types.REPORT_TYPES`.
    report_type: str
    #: Rows that data formats hold, as a SQL condition; HTML tells the causes of the others.
    where: str
    #: Rows that meet `where`.
    rows: int
    #: Which columns the tables have.
    layout: Layout
    #: A folder for temporary files.
    scratch: Path
    #: CSV begins with a byte-order mark, by which spreadsheets know UTF-8.
    bom: bool = True
    #: How they are sorted, as SQL (`reports.lead_order`).
    order: str = ORDERS[BEST_FIRST].sql

    @property
    def con(self) -> Any:
        """The DuckDB connection or cursor that knows the rows."""
        return self.final.con

    @cached_property
    def ranked(self) -> str:
        """The rows that data formats hold, in their order: what follows FROM."""
        if self.final.files and self.rows:
            from reports.ranked import in_order, ranked_files

            folder = self.scratch / "ranked"
            folder.mkdir()
            return in_order(ranked_files(self.final.files, self.where, folder, self.order))
        return f"(SELECT * FROM {self.final.source} WHERE {self.where} ORDER BY {self.order})"  # noqa: S608  by reports.rows

    def result(self, query: str) -> str:
        """The rows of a query of them, as what may follow FROM."""
        from data.duck import KeptCursor

        return self.con.result(query) if isinstance(self.con, KeptCursor) else f"({query})"

    def table_rows(self) -> int:
        """How many rows the table has: companies, or lines of the input."""
        from reports.input_columns import count_lines

        if self.layout.rows == "companies":
            return self.rows
        return count_lines(self.con, f"{self.final.source} WHERE {self.where}")

    def table(self) -> Table:
        """The rows that data formats hold, as a table in this layout."""
        from reports.table import table_of

        return table_of(self.layout, self.final.input_headers, self.ranked, self.table_rows())


@dataclass(frozen=True)
class Format:
    """One format: `write(data, path)` writes the whole file and returns how many rows it holds.

    What `write` alone needs is imported in it: the API reads what a format is and writes none.
    """

    name: str
    media_type: str
    write: Callable[[ReportData, Path], int]
    #: What it is good for, in a few words.
    about: str
    #: It tells of companies with a good row, and of the others in sums only, whatever the type of the report.
    good_rows_only: bool = False
    #: A report of at most so many rows is rendered while its caller waits; one of more is made by a job.
    rows_at_once: int = 5_000
    #: A browser shows it; others are saved.
    inline: bool = False
    #: It is a table: a layout (`reports.layouts`) says which columns it has.
    has_layouts: bool = False


#: Every format, by its name.
FORMATS = ExtensionPoint("reports.formats", "leadmill.report_formats", "FORMAT", Format)
