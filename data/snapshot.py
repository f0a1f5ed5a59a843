"""Compaction: the newest good row of each company, taken out of many job folders into one sorted file a stage.

`companies/<stage>/snapshot-<n>.parquet` never changes once it has its name, which no other writer gives to a file;
`manifest.json` beside it names the one that counts, and says which jobs are in it, each with a digest of the parts that
were read. A job whose digest still holds is covered: readers may pass its parts over, and cleanup may remove them.
Nothing else is ever removed.

Whoever compacts may have lost the right to it, in a sleep. So a snapshot counts by a swap of the list that it was made
from, and by nothing else.
"""

from __future__ import annotations

import json
import secrets
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

from data.covered import Snapshot, digest, snapshot_names, snapshot_number, snapshot_of
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
#: A snapshot's number is a count and nine digits by chance, so that two writers never take one. From this count on all
#: are as wide, so that a listing sorts them; version 0.2.0, which does and had counts alone, reads the last one.
_FIRST_COUNT, _BY_CHANCE = 1_000_000, 10**9
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
    before = Snapshot({}, (), None, is_named=False)
    new: dict[str, str] = {}

    def sources() -> dict[str, list[Path]]:
        nonlocal before
        new.clear()
        before = snapshot_of(lake, stage)
        files = list(before.files)
        for job_id in job_ids:
            known, own = before.jobs.get(job_id), lake.parts(job_id, stage)
            if own and known != digest(lake, own) and mend(lake, own, whole=False):
                own = lake.parts(job_id, stage)
            if own and known != (told := digest(lake, own)):
                new[job_id] = told
                files += own
        return {stage: files}

    def write(files: Mapping[str, Sequence[Path]]) -> tuple[Path, int] | None:
        if not new:
            return None
        check()
        target = lake.companies / stage / _next_name(lake, stage, before)
        return target, _write(lake, files[stage], stage, target, check)

    written = enduring(lake, sources, write)
    if written is None:
        return None
    target, rows = written
    check()
    kept = {job_id: told for job_id, told in before.jobs.items() if lake.storage.names(lake.jobs / job_id / stage)}
    _write_manifest(lake, stage, before.content, {"snapshot": target.name, "rows": rows, "jobs": {**kept, **new}})
    sizes = [state.size if state else 0 for state in lake.storage.stats([*before.files[-1:], target])]
    drop_stale_snapshots(lake)
    return Compaction(stage, len(new), rows, sum(sizes[:-1]), sizes[-1])


def drop_stale_snapshots(lake: Lake, grace_s: float = GRACE_S) -> int:
    """Remove snapshots that were replaced more than `grace_s` ago, and what a killed compaction left. Bytes freed.

    Only within `exclusive`. One of a higher number than the list names stays: whoever wrote it may be about to.
    """
    freed = 0
    for stage in STAGE_SCHEMAS:
        folder = lake.companies / stage
        freed += lake.storage.drop_unfinished(folder)
        names = snapshot_names(lake, stage)
        snapshot = snapshot_of(lake, stage)
        if not snapshot.is_named:
            continue  # all of them count
        highest = snapshot_number(snapshot.files[0].name)
        past = [folder / name for name in names if snapshot_number(name) <= highest]
        for old, successor in pairwise(past):
            if (state := lake.storage.stat(successor)) and time.time() - state.modified_ns / 1e9 >= grace_s:
                stale = lake.storage.stat(old)
                freed += stale.size if stale else 0
                lake.storage.remove(old)
    return freed


def _next_name(lake: Lake, stage: str, before: Snapshot) -> str:
    """A name that no snapshot has or had, also none that was set aside, nor will have from another writer's hand."""
    names = [*lake.storage.names(lake.companies / stage), *(file.name for file in before.files)]
    highest = max((snapshot_number(name.removeprefix(DAMAGED)) for name in names), default=0)
    count = max(highest // _BY_CHANCE, _FIRST_COUNT) + 1
    return f"snapshot-{count * _BY_CHANCE + secrets.randbelow(_BY_CHANCE)}.parquet"


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


def _write_manifest(lake: Lake, stage: str, seen: Content | None, content: dict[str, Any]) -> None:
    path = lake.companies / stage / MANIFEST
    whole = {**content, "schema_version": SCHEMA_VERSION, "written_at": datetime.now(UTC).isoformat()}
    if not lake.storage.swap(path, json.dumps(whole).encode(), seen):
        raise WorkError(_OTHER)
    name = str(path.relative_to(lake.root))
    for one in damages(lake):
        if one.file == name:  # it stands for every part that counts, as the damaged one did
            redone(lake, one)
