"""Many rows in ranked order, in bounded memory: files that hold them so.

DuckDB sorts whole rows in memory, and these hold lists of structs: a million take gigabytes. So only what they are
ranked by is sorted; each row then goes to the bucket that its place is in, and each bucket, small enough, is put in
order by itself. Every row is written twice and read twice, whatever their number.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

#: Bytes of a bucket's rows in memory.
_BUCKET = 64 * 1024 * 1024
#: Rows that are read at a time, and handed out to their buckets.
_ROWS = 5_000
#: What DuckDB may hold while it sorts; the rest is spilt.
_SORTING = "150MB"
#: A bucket's file has so many row groups: whoever reads it holds one in memory.
_GROUPS = 8
#: Files that are open at a time, at most.
_MOST_BUCKETS = 400
_PLACE = "place_in_report"


def ranked_files(rows: Sequence[Path], where: str, folder: Path) -> list[Path]:
    """Write the rows of the files that meet a condition into Parquet files: the first holds the best, best first.

    The columns are the final ones.

    Args:
        folder: an empty one; the files are left in it.

    Raises:
        duckdb.Error: a file is missing or no Parquet.
        OSError: the folder takes nothing more.
    """
    with one_thread(memory_limit=_SORTING, temp_directory=str(folder / "spill")) as con:
        starts = _starts(con, rows)
        ranks, count = _places(con, rows, where, starts)
    buckets = _hand_out(rows, ranks, starts, count, folder)
    return [
        file for bucket, places, held in buckets for file in _in_order(bucket, places, max(1, round(held / _BUCKET)))
    ]


def _starts(con: Any, rows: Sequence[Path]) -> np.ndarray:
    """For each file how many rows those before it have, and behind the last of them how many there are."""
    import numpy as np

    files = ", ".join(path_literal(file) for file in rows)
    counts = dict(con.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata([{files}])").fetchall())
    return np.cumsum([0, *(counts[str(file)] for file in rows)])


def _places(con: Any, rows: Sequence[Path], where: str, starts: np.ndarray) -> tuple[np.ndarray, int]:
    """Each row's place in the order, -1 where it has none, and how many have; rows are numbered through the files."""
    import numpy as np

    query = select_rows(con, rows, STAGE_SCHEMAS["score"], more="file_index, file_row_number")
    query = f"SELECT file_index, file_row_number FROM ({query}) WHERE {where} ORDER BY {RANKED}"
    places = np.full(starts[-1], -1, dtype=np.int32)
    place = 0
    for batch in con.sql(query).to_arrow_reader(100_000):
        numbers = starts[batch["file_index"].to_numpy()] + batch["file_row_number"].to_numpy()
        places[numbers] = np.arange(place, place + batch.num_rows, dtype=np.int32)
        place += batch.num_rows
    return places, place


def _hand_out(
    rows: Sequence[Path], places: np.ndarray, starts: np.ndarray, count: int, folder: Path
) -> list[tuple[Path, range, int]]:
    """Write each row, with its place, to the file of the bucket that its place is in.

    Returns each file with its places and the bytes of its rows in memory, the best first.
    """
    import numpy as np
    import pyarrow as pa

    size, packed = 0, pa.ipc.IpcWriteOptions(compression="lz4")
    files: dict[int, Path] = {}
    held: dict[int, int] = {}
    writers: dict[int, pa.RecordBatchWriter] = {}
    with ExitStack() as opened:
        for file, first in zip(rows, starts.tolist(), strict=False):
            for number, batch in enumerate(_batches(file)):
                ranks = places[first + number * _ROWS :][: batch.num_rows]
                # By the first rows; with more buckets than may be open each is larger.
                size = size or max(_BUCKET // max(200, batch.nbytes // batch.num_rows), -(-count // _MOST_BUCKETS))
                order = np.argsort(ranks)[np.count_nonzero(ranks < 0) :]
                if not len(order):
                    continue
                ranks = ranks[order]
                ordered = batch.take(pa.array(order)).append_column(_PLACE, pa.array(ranks))
                buckets, begins = np.unique(ranks // size, return_index=True)
                for bucket, begin, behind in zip(buckets, begins, [*begins[1:], len(ranks)], strict=True):
                    if bucket not in writers:
                        files[bucket] = folder / f"bucket-{bucket:05d}.arrow"
                        writer = pa.ipc.new_file(str(files[bucket]), ordered.schema, options=packed)
                        writers[bucket] = opened.enter_context(writer)
                    part = ordered.slice(begin, behind - begin)
                    writers[bucket].write_batch(part)
                    held[bucket] = held.get(bucket, 0) + part.nbytes
    ends = {bucket: range(bucket * size, min((bucket + 1) * size, count)) for bucket in files}
    return [(files[bucket], ends[bucket], held[bucket]) for bucket in sorted(files)]


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file in the final columns and their types; DuckDB would hold twice as much of it in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = STAGE_SCHEMAS["score"]
    with pq.ParquetFile(file, pre_buffer=False) as reader:
        for batch in reader.iter_batches(_ROWS, use_threads=False):
            have = dict(zip(batch.schema.names, batch.columns, strict=True))
            columns = [
                have[field.name].cast(field.type) if field.name in have else pa.nulls(batch.num_rows, field.type)
                for field in schema
            ]
            if batch.num_rows:
                yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _in_order(bucket: Path, places: range, parts: int) -> Iterator[Path]:
    """Put the rows of a bucket in order; its file gives way to those that are made.

    A bucket of wider rows than the first, by which its size was reckoned, is read as often as it has parts.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.ipc.open_file(str(bucket)) as reader:
        batches = range(reader.num_record_batches)
        step = -(-len(places) // parts)
        for number, begin in enumerate(places[::step]):
            own = (pa.compute.field(_PLACE) >= begin) & (pa.compute.field(_PLACE) < begin + step)
            table = pa.Table.from_batches([reader.get_batch(at).filter(own) for at in batches])
            table = table.take(pa.compute.sort_indices(table[_PLACE])).drop_columns([_PLACE])
            file = bucket.with_name(f"{bucket.stem}-{number}.parquet")
            groups = len(table) // _GROUPS + 1
            pq.write_table(table, file, groups, compression="lz4", use_dictionary=False, write_statistics=False)
            yield file
    bucket.unlink()


def in_order(files: Sequence[Path]) -> str:
    """The rows of files one after the other: what may follow FROM."""
    return f"(SELECT * FROM read_parquet([{', '.join(path_literal(file) for file in files)}]))"
