"""What one run of a unit writes: temporary files, public only after its commit (`data.lake.Lake.settle`)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.cleaning import Refused
from data.parts import PartKind, part_name
from data.schemas import ERRORS, PAGES, PLAN, STAGE_SCHEMAS, table

if TYPE_CHECKING:
    from data.lake import Lake

# A part has some thirty columns, most of them empty, and few rows. In pages of version 2 an empty column is not sent
# through the compressor (a third of the time of writing a row); a buffer spares a call into Python a page.
_COMPRESSION_LEVEL = 3
_BUFFER_BYTES = 65_536
#: Below so many rows a dictionary costs more than it saves.
_DICTIONARY_ROWS = 500


class UnitFiles:
    """The files of one run of a stage of a unit."""

    def __init__(self, lake: Lake, job_id: str, stage: str, unit: str, epoch: int, partition: int = 0) -> None:
        self._folder = lake.job_dir(job_id)
        self._stage, self._unit, self._epoch, self._partition = stage, unit, epoch, partition
        self._job_id = job_id
        #: Part files of each kind so far; the commit tells the record.
        self.counts: dict[PartKind, int] = {}
        #: Rows of each kind that could not be written.
        self.refused: dict[PartKind, list[Refused]] = {}

    def write(self, rows: Iterable[Mapping[str, Any]], kind: PartKind = "rows") -> int:
        """Write rows as the next part of a kind; how many they were. No rows, no file.

        Rows that do not fit, however they are cleaned, go to `refused`.
        """
        made = table(rows, schema_of(self._stage, kind), self._job_id, self.refused.setdefault(kind, []))
        if made.num_rows == 0:
            return 0
        with self.part(kind).open("wb") as sink:
            gathered = pa.BufferedOutputStream(pa.PythonFile(sink, mode="w"), _BUFFER_BYTES)
            pq.write_table(
                made,
                gathered,
                compression="zstd",
                compression_level=_COMPRESSION_LEVEL,
                data_page_version="2.0",
                write_page_checksum=True,
                use_dictionary=made.num_rows >= _DICTIONARY_ROWS,
            )
            gathered.flush()
            sink.flush()
            os.fsync(sink.fileno())
        return int(made.num_rows)

    def part(self, kind: PartKind = "rows") -> Path:
        """The temporary path of the next part of a kind, which counts from now on."""
        n = self.counts.get(kind, 0)
        self.counts[kind] = n + 1
        base = {"rows": self._stage, "errors": f"{self._stage}/errors", "pages": "pages"}[kind]
        return self.path(f"{base}/{part_name(self._partition, n, self._epoch)}")

    def write_plan(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write the plan, sorted by partition so that one partition's rows are read alone."""
        made = table(rows, PLAN, self._job_id).sort_by([("partition", "ascending"), ("domain", "ascending")])
        path = self.path("plan.parquet")
        pq.write_table(made, path, compression="zstd", row_group_size=2_000)
        sync_file(path)
        return int(made.num_rows)

    def write_json(self, target: str, value: Any) -> None:
        """Write a JSON file."""
        path = self.path(target)
        path.write_text(json_text(value))
        sync_file(path)

    def path(self, target: str) -> Path:
        """The temporary path of a file whose public path, relative to the job's folder, is `target`."""
        return self._named("~", target.replace("/", "+"))

    def scratch(self, name: str) -> Path:
        """A path for this run alone: no commit makes it public, publish removes it."""
        return self._named(".", name)

    def _named(self, mark: str, name: str) -> Path:
        folder = self._folder / "_tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{owner(self._stage, self._unit)}.{self._epoch}{mark}{name}"

    def discard(self) -> None:
        """Remove what this run wrote; its commit was refused or never came."""
        for file in (self._folder / "_tmp").glob(f"{owner(self._stage, self._unit)}.{self._epoch}[~.]*"):
            file.unlink(missing_ok=True)


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


def owner(stage: str, unit: str) -> str:
    """Whose a temporary file is, as its name begins."""
    return f"{stage}.{unit.replace(':', '-')}"


def schema_of(stage: str, kind: PartKind) -> pa.Schema:
    return {"errors": ERRORS, "pages": PAGES}.get(kind) or STAGE_SCHEMAS[stage]


def sync_file(path: Path) -> None:
    """Make a written file, or a folder's entries, durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
