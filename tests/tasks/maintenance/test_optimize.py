"""Optimisation: snapshots of everything that ended, jobs kept whole, Redis rid of what names nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import covered, snapshot
from data.schemas import STAGE_SCHEMAS, table
from leadmill.ids import company_id
from pipelines.execution.recovery import Node
from tasks.maintenance.optimize import optimize, trim
from tests.tasks.maintenance.conftest import MADE_AT, Driver


def test_everything_ended_is_compacted_once_and_kept(driver: Driver) -> None:
    jobs = [driver.completed(["a.example", "b.example"], days) for days in (9, 5, 1)]
    jobs.append(driver.cancelled(["c.example"], 2))
    live = driver.submit()
    driver.launch(live, ["d.example"])
    driver.stage(live, "p0", "scrape", ["d.example"])
    before = driver.newest()
    found = optimize(driver.store, driver.lake)
    assert found["jobs_compacted"] == 4 and found["failed"] == [] and not found["more"]
    assert found["snapshots"]["score"]["bytes_before"] == 0 < found["snapshots"]["score"]["bytes_after"]
    assert found["snapshots"]["scrape"]["jobs"] == 4
    assert driver.newest() == before
    assert all(driver.store.read(job_id) and driver.lake.parts(job_id, "scrape") for job_id in jobs)
    assert all(covered.covers(driver.lake, job_id) for job_id in jobs)
    [*fresh, _snapshot] = driver.lake.stage_files("scrape")
    assert fresh == driver.lake.parts(live, "scrape")
    assert pq.read_table(driver.lake.snapshot_files("scrape")[0]).num_rows == 3
    again = optimize(driver.store, driver.lake)
    assert again["jobs_compacted"] == 0 and again["snapshots"]["score"]["bytes_before"] > 0


def test_what_a_resume_adds_is_not_covered_until_the_next_time(driver: Driver) -> None:
    job_id = driver.cancelled(["a.example"], 2)
    optimize(driver.store, driver.lake)
    driver.store.resume(job_id)
    driver.store.commit(driver.begin(job_id, "launch"), fields={"pn": 2, "w": 2, "close": "score;publish"})
    driver.stage(job_id, "p1", "scrape", ["b.example"])
    assert not covered.covers(driver.lake, job_id)
    assert len(driver.lake.stage_files("scrape")) == 3, "its parts and the snapshot"
    driver.store.cancel(job_id)
    assert optimize(driver.store, driver.lake)["jobs_compacted"] == 1
    assert covered.covers(driver.lake, job_id)
    assert driver.lake.stage_files("scrape") == driver.lake.snapshot_files("scrape")


def test_error_rows_of_score_stay_out(driver: Driver) -> None:
    driver.completed(["a.example"], 5)
    driver.completed(["a.example", "b.example"], 1, error="robots", error_category="data")
    before = driver.newest()
    optimize(driver.store, driver.lake)
    rows = pq.read_table(driver.lake.snapshot_files("score")[0]).to_pylist()
    assert [(row["domain"], row["error"]) for row in rows] == [("a.example", None)]
    assert driver.newest() == before


def test_parts_of_an_older_schema_get_nulls(driver: Driver) -> None:
    job_id = driver.completed(["a.example"], 5)
    [part] = driver.lake.parts(job_id, "process")
    old: pa.Table = pq.read_table(part)
    pq.write_table(old.drop_columns(["founded", "facts"]), part)
    optimize(driver.store, driver.lake)
    rows = pq.read_table(driver.lake.snapshot_files("process")[0])
    assert rows.schema.equals(STAGE_SCHEMAS["process"]) and rows["founded"].to_pylist() == [None]


Rows = list[list[tuple[int, int]]]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    jobs=st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=6), min_size=1, max_size=4),
    cut=st.integers(0, 4),
)
def test_any_order_of_compactions_keeps_the_newest(
    driver: Driver, tmp_path_factory: pytest.TempPathFactory, jobs: Rows, cut: int
) -> None:
    """Rows (company, age) of some jobs, compacted in two goes: the snapshot has the newest of each company."""
    lake = type(driver.lake)(tmp_path_factory.mktemp("lake"))
    ids = [driver.job_id() for _ in jobs]
    expected: dict[str, tuple[Any, ...]] = {}
    for job_id, rows in zip(ids, jobs, strict=True):
        for n, (company, age) in enumerate(rows):
            domain, at = f"c{company}.example", datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=age)
            row = {"company_id": company_id(domain), "domain": domain, "pages": n, "scraped_at": at}
            folder = lake.part_dir(job_id, "scrape")
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(table([row], STAGE_SCHEMAS["scrape"], job_id), folder / f"part-{n:05d}-0.parquet")
            expected[domain] = max(expected.get(domain, (at, job_id)), (at, job_id))
    snapshot.compact(lake, ids[:cut])
    snapshot.compact(lake, ids)
    files = lake.snapshot_files("scrape")
    found = pq.read_table(files[0]).to_pylist() if files else []
    assert {row["domain"]: (row["scraped_at"], row["job_id"]) for row in found} == expected
    assert len(found) == len(expected)


def test_a_row_group_boundary_loses_nothing(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_ROW_GROUP", 7)
    monkeypatch.setattr(snapshot, "_BATCH", 3)
    domains = [f"c{n}.example" for n in range(50)]
    driver.completed(domains, 1)
    optimize(driver.store, driver.lake)
    for stage in MADE_AT:
        with pq.ParquetFile(driver.lake.snapshot_files(stage)[0]) as file:
            assert file.metadata.num_rows == 50 and file.metadata.num_row_groups > 1


def test_redis_loses_dead_workers_and_stray_entries(driver: Driver) -> None:
    job_id = driver.submit()
    store = driver.store
    for name, days in (("dead@h", 1), ("alive@h", 0)):
        driver.at(days)
        store.claim({}, node=name, about=Node(name, ("scraping",), 1).about())
    store.redis.hset(store.key("worker"), "never-seen@h", "{}")
    for index in ("s:failed", "k:score", "t:old"):
        store.redis.zadd(store.key(f"idx:{index}"), {f"job_{n:020d}": n for n in range(1_200)})
    found = trim(store)
    assert found["dead_workers"] == 2 and found["index_entries"] == 3_600
    assert found["memory_after"] < found["memory_before"]
    assert store.redis.hkeys(store.key("worker")) == ["alive@h"] and list(store.workers()) == ["alive@h"]
    assert store.ids("s:pending") and store.ids("k:pipeline") and store.ids("t:t")
    assert store.ids("s:failed") == [] and store.read(job_id)


def test_a_prefix_with_pattern_characters_matches_itself_alone(driver: Driver) -> None:
    other = type(driver.store)(driver.store.redis, "te*t[1]:")
    ours = f"job_{1:020d}"
    driver.store.redis.zadd(driver.store.key("idx:s:failed"), {ours: 1})
    other.redis.zadd(other.key("idx:s:failed"), {"job_y": 1})
    assert trim(other)["index_entries"] == 1
    assert driver.store.ids("s:failed") == [(ours, 1)]
