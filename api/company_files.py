"""Files of the lake that a company's row was made of: by job and partition, and what stands of it in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from api.lake_rows import plain
from data.damage import DamagedPartError, mend
from data.job_files import JobFiles
from data.lake import Lake
from data.reading import read_table

Row = Mapping[str, Any]


def places(lake: Lake, row: Row) -> list[tuple[str, int]]:
    """Job and partition in which a company's row was made, and those of the job whose pages it read."""
    found: list[tuple[str, int]] = []
    job_id: str | None = row["job_id"]
    while job_id and job_id not in [job for job, _ in found]:
        plan = [JobFiles.across(lake, job_id).plan_path()]
        planned = [one for one in rows_of(lake, plan, row, ("partition", "source_job")) if one["partition"] is not None]
        found += [(job_id, one["partition"]) for one in planned]
        job_id = next((one["source_job"] for one in planned if one["source_job"]), None)
    return found


def rows_of(
    lake: Lake, files: Sequence[Path], row: Row, wanted: Sequence[str], page_hash: str | None = None
) -> list[dict[str, Any]]:
    """Rows of a company in part files; one that is gone meanwhile has none, a damaged one is set aside.

    `page_hash`: those of a stored page alone.
    """
    kept = [("company_id", "=", row["company_id"]), *([("page_hash", "=", page_hash)] if page_hash else [])]
    rows: list[dict[str, Any]] = []
    for file in files:
        try:
            found = read_table(file, list(wanted), kept)
        except DamagedPartError:
            mend(lake, [file])
            continue
        rows += [plain(one) for one in found.to_pylist()]
    return rows
