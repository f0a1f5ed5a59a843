"""How parts are packed: few rows cheaply, many tightly; every reader takes either."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.lake import Lake
from data.parts import PartKind
from data.schemas import OTHER_SCHEMAS, PLAN, STAGE_SCHEMAS
from data.unit_files import UnitFiles, packing_of

AT = datetime(2026, 3, 1, tzinfo=UTC)


def _row(i: int) -> dict[str, Any]:
    return {"company_id": f"comp_{i:016x}", "domain": f"c{i}.example", "url": f"https://c{i}.example/", "pages": 1}


def _page(i: int) -> dict[str, Any]:
    url = f"https://c{i}.example/"
    return {
        "company_id": f"comp_{i:016x}", "domain": f"c{i}.example", "url": url, "final_url": url, "kind": "home",
        "depth": 0, "status": 200, "html": b"<p>Hello", "page_hash": "0" * 16, "fetched_at": AT,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "rows", "codec"),
    [("rows", [_row(1)], "LZ4"), ("rows", [_row(i) for i in range(2_000)], "ZSTD"), ("pages", [_page(1)], "ZSTD")],
)
def test_codec_follows_what_is_written(tmp_path: Path, kind: PartKind, rows: list[dict[str, Any]], codec: str) -> None:
    files = UnitFiles(Lake(tmp_path), "job_" + "a" * 20, "scrape", "p0", 1)
    files.write([{"scraped_at": AT, **row} for row in rows] if kind == "rows" else rows, kind)
    (file,) = tmp_path.rglob("*.parquet")
    assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression == codec
    assert files.bytes == file.stat().st_size
    ids = [row["company_id"] for row in rows]
    assert pq.read_table(file)["company_id"].to_pylist() == ids
    read = duckdb.connect().execute("SELECT company_id FROM read_parquet(?)", [str(file)]).fetchall()
    assert [row[0] for row in read] == ids


@pytest.mark.parametrize("schema", [*STAGE_SCHEMAS.values(), *OTHER_SCHEMAS.values(), PLAN], ids=lambda s: s.names[-3])
def test_every_type_comes_back_without_arrows_own_copy_of_the_schema(schema: pa.Schema) -> None:
    packed = pa.BufferOutputStream()
    made = schema.empty_table()
    pq.write_table(made, packed, **packing_of(made, "rows"))
    found = pq.ParquetFile(pa.BufferReader(packed.getvalue()))
    assert found.schema_arrow.equals(schema)
    assert {key.decode(): value for key, value in (found.schema_arrow.metadata or {}).items()} == {
        key.decode(): value for key, value in (schema.metadata or {}).items()
    }
    assert (b"ARROW:schema" in (found.metadata.metadata or {})) == bool(schema.metadata)
