"""What one run of a unit writes: staged files, exposed only after its commit (`data/storage.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.cleaning import Refused
from data.input_columns import InputWriter, copy_input, headers_metadata, of_job
from data.parts import INPUT_FILE, PLAN_FILE, PartKind, part_folder, part_name
from data.schemas import OTHER_SCHEMAS, PLAN, STAGE_SCHEMAS, table
from data.storage import Run, StoredLake
from leadmill import tracing

# A part has some thirty columns, most of them empty, and few rows. In pages of version 2 an empty column is not sent
# through the compressor (a third of the time of writing a row).
#: Rows of fewer bytes are packed by LZ4: a codec is made ready for each column, which with zstd is a third of the time
#: of writing few rows (decision 64). Pages are not: their HTML is what fills the disk.
_LZ4_BYTES = 65_536
_LZ4: dict[str, Any] = {"compression": "lz4"}
_ZSTD: dict[str, Any] = {"compression": "zstd", "compression_level": 3}
#: Below so many rows a dictionary costs more than it saves.
_DICTIONARY_ROWS = 500
#: Columns by whose values parts are passed over; the least and the greatest of the others would be stored twice a part,
#: uncompressed: a quarter of a part of few rows.
_ASKED_BY = ["company_id", "domain"]
#: The same of the plan.
_PLAN_ASKED_BY = ["company_id", "domain", "partition"]
_PLAN_ROW_GROUP = 2_000


def packing_of(made: pa.Table, kind: PartKind, asked_by: Sequence[str] = _ASKED_BY) -> dict[str, Any]:
    """How a table is written best, as options of `pq.ParquetWriter`."""
    return {
        **(_LZ4 if made.get_total_buffer_size() < _LZ4_BYTES and kind != "pages" else _ZSTD),
        "data_page_version": "2.0",
        "write_page_checksum": True,
        "use_dictionary": made.num_rows >= _DICTIONARY_ROWS,
        "write_statistics": asked_by,
        # Arrow's own copy of the schema is a third of a part of few rows, and says nothing that Parquet's does not:
        # all types come back the same (decision 72). Metadata of ours goes with it.
        "store_schema": bool(made.schema.metadata),
    }


class PlanSize(NamedTuple):
    """What a plan holds."""

    rows: int
    #: Rows that name a company. The others are lines of a list that name none, kept for their error.
    companies: int

    def with_rows(self, plan: pa.Table) -> PlanSize:
        nameless = pc.sum(pc.equal(plan["company_id"], ""), min_count=0).as_py()
        return PlanSize(self.rows + plan.num_rows, self.companies + plan.num_rows - nameless)


class UnitFiles:
    """The files of one run of a stage of a unit."""

    def __init__(self, lake: StoredLake, job_id: str, stage: str, unit: str, epoch: int, partition: int = 0) -> None:
        self._storage = lake.storage
        self._run = Run(job_id, stage, unit, epoch)
        self._partition = partition
        #: Part files of each kind so far; the commit tells the record.
        self.counts: dict[PartKind, int] = {}
        #: Bytes of these.
        self.bytes = 0
        #: Rows of each kind that could not be written.
        self.refused: dict[PartKind, list[Refused]] = {}

    @property
    def job_id(self) -> str:
        """Whose files they are."""
        return self._run.job_id

    def write(self, rows: Iterable[Mapping[str, Any]], kind: PartKind = "rows") -> int:
        """Write rows as the next part of a kind; how many they were. No rows, no file.

        Rows that do not fit, however they are cleaned, go to `refused`.
        """
        run = self._run
        made = table(rows, schema_of(run.stage, kind), run.job_id, self.refused.setdefault(kind, []))
        if made.num_rows == 0:
            return 0
        with (
            tracing.span("write parquet", kind=kind, rows=made.num_rows),
            self._storage.stage(run, self._next_part(kind)) as sink,
        ):
            gathered = pa.BufferOutputStream()  # a call into Python a column chunk costs more than the copy
            pq.write_table(made, gathered, **packing_of(made, kind))
            self.bytes += sink.write(gathered.getvalue())
        return int(made.num_rows)

    @contextmanager
    def part_at(self, kind: PartKind = "rows") -> Iterator[Path]:
        """A local path to write the next part of a kind at; it counts from now on."""
        with self._storage.stage_at(self._run, self._next_part(kind)) as path:
            yield path
            self.bytes += path.stat().st_size

    def _next_part(self, kind: PartKind) -> str:
        n = self.counts.get(kind, 0)
        self.counts[kind] = n + 1
        return f"{part_folder(self._run.stage, kind)}/{part_name(self._partition, n, self._run.epoch)}"

    def write_plan(self, parts: Iterable[pa.Table], input_headers: Sequence[str] = ()) -> PlanSize:
        """Write the plan, sorted by partition so that one partition's rows are read alone; how large it is.

        Args:
            parts: rows of `data.schemas.PLAN` in the order of their partitions, none of which is in two of these; one
                part at least, and one is in memory at a time.
            input_headers: the other columns of the input, which `write_input` has written.
        """
        size, schema = PlanSize(0, 0), PLAN.with_metadata(headers_metadata(input_headers))
        with self._storage.stage_at(self._run, PLAN_FILE) as path, ExitStack() as opened:
            writer = None
            for part in parts:
                made = part.sort_by([("partition", "ascending"), ("domain", "ascending")])
                if writer is None:  # all of it is packed as its first part is packed best
                    packing = {**packing_of(made, "rows", _PLAN_ASKED_BY), "store_schema": bool(schema.metadata)}
                    writer = opened.enter_context(pq.ParquetWriter(path, schema, **packing))
                writer.write_table(made, row_group_size=_PLAN_ROW_GROUP)
                size = size.with_rows(made)
        return size

    @contextmanager
    def write_input(self, headers: Sequence[str]) -> Iterator[InputWriter]:
        """Write the other columns of the input; lines are added within the block."""
        with (
            self._storage.stage_at(self._run, INPUT_FILE) as path,
            InputWriter(path, headers, self._run.job_id) as writer,
        ):
            yield writer

    def copy_input(self, source: Path) -> None:
        """Take the other columns of another job's input."""
        with self._storage.stage_at(self._run, INPUT_FILE) as path:
            copy_input(source, path, self._run.job_id)

    def copy_plan(self, plan: pa.Table, source_job: str) -> PlanSize:
        """Write another job's plan as this one's, whose rows are then those of `source_job`; how large it is."""
        at = plan.schema.get_field_index("source_job")
        sources = pa.array([source_job if error is None else None for error in plan["error"].to_pylist()], pa.string())
        return self._write_plan(of_job(plan.set_column(at, plan.schema.field(at), sources), self._run.job_id))

    def _write_plan(self, made: pa.Table) -> PlanSize:
        with self._storage.stage_at(self._run, PLAN_FILE) as path:
            pq.write_table(made, path, compression="zstd", row_group_size=_PLAN_ROW_GROUP)
        return PlanSize(0, 0).with_rows(made)

    def write_json(self, target: str, value: Any) -> None:
        """Write a JSON file."""
        with self._storage.stage(self._run, target) as sink:
            sink.write(json_text(value).encode())

    def write_at(self, target: str) -> AbstractContextManager[Path]:
        """A local path to write a file at that is exposed as `target`, below the job's folder."""
        return self._storage.stage_at(self._run, target)

    def scratch(self, name: str) -> Path:
        """A path for this run alone: no commit exposes it, publish removes it."""
        return self._storage.scratch(self._run, name)

    def discard(self) -> None:
        """Remove what this run wrote; its commit was refused or never came."""
        self._storage.discard(self._run)


def json_text(value: Any) -> str:
    """Readable JSON; a text that UTF-8 cannot hold (a lone surrogate) is escaped."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return text if _is_utf8(text) else json.dumps(value, indent=1, default=str)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def schema_of(stage: str, kind: PartKind) -> pa.Schema:
    return OTHER_SCHEMAS.get(kind) or STAGE_SCHEMAS[stage]
