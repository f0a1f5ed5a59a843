"""Compaction: the newest good row of each company, taken out of many job folders into one sorted file a stage.

`companies/<stage>/snapshot-<n>.parquet` never changes once it has its name; `manifest.json` beside it says which
jobs are in it, each with a digest of the parts that were read. A job whose digest still holds is covered: readers may
pass its parts over, and cleanup may remove them. Nothing else is ever removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data.damage import enduring, label, mend, remove
from data.file_lock import try_lock
from data.lake import Lake, sync_file
from data.parts import names_in, newest
from data.schemas import MADE_AT, SCHEMA_VERSION, STAGE_SCHEMAS
from leadmill.errors import WorkError
from leadmill.log import get_logger

log = get_logger(__name__)

#: A replaced snapshot stays this long (seconds), for queries that had listed it already.
GRACE_S = 600
#: Memory of a compaction before it spills to disk; half of what a pool child may grow to.
_MEMORY = "300MB"
_ROW_GROUP = 5_000
_BATCH = 500

#: Called between steps; raises to stop the work there.
Check = Callable[[], None]


@dataclass(frozen=True)
class Compaction:
    """What one compaction of a stage did; bytes are those of its snapshot file before and after."""

    stage: str
    jobs: int
    rows: int
    bytes_before: int
    bytes_after: int


@contextmanager
def exclusive(lake: Lake, wait_s: float = 30.0, check: Check = lambda: None) -> Iterator[None]:
    """Hold the right to compact and to remove parts; it ends with the process, however that ends.

    Raises:
        WorkError: another process holds it for longer than `wait_s`.
    """
    lake.companies.mkdir(parents=True, exist_ok=True)
    fd = os.open(lake.companies / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + wait_s
        while not try_lock(fd):
            if time.monotonic() > until:
                raise WorkError("another maintenance job is compacting the lake; this one tries again later")
            check()
            time.sleep(0.1)
        yield
    finally:
        os.close(fd)


# ---- what is covered ------------------------------------------------------------------------------


def covered(lake: Lake, stage: str) -> dict[str, str]:
    """Jobs in a stage's snapshot, each with the digest of the parts that were read."""
    path = lake.companies / stage / "manifest.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        jobs, file = dict(found["jobs"]), lake.companies / stage / str(found["snapshot"])
    except FileNotFoundError:
        return {}
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ) as error:  # every part is read again, and the next compaction writes it
        log.warning("the list of a snapshot's jobs is damaged", file=label(path), error=str(error))
        return {}
    return jobs if file.exists() else {}  # set aside as damaged: what of its parts still lies in the jobs counts


def covers(lake: Lake, job_id: str) -> bool:
    """Whether every good row of a job that is the newest of its company is in the snapshots."""
    for stage in STAGE_SCHEMAS:
        files = lake.parts(job_id, stage)
        if files and covered(lake, stage).get(job_id) != digest(files):
            return False
    return True


def uncovered_files(lake: Lake, stage: str) -> list[Path]:
    """Part files of a stage, over all jobs, that the snapshot does not stand for; list them before the snapshot."""
    known = covered(lake, stage)
    found: list[Path] = []
    for job_id in sorted(names_in(lake.jobs)):
        folder = lake.jobs / job_id / stage
        files = [folder / name for name in newest(names_in(folder))]
        if files and (job_id not in known or digest(files) != known[job_id]):
            found += files
    return found


def digest(files: Iterable[Path]) -> str:
    """Names, sizes and times of part files in 16 hex digits; a file that went meanwhile counts as absent."""
    total = hashlib.blake2s(digest_size=8)
    for file in files:
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        total.update(f"{file.name}:{state.st_size}:{state.st_mtime_ns};".encode())
    return total.hexdigest()


# ---- compaction -----------------------------------------------------------------------------------


def compact(lake: Lake, job_ids: Sequence[str], check: Check = lambda: None) -> list[Compaction]:
    """Take the newest good rows of ended jobs into the snapshots; what is covered already costs one look.

    Call it within `exclusive`. Memory is bounded: DuckDB picks the rows by id and time alone, sorts on disk where it
    must, and the file is written a row group at a time.

    A damaged part, or snapshot, is set aside and the rest compacted.

    Raises:
        duckdb.Error: the rows cannot be read although every file is sound; nothing was changed for that stage.
    """
    made = (_compact_stage(lake, stage, job_ids, check) for stage in STAGE_SCHEMAS)
    return [one for one in made if one is not None]


def _compact_stage(lake: Lake, stage: str, job_ids: Sequence[str], check: Check) -> Compaction | None:
    sizes = [file.lstat().st_size for file in lake.snapshot_files(stage)]
    known: dict[str, str] = {}
    new: dict[str, str] = {}

    def sources() -> dict[str, list[Path]]:
        known.clear()
        new.clear()
        known.update(covered(lake, stage))
        files = lake.snapshot_files(stage)
        for job_id in job_ids:
            own = lake.parts(job_id, stage)
            if own and known.get(job_id) != digest(own) and mend(lake, own, whole=False):
                own = lake.parts(job_id, stage)
            if own and known.get(job_id) != (seen := digest(own)):
                new[job_id] = seen
                files += own
        return {stage: files}

    folder = lake.companies / stage

    def write(files: Mapping[str, Sequence[Path]]) -> tuple[Path, int] | None:
        if not new:
            return None
        check()
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"snapshot-{_number(folder) + 1:06d}.parquet"
        return target, _write(files[stage], stage, target, check)

    written = enduring(lake, sources, write)
    if written is None:
        return None
    target, rows = written
    check()
    kept = {job_id: seen for job_id, seen in known.items() if (lake.jobs / job_id / stage).is_dir()}
    _write_manifest(folder, {"snapshot": target.name, "rows": rows, "jobs": {**kept, **new}})
    drop_stale_snapshots(lake)
    return Compaction(stage, len(new), rows, sizes[0] if sizes else 0, target.stat().st_size)


def drop_stale_snapshots(lake: Lake, grace_s: float = GRACE_S) -> int:
    """Remove snapshots that were replaced more than `grace_s` ago, and what a killed compaction left. Bytes freed.

    Only within `exclusive`.
    """
    freed = 0
    for stage in STAGE_SCHEMAS:
        folder = lake.companies / stage
        files = sorted(folder.glob("snapshot-*.parquet"))
        stale = list(folder.glob(".*.tmp"))
        for old, successor in pairwise(files):
            if time.time() - successor.lstat().st_mtime >= grace_s:
                stale.append(old)
        for file in stale:
            freed += file.lstat().st_size
            remove(file)
    return freed


def _number(folder: Path) -> int:
    """The highest number that a snapshot has or had, also one that was set aside."""
    return max((int(file.stem.rpartition("-")[2]) for file in folder.glob("*snapshot-*.parquet")), default=0)


def _write(sources: Sequence[Path], stage: str, target: Path, check: Check) -> int:
    schema, temporary = STAGE_SCHEMAS[stage], target.with_name(f".{target.name}.tmp")
    spill = target.parent.parent / ".spill"
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2, "TimeZone": "UTC", "autoinstall_known_extensions": False,
        "memory_limit": _MEMORY, "temp_directory": str(spill), "preserve_insertion_order": False,
    }  # fmt: skip
    rows = 0
    with duckdb.connect(config=config) as con, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        files = {"files": [str(file) for file in sources]}
        have = set(con.sql("SELECT * FROM read_parquet($files, union_by_name => true) LIMIT 0", params=files).columns)
        reader = con.sql(_newest(stage, have), params=files).to_arrow_reader(_BATCH)
        for chunk in _row_groups(reader, schema):
            check()
            writer.write_table(chunk, row_group_size=_ROW_GROUP)
            rows += chunk.num_rows
    sync_file(temporary)
    temporary.replace(target)
    sync_file(target.parent)
    return rows


def _newest(stage: str, have: set[str]) -> str:
    """The query for the newest good row of each company; columns that no file has are null."""
    columns = ", ".join(f'r."{name}"' if name in have else f'NULL AS "{name}"' for name in STAGE_SCHEMAS[stage].names)
    good = "WHERE error IS NULL" if stage == "score" and "error" in have else ""
    table = "read_parquet($files, union_by_name => true, filename => true, file_row_number => true)"
    age = f"coalesce({MADE_AT[stage]}, TIMESTAMPTZ '1970-01-01')"
    return f"""
        WITH pick AS (
            SELECT max({{age: {age}, job: job_id, file: filename, line: file_row_number}}) AS last
            FROM {table} {good} GROUP BY company_id
        )
        SELECT {columns} FROM {table} AS r
        JOIN pick ON r.filename = pick.last.file AND r.file_row_number = pick.last.line
        ORDER BY r.company_id
    """  # noqa: S608 - the names are those of data.schemas


def _row_groups(reader: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _ROW_GROUP:
            yield pa.Table.from_batches(held).cast(schema)
            held, rows = [], 0
    if rows:
        yield pa.Table.from_batches(held).cast(schema)


def _write_manifest(folder: Path, content: dict[str, Any]) -> None:
    whole = {**content, "schema_version": SCHEMA_VERSION, "written_at": datetime.now(UTC).isoformat()}
    temporary = folder / ".manifest.json.tmp"
    temporary.write_text(json.dumps(whole))
    sync_file(temporary)
    temporary.replace(folder / "manifest.json")
    sync_file(folder)
