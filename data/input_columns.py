"""The other columns of a job's input: `input/columns.parquet`, one row a line (`data.schemas.INPUT`).

They belong to the job that was given the list, never to the company: a later job over the same company has its own or
none. Launch writes the file by the commit that writes the plan, and only where the input has other columns; which ones
there are, in the order of the input, the plan says in its metadata, so that a file that is missing is missed. Rows of
stage `score` carry them on, with the same metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from data.cleaning import clean_text
from data.mounts import opened
from data.reading import FAULTS, named
from data.schemas import INPUT, SCHEMA_VERSION

#: Under this name a Parquet file's metadata has the headers, as a JSON list.
HEADERS = "input_headers"
#: Lines, and texts of them, held in memory before they are written.
_BATCH, _TEXTS = 2_000, 200_000
#: The same of lines that are copied as they are.
_COPIED = 20_000


class InputWriter:
    """Writes the lines of an input as they come, a batch in memory at a time; a context."""

    def __init__(self, path: Path, headers: Sequence[str], job_id: str) -> None:
        self._job_id = job_id
        self._begin()
        schema = INPUT.with_metadata(headers_metadata(headers))
        self._file = pq.ParquetWriter(path, schema, compression="zstd")

    def _begin(self) -> None:
        # Flat lists of the column's own form: a dictionary a line costs Arrow five times as much.
        self._companies: list[str] = []
        self._lines: list[int] = []
        self._ends = [0]
        self._headers: list[str] = []
        self._texts: list[str] = []

    def add(self, company_id: str, line: int, values: Mapping[str, str]) -> None:
        """Add a line: its company ("": it names none) and the texts of its other columns; an empty one is left out."""
        for header, text in values.items():
            if told := clean_text(text):
                self._headers.append(clean_text(header))
                self._texts.append(told)
        self._companies.append(company_id)
        self._lines.append(line)
        self._ends.append(len(self._texts))
        if len(self._lines) >= _BATCH or len(self._texts) >= _TEXTS:
            self._flush()

    def _flush(self) -> None:
        texts = pa.array(self._texts, pa.string())
        values = pa.MapArray.from_arrays(self._ends, pa.array(self._headers, pa.string()), texts)
        of_lines = {"company_id": self._companies, "line": self._lines, "values": values}
        origin = {"job_id": self._job_id, "schema_version": SCHEMA_VERSION}
        rows = len(self._lines)
        columns = [of_lines.get(name) or [origin[name]] * rows for name in INPUT.names]
        self._file.write_table(pa.table(columns, INPUT))
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._lines:
            self._flush()
        self._file.close()


def headers_metadata(headers: Sequence[str]) -> dict[str, str]:
    """What the metadata of a Parquet file says of the other columns of an input; nothing where there are none."""
    return {HEADERS: json.dumps([clean_text(header) for header in headers], ensure_ascii=False)} if headers else {}


def headers_in(file: Path) -> list[str]:
    """The headers that a Parquet file's metadata names, in the order of the input; none where it names none.

    Raises:
        DamagedPartError: it is missing or damaged.
    """
    try:
        found = (pq.read_metadata(opened(file)).metadata or {}).get(HEADERS.encode())
        return [str(header) for header in json.loads(found)] if found else []
    except FAULTS as error:
        raise named(file, error) from error


def copy_input(source: Path, target: Path, job_id: str) -> None:
    """Write the lines of another job's file as this job's.

    Raises:
        DamagedPartError: it is missing or damaged.
    """
    try:
        with (
            pq.ParquetFile(opened(source), page_checksum_verification=True) as reader,
            pq.ParquetWriter(target, reader.schema_arrow, compression="zstd") as writer,
        ):
            for chunk in reader.iter_batches(batch_size=_COPIED):
                writer.write_table(of_job(pa.Table.from_batches([chunk]), job_id))
    except FAULTS as error:
        raise named(source, error) from error


def of_job(rows: pa.Table, job_id: str) -> pa.Table:
    """Rows of another job as this job's."""
    at = rows.schema.get_field_index("job_id")
    return rows.set_column(at, rows.schema.field(at), pa.repeat(pa.scalar(job_id), rows.num_rows))
