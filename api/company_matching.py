"""Which companies a filter finds, and the few files that hold their newest rows, by the table of companies."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from api.company_rows import Companies, CompanyFilter
from api.company_scan import STAGES, Files, good_rows
from api.company_view.table import NUMBER, newest_in
from data.mounts import addresses
from leadmill.log import get_logger
from reports.rows import parquet, quote

log = get_logger(__name__)


@dataclass(frozen=True)
class Matching:
    """What a filter finds."""

    #: The files that hold the newest row of each company, as the table calls them.
    numbers: Mapping[Path, int]
    #: A file of the companies, in the columns `company` and `file`, as the table calls them.
    among: Path
    count: int
    #: How many companies there are.
    of: int

    @property
    def files(self) -> Files:
        """The files by stage."""
        return {stage: [file for file in self.numbers if file.parent.name == stage] for stage in STAGES}

    def rows(self) -> tuple[str, dict[str, Any]]:
        """A query of the newest rows, which holds none of them in memory, and its parameters."""
        named = "SELECT unnest($paths::VARCHAR[]) AS filename, unnest($numbers::INTEGER[]) AS number"
        found = (
            f"SELECT * EXCLUDE (filename, failed, number) FROM ({good_rows(self.files, told=True)}) "
            f"JOIN ({named}) USING (filename) "
            f"WHERE NOT failed AND ({NUMBER}, number) IN (SELECT (company, file) FROM {parquet([self.among])})"
        )
        return found, {"paths": addresses(self.numbers), "numbers": [*self.numbers.values()]}


def matching(companies: Companies, wanted: CompanyFilter, into: Path) -> Matching | None:
    """Write the companies that match to a file; None: only a scan of the lake tells which."""
    view = companies.view
    table = view.current() if view else None
    if view is None or table is None:
        return None
    matches, values = wanted.conditions(prepared=True)
    newest = newest_in(table, wanted.jobs)
    found = f"SELECT company, file FROM ({newest}) WHERE {matches}"
    cursor = view.database.cursor()
    try:
        cursor.execute("BEGIN")  # both counts are of one moment
        [(count,)] = cursor.execute(f"COPY ({found}) TO {quote(str(into))} (FORMAT parquet)", values).fetchall()
        [(of,)] = cursor.execute(f"SELECT count(*) FROM ({newest})", wanted.whose).fetchall()
        cursor.execute("COMMIT")
        files = cursor.execute(f"SELECT DISTINCT file FROM {parquet([into])}").fetchall()
    except duckdb.Error as error:  # the table was dropped in this moment, or there is no room
        log.warning("companies are read from the lake", error=str(error))
        return None
    finally:
        cursor.close()
    numbers = view.files_of({number for (number,) in files})
    return Matching(numbers, into, count, of) if numbers else None
