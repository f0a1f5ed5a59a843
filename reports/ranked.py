"""Many rows in ranked order, in bounded memory: files that hold them so.

DuckDB sorts whole rows in memory, and these hold lists of structs: a million take gigabytes. So only what they are
ranked by is sorted; each row then goes to the bucket that its place is in. A bucket that is small enough is put in
order by itself, a larger one is handed out to buckets of its own. They are few at a time, or else each would get a few
rows at a time, and what a batch costs beside its rows would be most of the work.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.duck import one_thread
from data.schemas import STAGE_SCHEMAS
from reports.final_rows import RANKED
from reports.rows import path_literal, select_rows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

#: Bytes of a bucket's rows in memory; one of less than twice that is put in order.
_BUCKET = 64 * 1024 * 1024
#: Rows that are read at a time, and handed out to their buckets.
_ROWS = 5_000
#: Rows are handed out to so many buckets at a time, at most.
_BUCKETS = 20
#: What DuckDB may hold while it sorts; the rest is spilt.
_SORTING = "150MB"
#: A bucket's file has so many row groups: whoever reads it holds one in memory.
_GROUPS = 8
_PLACE = "place_in_report"


def ranked_files(rows: Sequence[Path], where: str, folder: Path, order: str = RANKED) -> list[Path]:
    """Write the rows of the files that meet a condition into Parquet files: the first holds the best, best first.

    The columns are the final ones.

    Args:
        folder: an empty one; the files are left in it.
        order: another one, as SQL (`reports.lead_order`).

    Raises:
        duckdb.Error: a file is missing or no Parquet.
        OSError: the folder takes nothing more.
    """
    with one_thread(memory_limit=_SORTING, temp_directory=str(folder / "spill")) as con:
        starts = _starts(con, rows)
        places, count = _places(con, rows, where, starts, order)
    return list(_sorted(_placed(rows, places, starts), range(count), folder)) if count else []


def _starts(con: Any, rows: Sequence[Path]) -> np.ndarray:
    """For each file how many rows those before it have, and behind the last of them how many there are."""
    import numpy as np

    files = ", ".join(path_literal(file) for file in rows)
    counts = dict(con.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata([{files}])").fetchall())
    return np.cumsum([0, *(counts[str(file)] for file in rows)])


def _places(con: Any, rows: Sequence[Path], where: str, starts: np.ndarray, order: str) -> tuple[np.ndarray, int]:
    """Each row's place in the order, -1 where it has none, and how many have; rows are numbered through the files."""
    import numpy as np

    query = select_rows(con, rows, STAGE_SCHEMAS["score"], more="file_index, file_row_number")
    query = f"SELECT file_index, file_row_number FROM ({query}) WHERE {where} ORDER BY {order}"
    places = np.full(starts[-1], -1, dtype=np.int32)
    place = 0
    for batch in con.sql(query).to_arrow_reader(100_000):
        numbers = starts[batch["file_index"].to_numpy()] + batch["file_row_number"].to_numpy()
        places[numbers] = np.arange(place, place + batch.num_rows, dtype=np.int32)
        place += batch.num_rows
    return places, place


def _placed(rows: Sequence[Path], places: np.ndarray, starts: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows of the files in the final columns and their types, behind them their places; those without are left out.

    PyArrow reads them: DuckDB would hold twice as much of a file in memory.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = STAGE_SCHEMAS["score"]
    for file, start in zip(rows, starts.tolist(), strict=False):
        own = places[start:]
        with pq.ParquetFile(file, pre_buffer=False) as reader:
            for batch in reader.iter_batches(_ROWS, use_threads=False):
                have = dict(zip(batch.schema.names, batch.columns, strict=True))
                columns = [
                    have[field.name].cast(field.type) if field.name in have else pa.nulls(batch.num_rows, field.type)
                    for field in schema
                ]
                numbers, own = own[: batch.num_rows], own[batch.num_rows :]
                placed = pa.RecordBatch.from_arrays(columns, schema=schema).append_column(_PLACE, pa.array(numbers))
                yield placed if np.all(numbers >= 0) else placed.filter(pa.array(numbers >= 0))


def _sorted(batches: Iterable[pa.RecordBatch], places: range, folder: Path, parts: int = 0) -> Iterator[Path]:
    """Put rows in order that have these places: the files, the first holds the first of them.

    Args:
        parts: how many buckets would hold them; 0: as many as the first rows let expect.
    """
    for bucket, own, held in _hand_out(batches, places, folder, parts):
        if held < 2 * _BUCKET or len(own) == 1:
            yield _in_order(bucket)
        else:
            yield from _sorted(_rows_of(bucket), own, folder, -(-held // _BUCKET))
        bucket.unlink()


def _hand_out(
    batches: Iterable[pa.RecordBatch], places: range, folder: Path, parts: int
) -> list[tuple[Path, range, int]]:
    """Write each row to the file of the bucket that its place is in.

    Returns each file with its places and the bytes of its rows in memory, the best first.
    """
    import numpy as np
    import pyarrow as pa

    size, packed = 0, pa.ipc.IpcWriteOptions(compression="lz4")
    files: dict[int, Path] = {}
    held: dict[int, int] = {}
    writers: dict[int, pa.RecordBatchWriter] = {}
    with ExitStack() as opened:
        for batch in batches:
            if not batch.num_rows:
                continue
            parts = parts or batch.nbytes * len(places) // batch.num_rows // _BUCKET + 1
            size = size or -(-len(places) // min(parts, _BUCKETS))
            numbers = batch[_PLACE].to_numpy()
            order = np.argsort(numbers)
            ordered = batch.take(pa.array(order))
            buckets, begins = np.unique((numbers[order] - places.start) // size, return_index=True)
            for bucket, begin, behind in zip(buckets.tolist(), begins, [*begins[1:], len(order)], strict=True):
                if bucket not in writers:
                    own = places[bucket * size :][:size]
                    files[bucket] = folder / f"bucket-{own.start:010d}-{own.stop:010d}.arrow"
                    writer = pa.ipc.new_file(str(files[bucket]), ordered.schema, options=packed)
                    writers[bucket] = opened.enter_context(writer)
                part = ordered.slice(begin, behind - begin)
                writers[bucket].write_batch(part)
                held[bucket] = held.get(bucket, 0) + part.nbytes
    return [(files[bucket], places[bucket * size :][:size], held[bucket]) for bucket in sorted(files)]


def _rows_of(bucket: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a bucket as they are, its small batches made into larger ones."""
    import pyarrow as pa

    with pa.ipc.open_file(str(bucket)) as reader:
        found: list[pa.RecordBatch] = []
        for at in range(reader.num_record_batches):
            found.append(reader.get_batch(at))
            if sum(batch.num_rows for batch in found) >= _ROWS or at + 1 == reader.num_record_batches:
                yield pa.concat_batches(found)
                found = []


def _in_order(bucket: Path) -> Path:
    """Write the rows of a bucket in order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.ipc.open_file(str(bucket)) as reader:
        table = reader.read_all()
    table = table.take(pa.compute.sort_indices(table[_PLACE])).drop_columns([_PLACE])
    file, groups = bucket.with_suffix(".parquet"), len(table) // _GROUPS + 1
    pq.write_table(table, file, groups, compression="lz4", use_dictionary=False, write_statistics=False)
    return file


def in_order(files: Sequence[Path]) -> str:
    """The rows of files one after the other: what may follow FROM."""
    return f"(SELECT * FROM read_parquet([{', '.join(path_literal(file) for file in files)}]))"
