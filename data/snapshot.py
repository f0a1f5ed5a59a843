"""Compaction: the newest good row of each company, taken out of many job folders into one sorted file a stage.

`companies/<stage>/snapshot-<n>.parquet` never changes once it has its name; `manifest.json` beside it says which
jobs are in it, each with a digest of the parts that were read. A job whose digest still holds is covered: readers may
pass its parts over, and cleanup may remove them. Nothing else is ever removed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.covered import covered_list, digest, snapshot_names
from data.damage import damages, enduring, mend, redone
from data.duck import connected
from data.lake import Lake
from data.mounts import addresses
from data.parts import DAMAGED, MANIFEST
from data.schemas import MADE_AT, SCHEMA_VERSION, STAGE_SCHEMAS
from data.storage import Content, HeldError
from leadmill.errors import WorkError

#: A replaced snapshot stays this long (seconds), for queries that had listed it already.
GRACE_S = 600
#: Memory of a compaction before it spills to disk; half of what a pool child may grow to.
_MEMORY = "300MB"
_ROW_GROUP = 5_000
_BATCH = 500
_SNAPSHOT = re.compile(r"snapshot-([0-9]+)\.parquet")
_OTHER = "another maintenance job is compacting the lake; this one tries again later"

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
    with ExitStack() as held:
        try:
            held.enter_context(lake.storage.lock(lake.companies / ".lock", wait_s, 0.1, check))
        except HeldError as error:
            raise WorkError(_OTHER) from error
        yield


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
    sizes = [state.size for file in lake.snapshot_files(stage) if (state := lake.storage.stat(file)) is not None]
    known: dict[str, str] = {}
    new: dict[str, str] = {}
    seen: Content | None = None

    def sources() -> dict[str, list[Path]]:
        nonlocal known, seen
        new.clear()
        known, seen = covered_list(lake, stage)
        files = lake.snapshot_files(stage)
        for job_id in job_ids:
            own = lake.parts(job_id, stage)
            if own and known.get(job_id) != digest(lake, own) and mend(lake, own, whole=False):
                own = lake.parts(job_id, stage)
            if own and known.get(job_id) != (told := digest(lake, own)):
                new[job_id] = told
                files += own
        return {stage: files}

    folder = lake.companies / stage

    def write(files: Mapping[str, Sequence[Path]]) -> tuple[Path, int] | None:
        if not new:
            return None
        check()
        target = folder / f"snapshot-{_number(lake, folder) + 1:06d}.parquet"
        return target, _write(lake, files[stage], stage, target, check)

    written = enduring(lake, sources, write)
    if written is None:
        return None
    target, rows = written
    check()
    kept = {job_id: told for job_id, told in known.items() if lake.storage.names(lake.jobs / job_id / stage)}
    _write_manifest(lake, folder / MANIFEST, seen, {"snapshot": target.name, "rows": rows, "jobs": {**kept, **new}})
    drop_stale_snapshots(lake)
    state = lake.storage.stat(target)
    return Compaction(stage, len(new), rows, sizes[0] if sizes else 0, state.size if state else 0)


def drop_stale_snapshots(lake: Lake, grace_s: float = GRACE_S) -> int:
    """Remove snapshots that were replaced more than `grace_s` ago, and what a killed compaction left. Bytes freed.

    Only within `exclusive`.
    """
    freed = 0
    for stage in STAGE_SCHEMAS:
        folder = lake.companies / stage
        freed += lake.storage.drop_unfinished(folder)
        for old, successor in pairwise(folder / name for name in snapshot_names(lake, stage)):
            if (state := lake.storage.stat(successor)) and time.time() - state.modified_ns / 1e9 >= grace_s:
                stale = lake.storage.stat(old)
                freed += stale.size if stale else 0
                lake.storage.remove(old)
    return freed


def _number(lake: Lake, folder: Path) -> int:
    """The highest number that a snapshot has or had, also one that was set aside."""
    names = (_SNAPSHOT.fullmatch(name.removeprefix(DAMAGED)) for name in lake.storage.names(folder))
    return max((int(found[1]) for found in names if found), default=0)


def _write(lake: Lake, sources: Sequence[Path], stage: str, target: Path, check: Check) -> int:
    schema = STAGE_SCHEMAS[stage]
    spill = lake.storage.spill(lake.companies)
    rows = 0
    with (
        lake.storage.create(target) as path,
        connected(threads=2, memory_limit=_MEMORY, temp_directory=str(spill), preserve_insertion_order=False) as con,
        pq.ParquetWriter(path, schema, compression="zstd") as writer,
    ):
        files = {"files": addresses(sources)}
        have = set(con.sql("SELECT * FROM read_parquet($files, union_by_name => true) LIMIT 0", params=files).columns)
        reader = con.sql(_newest(stage, have), params=files).to_arrow_reader(_BATCH)
        for chunk in _row_groups(reader, schema):
            check()
            writer.write_table(chunk, row_group_size=_ROW_GROUP)
            rows += chunk.num_rows
    return rows


def _newest(stage: str, have: set[str]) -> str:
    """The query for the newest good row of each company; columns that no file has are null."""
    kept = have - {"input"}  # what a list says of a company belongs to the job that was given it
    columns = ", ".join(f'r."{name}"' if name in kept else f'NULL AS "{name}"' for name in STAGE_SCHEMAS[stage].names)
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


def _write_manifest(lake: Lake, path: Path, seen: Content | None, content: dict[str, Any]) -> None:
    whole = {**content, "schema_version": SCHEMA_VERSION, "written_at": datetime.now(UTC).isoformat()}
    if not lake.storage.swap(path, json.dumps(whole).encode(), seen):
        raise WorkError(_OTHER)
    name = str(path.relative_to(lake.root))
    for one in damages(lake):
        if one.file == name:  # it stands for every part that counts, as the damaged one did
            redone(lake, one)
