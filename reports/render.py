"""Renders every report: choose a format and a type, get a file.

A report is a view of final rows. Its type (`reports.report_types`) decides what it tells: `leads` holds companies with
a good row only, the others every company; in HTML `summary` is the first page with the ten best leads, and `quality`
is about coverage, gaps and failures instead of leads.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.duck import asked_again, connection, one_thread
from leadmill.errors import InputError
from reports.final_rows import FEW_ROWS, GOOD, RANKED, final_rows
from reports.formats import FORMATS, ReportData
from reports.layout_choice import layout_named
from reports.layouts import DEFAULT
from reports.lead_fields import prepare
from reports.report_types import REPORT_TYPES
from reports.rows import count_rows


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
    layout: str = DEFAULT,
    bom: bool = True,
    order: str = RANKED,
    scratch: Path | None = None,
    con: Any = None,
) -> RenderResult:
    """Write a report of the final rows in the given score-stage files.

    Args:
        fmt: a name in `FORMATS`.
        rows: Parquet files with the final columns (those of an earlier stage have nulls instead).
        job: see `reports.about_job`, and `partial`: it had not ended; every key is optional, shown where known.
        report_type: a name in `REPORT_TYPES`.
        out: written in place; the caller makes it atomic.
        layout: a name in `reports.layouts.layout_names()`; the columns of CSV and XLSX, nothing to other formats.
        bom: CSV begins with a byte-order mark.
        order: how rows of CSV, XLSX, JSON and Parquet are sorted, as SQL (`reports.lead_order`).
        scratch: a folder for temporary files, made and removed here; None: one beside `out`.
        con: a DuckDB connection that runs nothing else; None takes this process's.

    Raises:
        InputError: no such format, type or layout, or more rows than an XLSX sheet holds.
        ConfigError: the layout is wrong.
        PluginError: the format's module is none.
    """
    if fmt not in FORMATS.names:
        raise InputError(f"no report format {fmt[:40]!r}; there are {', '.join(FORMATS.names)}", field="report.formats")
    if report_type not in REPORT_TYPES:
        raise InputError(
            f"no report type {report_type[:40]!r}; there are {', '.join(REPORT_TYPES)}", field="report.type"
        )
    columns = layout_named(layout)
    form = FORMATS.load(fmt)
    where = GOOD if form.good_rows_only or REPORT_TYPES[report_type].good_rows_only else "true"
    count = count_rows((con or connection()).cursor(), rows)
    with _folder(scratch or out.with_name(f".{out.name}.rendering")) as folder, _database(count, con) as database:
        prepare(database or connection())
        with asked_again(count, database) as cursor, final_rows(cursor, rows, count) as final:
            [answer] = final.ask(f"SELECT count(*) AS total FROM {final.source} WHERE {where}")
            total = answer["total"]
            data = ReportData(final, job, report_type, where, total, columns, folder, bom, order)
            written = form.write(data, out)
    return RenderResult(fmt, form.media_type, out, written, total, out.stat().st_size)


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """An empty folder, for the time of the block; what a process that died has left of it is removed."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _database(count: int, given: Any) -> Iterator[Any]:
    """The connection that is given, for many rows one that takes less memory, else none: this process's will do."""
    if given is not None or count <= FEW_ROWS:
        yield given
    else:
        with one_thread() as own:
            yield own
