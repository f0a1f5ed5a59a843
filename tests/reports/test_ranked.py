"""Many rows: the same reports in the same order as few, from files of any age, and nothing left behind."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import reports.final_rows
import reports.ranked
import reports.render
from data.schemas import STAGE_SCHEMAS, table
from leadmill.errors import InputError
from reports.ranked import in_order, ranked_files
from tests.reports.conftest import JOB, JOB_ID, bad, final_rows, good, write_rows

RANKED = "ORDER BY score DESC NULLS LAST, reach DESC NULLS LAST, quality DESC NULLS LAST, domain"


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as many is few: three rows, and a bucket holds about two."""
    monkeypatch.setattr(reports.final_rows, "FEW_ROWS", 3)
    monkeypatch.setattr(reports.render, "FEW_ROWS", 3)
    monkeypatch.setattr(reports.ranked, "_BUCKET", 1)
    monkeypatch.setattr(reports.ranked, "_BUCKETS", 2)
    monkeypatch.setattr(reports.ranked, "_ROWS", 4)


@pytest.mark.parametrize("report_type", ["comprehensive", "leads"])
@pytest.mark.parametrize("fmt", ["csv", "json", "xlsx", "html"])
def test_many_rows_make_the_same_report_as_few(
    tmp_path: Path, rows: list[Path], request: pytest.FixtureRequest, fmt: str, report_type: str
) -> None:
    made = []
    for name in ("few", "many"):
        if name == "many":
            request.getfixturevalue("many")
        folder = tmp_path / name
        folder.mkdir()
        out = folder / f"report.{fmt}"
        result = reports.render.render(fmt, rows=rows, job=JOB, report_type=report_type, out=out)
        assert [file.name for file in folder.iterdir()] == [out.name], "nothing temporary is left"
        made.append((result.rows, out.read_bytes() if fmt != "xlsx" else b""))
    assert made[0] == made[1]


@pytest.mark.usefixtures("many")
def test_rows_of_several_files_of_any_age_come_in_order(tmp_path: Path, con: Any) -> None:
    old = STAGE_SCHEMAS["score"].remove(STAGE_SCHEMAS["score"].get_field_index("input"))
    old = old.set(old.get_field_index("quality"), pa.field("quality", pa.float64()))
    rows = final_rows()
    first = tmp_path / "old.parquet"
    told = table(rows[:7], STAGE_SCHEMAS["score"], JOB_ID).select(old.names).cast(old)
    pq.write_table(told, first, row_group_size=2)
    second = write_rows(tmp_path / "it's.parquet", [])
    third = write_rows(tmp_path / "third.parquet", rows[7:])
    files = [first, second, third]
    for number, where in enumerate(("true", "error IS NULL", "error IS NOT NULL")):
        folder = tmp_path / str(number)
        folder.mkdir()
        source = in_order(ranked_files(files, where, folder))
        found = con.sql(f"SELECT * FROM {source}").to_arrow_table()
        unsorted = f"read_parquet({[str(file) for file in files]!r}, union_by_name = true)"
        wanted = con.sql(f"SELECT * FROM {unsorted} WHERE {where} {RANKED}").to_arrow_table()
        assert found.select(wanted.schema.names).to_pylist() == wanted.to_pylist()
        assert found.schema.names == STAGE_SCHEMAS["score"].names


@pytest.mark.usefixtures("many")
def test_rows_wider_than_the_first_are_held_a_few_at_a_time(
    tmp_path: Path, con: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports.ranked, "_BUCKET", 20_000)
    wide = [good(f"w{n:03}.com", 50, description="x" * 2_000) for n in range(100)]
    file = write_rows(tmp_path / "r.parquet", [*(bad(f"b{n}.com", "network", "e") for n in range(4)), *wide])
    (folder := tmp_path / "ranked").mkdir()
    files = ranked_files([file], "true", folder)
    assert max(pq.read_table(one).nbytes for one in files) < 2 * 20_000
    found = con.sql(f"SELECT domain FROM {in_order(files)}").fetchall()
    assert found == con.sql(f"SELECT domain FROM '{file}' {RANKED}").fetchall()
    assert sorted(folder.iterdir()) == sorted(files), "no other file is left"


def test_rows_of_many_buckets_are_not_handed_out_a_few_at_a_time(
    tmp_path: Path, con: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports.ranked, "_BUCKET", 8_000)
    monkeypatch.setattr(reports.ranked, "_ROWS", 64)
    monkeypatch.setattr(reports.ranked, "_BUCKETS", 4)
    file = write_rows(tmp_path / "r.parquet", [good(f"w{n:03}.com", n * 37 % 512) for n in range(512)])
    most, batches, hand_out = 0, 0, reports.ranked._hand_out

    def counted(*args: Any) -> Any:
        nonlocal most, batches
        buckets = hand_out(*args)
        most = max(most, len(buckets))
        for bucket, *_ in buckets:
            with pa.ipc.open_file(str(bucket)) as reader:
                batches += reader.num_record_batches
        return buckets

    monkeypatch.setattr(reports.ranked, "_hand_out", counted)
    (folder := tmp_path / "ranked").mkdir()
    files = ranked_files([file], "true", folder)
    assert (len(files), most) == (16, 4), "in two rounds, with four files open at a time"
    assert 2 * 512 / batches > 64 / 16, "rows a batch; of one round with all 16 files it would be that"
    found = con.sql(f"SELECT domain FROM {in_order(files)}").fetchall()
    assert found == con.sql(f"SELECT domain FROM '{file}' {RANKED}").fetchall()


@pytest.mark.usefixtures("many")
def test_a_folder_may_have_any_name(tmp_path: Path, rows: list[Path]) -> None:
    folder = tmp_path / "a[1]*?'b"
    folder.mkdir()
    result = reports.render.render("csv", rows=rows, job=JOB, report_type="leads", out=folder / "report.csv")
    assert result.rows == 9


@pytest.mark.usefixtures("many")
def test_a_report_without_a_lead_among_many_companies(tmp_path: Path) -> None:
    rows = [write_rows(tmp_path / "r.parquet", [bad(f"c{n}.com", "network", "timed out") for n in range(9)])]
    for fmt in ("csv", "json", "parquet", "xlsx"):
        result = reports.render.render(fmt, rows=rows, job={}, report_type="leads", out=tmp_path / f"out.{fmt}")
        assert (result.rows, result.total) == (0, 0)


@pytest.mark.usefixtures("many")
def test_what_no_sheet_holds_is_refused_before_anything_is_sorted(
    tmp_path: Path, rows: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("reports.formats.xlsx"), "MAX_ROWS", 11)
    monkeypatch.setattr(reports.ranked, "ranked_files", None)
    with pytest.raises(InputError, match="12 rows do not fit into an XLSX sheet"):
        reports.render.render("xlsx", rows=rows, job={}, report_type="comprehensive", out=tmp_path / "out.xlsx")


@pytest.mark.usefixtures("many")
def test_what_a_process_that_died_left_is_removed(tmp_path: Path, rows: list[Path]) -> None:
    left = tmp_path / "rendering" / "ranked"
    left.mkdir(parents=True)
    (left / "bucket-00000.arrow").write_bytes(b"half")
    scratch = tmp_path / "rendering"
    reports.render.render("csv", rows=rows, job={}, report_type="leads", out=tmp_path / "out.csv", scratch=scratch)
    assert not scratch.exists()
