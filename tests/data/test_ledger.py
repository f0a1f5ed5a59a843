"""The ledger between jobs: taken out of folders once, by month, merged, dropped when it is old."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.ledger_rows import LedgerFilter, ledger_page
from data import ledger
from data.lake import Lake
from data.unit_files import UnitFiles

JUNE, JULY = datetime(2026, 6, 30, 23, tzinfo=UTC), datetime(2026, 7, 1, 1, tzinfo=UTC)


def _entry(domain: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "company_id": f"comp_{domain}", "domain": domain, "host": f"www.{domain}", "url": f"https://www.{domain}/",
        "kind": "home", "at": at, "outcome": "answered", "status": 200, **more,
    }  # fmt: skip


def _job(lake: Lake, number: int, *entries: dict[str, Any]) -> str:
    job_id = f"job_{number:020d}"
    files = UnitFiles(lake, job_id, "scrape", "p0", 1)
    files.write(entries, "ledger")
    lake.expose(job_id, "scrape", "p0", 1)
    return job_id


def _kept(lake: Lake) -> list[tuple[str, str]]:
    files = ledger.month_files(lake)
    return [(file.parent.name, row["domain"]) for file in files for row in pq.read_table(file).to_pylist()]


def test_each_month_has_its_rows_sorted_by_domain_and_once(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    jobs = [
        _job(lake, 1, _entry("b.example", JUNE), _entry("b.example", JULY)),
        _job(lake, 2, _entry("a.example", JUNE)),
    ]
    for _ in range(2):  # a cleanup that was killed behind this comes again
        ledger.keep(lake, jobs)
    assert _kept(lake) == [
        ("month=2026-06", "a.example"),
        ("month=2026-06", "b.example"),
        ("month=2026-07", "b.example"),
    ]


@pytest.mark.parametrize("where", ["job", "month"])
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("at", pa.array(["soon"])),
        ("host", pa.array([["a"]])),
        ("status", pa.array(["x"])),
        ("url", None),
        ("url", pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"]).buffers())),
    ],
)
def test_a_file_of_something_else_costs_no_other_its_rows(
    tmp_path: Path, where: str, column: str, values: pa.Array | None
) -> None:
    lake = Lake(tmp_path)
    jobs = [_job(lake, number, _entry(f"{name}.example", JULY)) for number, name in enumerate("abc")]
    ledger.keep(lake, jobs[:1])
    for file in [*ledger.job_files(lake, [jobs[0]])]:
        file.unlink()
    file = ledger.month_files(lake)[0] if where == "month" else ledger.job_files(lake, [jobs[1]])[0]
    table = pq.ParquetFile(file).read().drop_columns([column])
    pq.write_table(table if values is None else table.append_column(column, values), file)
    rows, _ = ledger_page(lake, LedgerFilter(), 10, None)
    others = ["b.example", "c.example"] if where == "month" else ["a.example", "c.example"]
    assert set(others) <= {row["domain"] for row in rows}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger, "MERGED_FROM", 1)
        ledger.keep(lake, jobs[1:])
    assert set(others) <= {domain for _, domain in _kept(lake)}


def test_many_small_files_become_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for number in range(ledger.MERGED_FROM):
        ledger.keep(lake, [_job(lake, number, _entry(f"c{number:02}.example", JULY))])
    assert len(ledger.month_files(lake)) == 1
    assert [domain for _, domain in _kept(lake)] == [f"c{number:02}.example" for number in range(ledger.MERGED_FROM)]


def test_a_damaged_part_costs_its_own_rows(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    jobs = [_job(lake, number, _entry(f"c{number}.example", JULY)) for number in (1, 2)]
    ledger.job_files(lake, [jobs[0]])[0].write_bytes(b"PAR1 no more")
    ledger.keep(lake, jobs)
    assert [domain for _, domain in _kept(lake)] == ["c2.example"]


def test_old_months_go(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    ledger.keep(lake, [_job(lake, 1, _entry("a.example", JUNE), _entry("b.example", JULY))])
    assert ledger.drop_older(lake, 30, datetime(2026, 8, 15, tzinfo=UTC)) > 0
    assert _kept(lake) == [("month=2026-07", "b.example")]
    assert ledger.drop_older(lake, 30, datetime(2026, 8, 15, tzinfo=UTC)) == 0
