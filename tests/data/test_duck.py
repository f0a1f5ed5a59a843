"""What every connection to DuckDB has, seen by what its queries do."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.duck import connection

ROWS, GROUP, ASKED = 6_000, 10, 100


def test_a_hundred_ids_read_their_row_groups_and_no_others(tmp_path: Path) -> None:
    ids = [f"comp_{n:06d}" for n in range(ROWS)]
    pq.write_table(pa.table({"company_id": ids}), tmp_path / "snapshot.parquet", row_group_size=GROUP)
    query = "SELECT count(*) FROM read_parquet($file) WHERE company_id IN (SELECT unnest($ids))"
    asked = {"file": str(tmp_path / "snapshot.parquet"), "ids": ids[:: ROWS // ASKED]}
    cursor = connection().cursor()
    assert cursor.execute(query, asked).fetchall() == [(ASKED,)]
    told = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT json) {query}", asked).fetchall()
    reads = json.loads(told[0][1])["io"]["total_read_operations"]
    assert ASKED <= reads < 2 * ASKED, "of six hundred row groups a hundred hold what was asked for"
