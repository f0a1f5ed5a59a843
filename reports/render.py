"""The one door to every report: choose a format and a type, get a file.

A report is a view of final rows. Its type decides what it tells: `leads` holds companies with a good row
only, the others every company; in HTML `summary` is the first page with the ten best leads, and `quality`
is about coverage, gaps and failures instead of leads.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.duck import connection
from leadmill.errors import InputError
from reports.formats import ReportData, formats
from reports.queries import GOOD, final_rows

REPORT_TYPES = ("comprehensive", "summary", "leads", "quality")
#: Names of the formats there are.
FORMATS: tuple[str, ...] = tuple(formats())


@dataclass(frozen=True)
class RenderResult:
    """A report that was written."""

    format: str
    media_type: str
    path: Path
    #: Rows in this file; in HTML the leads shown inline.
    rows: int
    #: Rows that the report could hold: companies, or leads of a `leads` report and of HTML.
    total: int
    #: Size of the file, bytes.
    size: int


def render(
    fmt: str,
    *,
    rows: Sequence[Path],
    job: Mapping[str, Any],
    report_type: str,
    out: Path,
    con: Any = None,
) -> RenderResult:
    """Write a report of the final rows in the given score-stage files.

    Args:
        fmt: one of `FORMATS`.
        rows: Parquet files with the final columns (those of an earlier stage have nulls instead).
        job: job_id, created_at, kind, coverage, options, stages …; all optional, shown where known.
        report_type: one of `REPORT_TYPES`.
        out: written in place; the caller makes it atomic.
        con: a DuckDB connection or cursor; None takes a cursor of this process's connection.

    Raises:
        InputError: no such format or type, or more rows than an XLSX sheet holds.
    """
    known = formats()
    if fmt not in known:
        raise InputError(f"no report format {fmt[:40]!r}; there are {', '.join(known)}", field="report.formats")
    if report_type not in REPORT_TYPES:
        raise InputError(
            f"no report type {report_type[:40]!r}; there are {', '.join(REPORT_TYPES)}", field="report.type"
        )
    con = con or connection().cursor()
    where = GOOD if report_type == "leads" or fmt == "html" else "true"
    with final_rows(con, rows) as source:
        (total,) = con.execute(f"SELECT count(*) FROM {source} WHERE {where}").fetchone()
        data = ReportData(con, source, job, report_type, where, total)
        written = known[fmt].write(data, out)
    return RenderResult(fmt, known[fmt].media_type, out, written, total, out.stat().st_size)
