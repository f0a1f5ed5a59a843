"""Which companies a filter finds, and the few files that hold their newest rows, by the table of companies."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from api.company_rows import Companies, CompanyFilter
from api.company_scan import Files
from api.company_view.table import newest_in
from leadmill.log import get_logger
from reports.rows import parquet, quote

log = get_logger(__name__)


@dataclass(frozen=True)
class Matching:
    """What a filter finds."""

    #: That hold the newest row of each company, by stage.
    files: Files
    #: A file of the companies, in the column `company_id`.
    among: Path
    count: int
    #: How many companies there are.
    of: int


def matching(companies: Companies, wanted: CompanyFilter, into: Path) -> Matching | None:
    """Write the companies that match to a file; None: only a scan of the lake tells which."""
    view = companies.view
    table = view.current() if view else None
    if view is None or table is None:
        return None
    matches, values = wanted.conditions(prepared=True)
    newest = newest_in(table, wanted.jobs)
    found = f"SELECT company_id, file FROM ({newest}) WHERE {matches}"
    cursor = view.database.cursor()
    try:
        cursor.execute("BEGIN")  # both counts are of one moment
        [(count,)] = cursor.execute(f"COPY ({found}) TO {quote(str(into))} (FORMAT parquet)", values).fetchall()
        [(of,)] = cursor.execute(f"SELECT count(*) FROM ({newest})", wanted.whose).fetchall()
        cursor.execute("COMMIT")
        numbers = cursor.execute(f"SELECT DISTINCT file FROM {parquet([into])}").fetchall()
    except duckdb.Error as error:  # the table was dropped in this moment, or there is no room
        log.warning("companies are read from the lake", error=str(error))
        return None
    finally:
        cursor.close()
    files = view.files_of({number for (number,) in numbers})
    return None if files is None else Matching(files, into, count, of)
