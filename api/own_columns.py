"""The columns that the list of a job has beside the addresses, of companies that a page shows."""
# ruff: noqa: S608  reports.rows quotes paths and headers

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.company_scan import files_of
from api.lake_rows import run
from data.damage import enduring
from data.duck import connection
from data.lake import Lake
from reports.input_columns import input_cells
from reports.rows import input_headers, parquet


@dataclass(frozen=True)
class OwnColumns:
    """What a list says of its companies; nothing where there is no list, or it has no other columns."""

    headers: Sequence[str] = ()
    #: By company, in the order of the headers; None: the list says nothing there.
    values: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    def of(self, company_id: str, header: str) -> str | None:
        """What it says of a company under a header."""
        values = self.values.get(company_id)
        return values[self.headers.index(header)] if values else None


def own_columns(lake: Lake, jobs: Sequence[str] | None, company_ids: Sequence[str]) -> OwnColumns:
    """Of the one job that rows are of: what a list says belongs to the job that was given it."""
    if jobs is None or len(jobs) != 1:
        return OwnColumns()
    return enduring(lake, lambda: files_of(lake, jobs), lambda files: _read(files["score"], jobs[0], company_ids))


def _read(files: Sequence[Path], job_id: str, company_ids: Sequence[str]) -> OwnColumns:
    cursor = connection().cursor()
    try:
        headers = input_headers(cursor, files)
    finally:
        cursor.close()
    if not headers:
        return OwnColumns()
    rows = run(
        f"SELECT company_id, {input_cells(headers)} AS told FROM {parquet(files)} "
        "WHERE job_id = $job AND company_id IN (SELECT unnest($ids::VARCHAR[]))",
        {"job": job_id, "ids": list(company_ids)},
    )
    return OwnColumns(headers, {row["company_id"]: row["told"] for row in rows})
