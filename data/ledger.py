"""The ledger between jobs: rows of `data.schemas.LEDGER` that cleanup took out of jobs' folders, as Parquet by month.

`ledger/month=YYYY-MM/ledger-<digest>.parquet`, sorted by host and time. A cleanup that was killed and ran again may
leave rows twice, in a job's folder and here: readers take each once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.damage import enduring
from data.duck import connection
from data.lake import Lake
from data.mounts import addresses
from data.parts import OF_STAGE
from data.schemas import LEDGER

#: So many files of a month become one.
MERGED_FROM = 16
_ROW_GROUP = 20_000
_MONTH = re.compile(r"month=(\d{4}-\d\d)")
_COLUMNS = ", ".join(f'"{name}"' for name in LEDGER.names)
_IS_WHOLE = " AND ".join(f'"{field.name}" IS NOT NULL' for field in LEDGER if not field.nullable)
#: Columns by which a row is one of its own: what is said of it beside them is the same.
IDENTITY = 'job_id, company_id, url, "at", outcome'


def month_files(lake: Lake) -> list[Path]:
    """All files between jobs, the months in order."""
    return [file for month in _months(lake) for file in _files(lake, month)]


def job_files(lake: Lake, job_ids: Sequence[str] | None = None) -> list[Path]:
    """What the folders of jobs (None: of all) hold of their ledgers."""
    return lake.across(job_ids).all(OF_STAGE["ledger"], "ledger")


def keep(lake: Lake, job_ids: Sequence[str]) -> None:
    """Take the ledgers of jobs over, before their folders are emptied. Call it while no other process does.

    Raises:
        OSError: the disk takes no more.
    """
    name = f"ledger-{hashlib.sha256(' '.join(sorted(job_ids)).encode()).hexdigest()[:16]}.parquet"

    def sound() -> dict[str, list[Path]]:
        return {"ledger": job_files(lake, job_ids)}

    enduring(lake, sound, lambda files: _write_by_month(lake, files["ledger"], name))
    for month in _months(lake)[-2:]:
        _merge(lake, month)


def drop_older(lake: Lake, days: int, now: datetime) -> int:
    """Remove months whose last day is longer ago, and what killed runs left; bytes freed."""
    last = f"{now - timedelta(days=days):%Y-%m}"
    freed = 0
    for month in _months(lake):
        folder = lake.ledger / f"month={month}"
        freed += lake.storage.drop_unfinished(folder) if month >= last else lake.storage.remove_all(folder)
    return freed


def _months(lake: Lake) -> list[str]:
    return sorted(found[1] for name in lake.storage.names(lake.ledger) if (found := _MONTH.fullmatch(name)))


def _files(lake: Lake, month: str) -> list[Path]:
    folder = lake.ledger / f"month={month}"
    return [folder / name for name in sorted(lake.storage.names(folder)) if re.fullmatch(r"ledger-\w+\.parquet", name)]


def _write_by_month(lake: Lake, files: Sequence[Path], name: str) -> None:
    if not files:
        return
    given = {"files": addresses(files)}
    months = (
        connection()
        .cursor()
        .execute("""SELECT DISTINCT strftime("at", '%Y-%m') FROM read_parquet($files, union_by_name => true)""", given)
    )
    for (month,) in months.fetchall():
        _copy(lake, files, lake.ledger / f"month={month}" / name, month)


def _copy(lake: Lake, files: Sequence[Path], target: Path, month: str) -> None:
    query = f"""
        SELECT {_COLUMNS} FROM read_parquet($files, union_by_name => true)
        WHERE strftime("at", '%Y-%m') = $month AND {_IS_WHOLE}
        QUALIFY row_number() OVER (PARTITION BY {IDENTITY}) = 1 ORDER BY domain, "at"
    """  # noqa: S608 - names of our own columns
    given = {"files": addresses(files), "month": month}
    with lake.storage.create(target) as path, pq.ParquetWriter(path, LEDGER, compression="zstd") as writer:
        for batch in connection().cursor().sql(query, params=given).to_arrow_reader(_ROW_GROUP):
            writer.write_table(pa.Table.from_batches([batch]).cast(LEDGER))


def _merge(lake: Lake, month: str) -> None:
    """Make one file of a month's many; until those are removed their rows stand twice."""
    files = _files(lake, month)
    if len(files) < MERGED_FROM:
        return
    merged: list[Path] = []

    def sound() -> dict[str, list[Path]]:
        merged[:] = [file for file in files if lake.storage.stat(file) is not None]
        return {"ledger": merged}

    name = hashlib.sha256(" ".join(file.name for file in files).encode()).hexdigest()[:16]
    target = lake.ledger / f"month={month}" / f"ledger-{name}.parquet"
    enduring(lake, sound, lambda found: _copy(lake, found["ledger"], target, month))
    for file in merged:
        lake.storage.remove(file)
