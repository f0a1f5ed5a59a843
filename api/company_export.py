"""All companies that a filter finds, as a table: their newest rows are written to a file, and rendered as a report."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.company_columns import NOT_TOLD
from api.company_matching import Matching, matching
from api.company_rows import Companies, CompanyFilter
from api.company_scan import Files, files_of, newest_rows
from api.rendering import rendered
from data.damage import enduring
from data.duck import connection
from leadmill.errors import NotFoundError
from pipelines.intake.report_on_demand import ReportForm
from reports.rows import input_headers, quote, with_input_headers


def company_table(companies: Companies, wanted: CompanyFilter, form: ReportForm, told: str, sort: str) -> Path:
    """A file with every company that matches, sorted (`reports.lead_order`), in a folder that the caller removes.

    What the input of a job says of a company is in it where the filter names that one job. `told`: the filter in words.

    Raises:
        NotFoundError: there are no companies at all.
        StorageError: the temporary folder takes nothing.
        InputError: the format does not hold so many rows.
    """
    folder = Path(tempfile.mkdtemp(prefix="leadmill-"))
    try:
        of, matched, rows = _rows(companies, wanted, folder)
        if not of:
            raise NotFoundError("the lake has no companies yet")
        about: Mapping[str, Any] = {
            "kind": "companies of the lake",
            "created_at": datetime.now(UTC),
            "filter": f"{told or 'all'} ({matched:,} of {of:,} companies)",
        }
        return rendered(companies.lake, form, lambda: [rows], about, sort)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rows(companies: Companies, wanted: CompanyFilter, folder: Path) -> tuple[int, int, Path]:
    """Of how many companies, how many match, and a file of their rows: from the few files that hold them, where the
    table of newest rows tells which, else from all.
    """
    rows = folder / "rows.parquet"
    by_table: Matching | None = None

    def files() -> Files:
        nonlocal by_table
        # What a job's list says of its companies is told by all of its files.
        by_table = None if wanted.is_of_one_job else matching(companies, wanted, folder / "companies.parquet")
        return by_table.files if by_table else files_of(companies.lake, wanted.jobs)

    of, matched = enduring(companies.lake, files, lambda listed: _write(listed, wanted, rows, by_table))
    return of, matched, rows


def _write(files: Files, wanted: CompanyFilter, out: Path, by_table: Matching | None = None) -> tuple[int, int]:
    """Write the rows that match; of how many companies, and how many match."""
    among = by_table.among if by_table and by_table.count < by_table.of else None
    newest = newest_rows(files, some_jobs=wanted.jobs is not None, among=among)
    if newest is None:
        return 0, 0
    matches, values = wanted.conditions()
    con = connection().cursor()
    try:
        own = NOT_TOLD - {"input"} if wanted.is_of_one_job else NOT_TOLD
        headers = with_input_headers(input_headers(con, files["score"])) if wanted.is_of_one_job else ""
        have = {row[0] for row in con.execute(f"DESCRIBE {newest}", wanted.whose).fetchall()}
        left_out = ", ".join(sorted({*own, "seen_at"} & have))
        rows = f"SELECT * EXCLUDE ({left_out}) FROM ({newest}) WHERE {matches}"
        written = con.execute(f"COPY ({rows}) TO {quote(str(out))} (FORMAT parquet{headers})", values)
        (matched,) = written.fetchone() or (0,)
        if by_table:
            return by_table.of, int(matched)
        (of,) = con.execute(f"SELECT count(*) FROM ({newest})", wanted.whose).fetchone() or (0,)
        return int(of), int(matched)
    finally:
        con.close()
