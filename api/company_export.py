"""All companies that a filter finds, as a table: their newest rows are written to a file, and rendered as a report."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from api.company_columns import NOT_TOLD
from api.company_matching import Matching, matching
from api.company_rows import Companies, CompanyFilter
from api.company_scan import Files, files_of, newest_rows
from api.rendering import rendered
from data.damage import enduring
from data.duck import FEW_ROWS, holding_little
from leadmill.errors import NotFoundError
from pipelines.intake.report_on_demand import ReportForm
from reports.rows import input_headers, quote, with_input_headers

#: Rows that a scan may find, for all that is known before.
_MANY = FEW_ROWS + 1


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
    trusted = not wanted.is_of_one_job  # what a job's list says of its companies is told by all of its files

    def files() -> Files:
        nonlocal by_table
        by_table = matching(companies, wanted, folder / "companies.parquet") if trusted else None
        return by_table.files if by_table else files_of(companies.lake, wanted.jobs)

    def write(files: Files) -> tuple[int, int]:
        return _scanned(files, wanted, rows) if by_table is None else _chosen(by_table, rows)

    of, matched = enduring(companies.lake, files, write)
    if by_table is not None and matched != by_table.count:  # files have changed under it
        trusted = False
        of, matched = enduring(companies.lake, files, write)
    return of, matched, rows


def _chosen(found: Matching, out: Path) -> tuple[int, int]:
    """Write the rows that the table named; of how many companies, and how many they are."""
    rows, parameters = found.rows()
    few = found.count <= FEW_ROWS
    write = partial(_write, rows=rows, parameters=parameters, out=out)
    return found.of, holding_little(FEW_ROWS if few else _MANY, out.with_name("spilt"), write)


def _scanned(files: Files, wanted: CompanyFilter, out: Path) -> tuple[int, int]:
    """Write the rows that match; of how many companies, and how many match."""
    newest = newest_rows(files, some_jobs=wanted.jobs is not None)
    if newest is None:
        return 0, 0
    matches, values = wanted.conditions()

    def write(con: Any) -> tuple[int, int]:
        headers = with_input_headers(input_headers(con, files["score"])) if wanted.is_of_one_job else None
        rows = f"SELECT * FROM ({newest}) WHERE {matches}"
        matched = _write(con, rows=rows, parameters=values, out=out, headers=headers)
        [(of,)] = con.execute(f"SELECT count(*) FROM ({newest})", wanted.whose).fetchall()
        return int(of), matched

    return holding_little(_MANY, out.with_name("spilt"), write)


def _write(con: Any, *, rows: str, parameters: Mapping[str, Any], out: Path, headers: str | None = None) -> int:
    """Write the rows of a query without what is not told; how many they are.

    `headers`: of the columns of one job's list, which are told with them.
    """
    own = NOT_TOLD if headers is None else NOT_TOLD - {"input"}
    have = {row[0] for row in con.execute(f"DESCRIBE {rows}", parameters).fetchall()}
    left_out = ", ".join(sorted({*own, "seen_at"} & have))
    copy = f"COPY (SELECT * EXCLUDE ({left_out}) FROM ({rows})) TO {quote(str(out))} (FORMAT parquet{headers or ''})"
    [(count,)] = con.execute(copy, parameters).fetchall()
    return int(count)
