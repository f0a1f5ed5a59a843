"""Which columns files have, by their footers, whoever reads these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.input_columns import headers_metadata
from data.schemas import STAGE_SCHEMAS
from reports import rows as module
from reports.rows import count_rows, input_headers, present, select_rows
from tests.reports.conftest import final_rows, write_rows

NUMBERS = pa.schema([("n", pa.int64())])


def write(path: Path, values: list[int], kind: pa.DataType, headers: tuple[str, ...] = ()) -> Path:
    schema = pa.schema([("n", kind)], metadata=headers_metadata(headers))
    pq.write_table(pa.table({"n": pa.array(values, kind)}, schema=schema), path)
    return path


@pytest.mark.parametrize("few", [0, 4])
def test_footers_say_the_same_by_arrow_and_by_duckdb(
    tmp_path: Path, con: Any, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(module, "_FEW_FILES", few)
    scored = write_rows(tmp_path / "scored.parquet", final_rows())
    described = con.execute(f"DESCRIBE SELECT * FROM read_parquet('{scored}')").fetchall()
    assert present(con, [scored]) == {column: kind for column, kind, *_ in described}
    assert set(STAGE_SCHEMAS["score"].names) == present(con, [scored]).keys()
    assert count_rows(con, [scored]) == 12 and input_headers(con, [scored]) == []
    small = write(tmp_path / "small.parquet", [1], pa.int8(), ("Id", "Owner, full"))
    large = write(tmp_path / "large.parquet", [2, 3], pa.int64(), ("Owner, full", "Note"))
    assert count_rows(con, [small, large]) == 3
    assert sorted(input_headers(con, [small, large])) == ["Id", "Note", "Owner, full"]
    for files in ([small, large], [large, small], [small]):
        asked = con.sql(select_rows(con, files, NUMBERS)).to_arrow_table()
        assert asked.schema.field("n").type == pa.int64()
    assert con.execute(select_rows(con, [small, large], pa.schema([("n", pa.int8())]))).description[0][1] == "TINYINT"


def test_a_file_that_was_made_anew_is_read_anew(tmp_path: Path, con: Any) -> None:
    file = write(tmp_path / "n.parquet", [1], pa.int8())
    assert present(con, [file]) == {"n": "TINYINT"} and count_rows(con, [file]) == 1
    write(tmp_path / "new.parquet", [1, 2], pa.int32()).replace(file)
    assert present(con, [file]) == {"n": "INTEGER"} and count_rows(con, [file]) == 2


@pytest.mark.parametrize("content", [None, b"", b"no Parquet at all", b"PAR1" + bytes(20) + b"PAR1"])
def test_what_cannot_be_read_is_told_by_duckdb(tmp_path: Path, con: Any, content: bytes | None) -> None:
    file = tmp_path / "n.parquet"
    if content is not None:
        file.write_bytes(content)
    for ask in (present, count_rows, input_headers):
        with pytest.raises(duckdb.Error):
            ask(con, [file])
