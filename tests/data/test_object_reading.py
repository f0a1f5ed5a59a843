"""Parquet on an object store: how many requests and bytes a query costs, from many threads, and what damage does."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.duck import connected
from data.mounts import addresses, opened, storage_at, unmount
from data.object_store import Bucket, mounted
from data.storage import Run, Storage
from tests.stand_ins.s3 import S3Server

pytestmark = pytest.mark.stack
JOB = "job_" + "0" * 20


class Store:
    """A store with files, and what it was asked since."""

    def __init__(self, s3: S3Server, bucket: Bucket, root: Path) -> None:
        self.s3, self.bucket, self.root = s3, bucket, root
        self.storage: Storage = storage_at(root)

    def write(self, name: str, table: pa.Table, **options: Any) -> Path:
        with self.storage.stage_at(Run(JOB, "scrape", "p0", 1), name) as path:
            pq.write_table(table, path, **options)
        return self.root / "jobs" / JOB / name

    def asked(self) -> tuple[dict[str, int], int]:
        """Requests by method and bytes read since the last time."""
        read, self.bucket.bytes_read = self.bucket.bytes_read, 0
        return dict(self.s3.methods()), read


@pytest.fixture
def store(s3: S3Server, tmp_path: Path) -> Iterator[Store]:
    root = Path(f"/dev/null/{tmp_path.name}")
    made = Store(s3, mounted(s3.place(), root, tmp_path), root)
    yield made
    unmount(root)


def rows(number: int, count: int, columns: int = 38) -> pa.Table:
    """Rows of one part, with texts that pack badly."""
    made = {f"c{n}": [os.urandom(8).hex() for _ in range(count)] for n in range(columns - 1)}
    return pa.table({"company_id": [f"comp_{number:03d}{n:05d}" for n in range(count)], **made})


def parts(store: Store, number: int, count: int) -> list[Path]:
    return [store.write(f"scrape/part-{n:05d}-0.parquet", rows(n, count)) for n in range(number)]


def test_a_hundred_small_parts_cost_a_request_each(store: Store) -> None:
    files = parts(store, 100, 30)
    store.asked()
    query = "SELECT count(company_id), max(c1), max(c2) FROM read_parquet($files, union_by_name => true)"
    with connected(threads=2) as con:
        assert con.execute(query, {"files": addresses(files)}).fetchall()[0][0] == 3_000
        requests, read = store.asked()
        assert requests == {"GET": 100} and read < 100 * 64_000
        con.execute(query, {"files": addresses(files)}).fetchall()
        assert store.asked() == ({}, 0), "what was read last is kept"


def test_of_large_parts_the_wanted_columns_are_read(store: Store) -> None:
    files = parts(store, 10, 4_000)
    sizes = [store.bucket.head(f"jobs/{JOB}/scrape/{file.name}") for file in files]
    store.asked()
    query = "SELECT count(company_id), max(c1), max(c2) FROM read_parquet($files, union_by_name => true)"
    with connected(threads=2) as con:
        con.execute(query, {"files": addresses(files)}).fetchall()
    requests, read = store.asked()
    assert requests["GET"] <= 10 * 4 and set(requests) == {"GET"}
    assert read < sum(head.size for head in sizes if head) / 2


def test_a_hundred_ids_of_a_large_snapshot_cost_their_row_groups(store: Store) -> None:
    """At a tenth of the groups of ten million companies: 200 groups, of which 100 hold what is asked for."""
    many = 200 * 500
    ids = [f"comp_{n:08d}" for n in range(many)]
    snapshot = pa.table({"company_id": ids, "c": [os.urandom(40) for _ in range(many)]})
    file = store.write("scrape/part-00000-0.parquet", snapshot, row_group_size=500)
    store.asked()
    with connected(threads=2) as con:
        query = "SELECT count(*), max(c) FROM read_parquet($files) WHERE company_id IN (SELECT unnest($ids))"
        assert con.execute(query, {"files": addresses([file]), "ids": ids[:: many // 100]}).fetchall()[0][0] == 100
    requests, read = store.asked()
    assert requests["GET"] <= 150 and read < snapshot.nbytes


def test_pyarrow_reads_by_ranges(store: Store) -> None:
    table = rows(0, 4_000)
    file = store.write("scrape/part-00000-0.parquet", table)
    store.asked()
    assert pq.read_table(opened(file), columns=["c1"], partitioning=None).equals(table.select(["c1"]))
    requests, read = store.asked()
    assert requests["GET"] <= 3 and read < table.nbytes / 4
    assert pq.read_table(opened(file), partitioning=None).equals(table)


def test_many_threads_read_what_was_written(store: Store) -> None:
    """DuckDB's threads share one handle of a file: each has its own place in it."""
    files, wrong = parts(store, 8, 3_000), []
    expected = pa.concat_tables(rows.select(["company_id"]) for rows in map(pq.read_table, map(opened, files)))
    query = (
        "SELECT count(DISTINCT company_id), min(company_id), max(company_id), max(length(c7)) FROM read_parquet($files)"
    )
    told = (24_000, expected[0][0].as_py(), expected[0][-1].as_py(), 16)

    def ask() -> None:
        try:
            for _ in range(3):
                if con.cursor().execute(query, {"files": addresses(files)}).fetchall() != [told]:
                    wrong.append("other rows")
        except duckdb.Error as error:
            wrong.append(str(error))

    with connected(threads=4) as con:
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_latencies_of_small_files_pass_side_by_side(store: Store) -> None:
    files = parts(store, 48, 20)
    store.asked()
    under_way, most = 0, 0
    lock = threading.Lock()

    def weather(_request: Any) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.05)
        with lock:
            under_way -= 1

    store.s3.weather = weather
    with connected(threads=2) as con:
        con.execute("SELECT count(*), max(c1) FROM read_parquet($files)", {"files": addresses(files)}).fetchall()
    store.s3.clear()
    assert most > 8 and store.asked()[0] == {"GET": 48}


def test_what_was_replaced_under_its_name_is_not_mixed(store: Store) -> None:
    file = store.write("scrape/part-00000-0.parquet", rows(0, 4_000))
    with opened(file) as stream:  # type: ignore[union-attr]
        store.write("scrape/part-00000-0.parquet", rows(1, 4_000))
        with pytest.raises(FileNotFoundError):
            stream.read(10)
    assert pq.read_table(opened(file), columns=["company_id"])[0][0].as_py() == "comp_00100000"


def test_what_is_not_there_is_told(store: Store) -> None:
    file = store.root / "jobs" / JOB / "scrape" / "part-00000-0.parquet"
    with pytest.raises(FileNotFoundError):
        opened(file)
    with connected() as con, pytest.raises(duckdb.Error, match=r"part-00000-0\.parquet"):
        con.execute("SELECT * FROM read_parquet($files)", {"files": addresses([file])}).fetchall()
