"""Cleanup: nothing that counts is lost, whatever ends it and wherever."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from data import history, snapshot
from data.job_files import JobFiles
from data.lake import Lake
from data.schemas import STAGE_SCHEMAS
from leadmill.errors import WorkError
from leadmill.ids import company_id
from pipelines.intake.report_on_demand import FOLDER, MOST, ReportForm
from pipelines.manifest import units_in
from pipelines.views.view import job_json
from tasks.maintenance import cleanup
from tasks.maintenance.cleanup import clean_up
from tasks.maintenance.recount import recount
from tasks.maintenance.task import _days
from tests.tasks.maintenance.conftest import Driver, Killed


def clean(driver: Driver, days: float = 90, **more: Any) -> dict[str, Any]:
    return clean_up(driver.store, driver.lake, older_than_days=days, now=driver.now, **more)


def test_old_jobs_move_to_the_history_and_their_newest_rows_stay(driver: Driver) -> None:
    old = driver.completed(["a.example", "b.example"], 200)
    older = driver.completed(["a.example", "c.example"], 300)
    fresh = driver.completed(["b.example"], 10)
    before = driver.newest()
    record = driver.store.record(old)
    assert record is not None
    described = job_json(record)

    finding = clean(driver)

    assert finding["jobs"] == 2 and not finding["failed"] and finding["bytes_freed"] > 0
    assert driver.store.read(old) is None and driver.store.read(older) is None
    assert driver.store.read(fresh)
    assert driver.newest() == before
    folder = driver.lake.job_dir(old)
    assert sorted(file.name for file in folder.iterdir()) == ["manifest.json", "plan.parquet", "reports"]
    found = history.find(driver.lake, old)
    assert found is not None
    assert job_json(history.record(found)) | {"links": described["links"]} == described
    assert (found["kind"], found["status"], found["companies"], found["duration_s"]) == (
        "pipeline",
        "completed",
        2,
        1.0,
    )
    # The snapshot: final schema, one row a company, sorted, the newest of each.
    [file] = driver.lake.snapshot_files("score")
    rows = pq.read_table(file)
    assert rows.schema.equals(STAGE_SCHEMAS["score"])
    ids = rows["company_id"].to_pylist()
    assert ids == sorted(ids) and set(ids) == {company_id(f"{name}.example") for name in "abc"}
    assert dict(zip(ids, rows["job_id"].to_pylist(), strict=True))[company_id("a.example")] == old
    # Rows of a job that is gone are still found by its id.
    assert [row["domain"] for row in driver.lake.rows_from("enrich", {old: [company_id("b.example")]})] == ["b.example"]
    assert clean(driver)["jobs"] == 0


def test_the_history_is_paged_newest_first_by_status_kind_and_tag(driver: Driver) -> None:
    ids = [driver.completed(["a.example"], days) for days in (100, 140, 180, 220)]
    ids.append(driver.cancelled(["a.example"], 260))
    clean(driver)
    seen: list[str] = []
    last = None
    while rows := history.page(driver.lake, limit=2, before=last):
        seen += [row["job_id"] for row in rows]
        last = f"{int(rows[-1]['created_at'].timestamp() * 1000)}:{rows[-1]['job_id']}"
    assert seen == ids
    assert [row["job_id"] for row in history.page(driver.lake, status="cancelled", kind="pipeline")] == ids[4:]
    assert len(history.page(driver.lake, tag="t")) == 5 and history.page(driver.lake, tag="u") == []
    since = driver.at(150)
    assert [row["job_id"] for row in history.page(driver.lake, since=since)] == ids[:2]
    assert history.find(driver.lake, driver.job_id()) is None and history.find(driver.lake, "../etc") is None


def check_nothing_lost(driver: Driver, jobs: list[str], before: dict[str, Any]) -> None:
    assert driver.newest() == before
    for job_id in jobs:
        assert driver.store.read(job_id) or history.find(driver.lake, job_id), job_id


def check_done(driver: Driver, jobs: list[str], before: dict[str, Any]) -> None:
    check_nothing_lost(driver, jobs, before)
    assert all(driver.store.read(job_id) is None for job_id in jobs)
    assert sorted(row["job_id"] for row in history.page(driver.lake)) == sorted(jobs)
    for job_id in jobs:
        assert JobFiles.unrecorded(driver.lake, job_id).manifest()
        assert not any((driver.lake.job_dir(job_id) / stage).exists() for stage in (*STAGE_SCHEMAS, "pages"))
    assert not list(driver.lake.root.rglob("*.tmp"))
    assert recount(driver.store, driver.lake)["archived"] == len(jobs)


def test_killed_at_any_step_the_next_run_finishes(driver: Driver) -> None:
    """Dies at the first call for progress, at the second, … until a run comes through."""
    for step in itertools.count(1):
        driver.store.redis.flushall()
        shutil.rmtree(driver.lake.root, ignore_errors=True)
        jobs = [driver.cancelled(["a.example", "b.example"], 200), driver.cancelled(["a.example", "c.example"], 150)]
        before = driver.newest()
        left = step

        def die(fraction: float, message: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        try:
            clean(driver, progress=die)
        except Killed:
            check_nothing_lost(driver, jobs, before)
            clean(driver)
            check_done(driver, jobs, before)
        else:
            assert step > 10
            check_done(driver, jobs, before)
            break


DEATHS = [
    ("data.snapshot._write_manifest", "before"),
    ("data.history.write", "before"),
    ("data.history.write", "after"),
    ("pyarrow.parquet.write_table", "after"),
    ("data.jobs.JobStore.forget", "before"),
    ("data.jobs.JobStore.forget", "after"),
    ("shutil.rmtree", "before"),
    ("shutil.rmtree", "after"),
    ("tasks.maintenance.sealing._write_manifest", "before"),
]


@pytest.mark.parametrize(("place", "when"), DEATHS)
@pytest.mark.parametrize("time_of", [1, 2])
def test_killed_inside_a_step_the_next_run_finishes(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, place: str, when: str, time_of: int
) -> None:
    jobs = [driver.completed(["a.example", "b.example"], 200), driver.cancelled(["a.example", "c.example"], 150)]
    before = driver.newest()
    module, _, name = place.rpartition(".")
    target = {"data.jobs.JobStore": type(driver.store), "shutil": shutil, "pyarrow.parquet": pq}.get(module)
    if target is None:
        import importlib

        target = importlib.import_module(module)
    real = getattr(target, name)
    calls = 0

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == time_of and when == "before":
            raise Killed
        answer = real(*arguments, **named)
        if calls == time_of:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(target, name, dying)
        try:
            clean(driver)
        except Killed:
            check_nothing_lost(driver, jobs, before)
        else:
            assert calls < time_of
    clean(driver)
    check_done(driver, jobs, before)


def test_live_jobs_and_what_they_read_stay(driver: Driver) -> None:
    source = driver.completed(["a.example"], 200)
    parent = driver.completed(["b.example"], 200)
    free = driver.completed(["c.example"], 200)
    driver.at(199)
    running = driver.submit(kind="score", stages=("score",))
    driver.launch(running, ["a.example"], source=source)
    pending = driver.submit(parent=parent)
    driver.at(0)
    finding = clean(driver)
    assert finding["jobs"] == 1 and finding["kept_in_use"] == sorted([source, parent])
    assert driver.store.read(free) is None
    for job_id in (source, parent, running, pending):
        assert driver.store.read(job_id)
    assert driver.lake.parts(source, "enrich") and driver.lake.parts(parent, "scrape")


def test_what_a_live_job_reads_from_is_known_before_its_plan_is_exposed(driver: Driver) -> None:
    """Its launch died between commit and exposure."""
    source = driver.completed(["a.example"], 200)
    driver.at(199)
    running = driver.submit(kind="score", stages=("score",))
    driver.launch(running, ["a.example"], source=source)
    driver.at(0)
    folder, epoch = driver.lake.job_dir(running), driver.store.units(running)["launch"]["c"][0]
    (folder / "_tmp").mkdir(exist_ok=True)
    (folder / "plan.parquet").rename(folder / "_tmp" / f"launch.launch.{epoch}~plan.parquet")
    assert clean(driver)["kept_in_use"] == [source]


def test_a_job_resumed_while_it_is_cleaned_up_keeps_everything(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = driver.cancelled(["a.example"], 200)
    real = history.append

    def resume_then(*arguments: Any) -> int:
        added = real(*arguments)
        driver.store.resume(job_id, units_in(JobFiles.unrecorded(driver.lake, job_id).manifest()))
        return added

    monkeypatch.setattr(cleanup.history, "append", resume_then)
    finding = clean(driver)
    assert finding["jobs"] == 0
    record = driver.store.read(job_id)
    assert record and record["status"] == "pending" and record["attempt"] == "2"
    assert driver.lake.parts(job_id, "scrape") and driver.lake.parts(job_id, "scrape", "pages")


def test_an_unreadable_part_holds_up_its_own_job_only(driver: Driver) -> None:
    good, bad = driver.completed(["a.example"], 200), driver.completed(["b.example"], 200)
    [part] = driver.lake.parts(bad, "process")
    part.write_bytes(b"PAR1 not a parquet file PAR1")
    finding = clean(driver)
    assert finding["jobs"] == 1 and [row["job_id"] for row in finding["failed"]] == [bad]
    assert driver.store.read(good) is None
    assert "leadmill resume" in finding["failed"][0]["error"]
    aside = part.with_name(f"damaged-{part.name}")
    assert driver.store.read(bad) and aside.exists() and driver.lake.parts(bad, "score")


def test_parts_that_changed_after_compaction_are_not_removed(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = driver.completed(["a.example"], 200)
    real = history.append

    def change_then(*arguments: Any) -> int:
        [part] = driver.lake.parts(job_id, "score")
        os.utime(part, (1, 1))
        return real(*arguments)

    monkeypatch.setattr(cleanup.history, "append", change_then)
    assert clean(driver)["failed_total"] == 1
    assert driver.store.read(job_id) and driver.lake.parts(job_id, "score")
    monkeypatch.undo()
    assert clean(driver)["jobs"] == 1


def test_leftovers_go_and_folders_of_unknown_jobs_stay(driver: Driver) -> None:
    lake = driver.lake
    refused, young, stranger = driver.job_id(), driver.job_id(), driver.job_id()
    for job_id in (refused, young):
        (lake.job_dir(job_id) / "input").mkdir(parents=True)
        (lake.job_dir(job_id) / "input" / "companies.csv").write_text("url\n")
    age(lake.job_dir(refused), 2 * 86_400)
    parts = lake.job_dir(stranger) / "scrape"
    parts.mkdir(parents=True)
    (parts / "part-00000-0.parquet").write_bytes(b"rows of a record that Redis lost")
    age(lake.job_dir(stranger), 9 * 86_400)

    driver.at(3)
    ended = driver.submit()
    driver.launch(ended, ["a.example"])
    driver.stage(ended, "p0", "scrape", ["a.example"], settle=False)  # died between commit and rename
    driver.store.cancel(ended)
    driver.at(0)
    torn = lake.job_dir(ended) / "_tmp" / "scrape.p0.7~scrape+part-00000-0.parquet"
    torn.write_bytes(b"of an epoch that never committed")
    half = lake.job_dir(ended) / "reports" / FOLDER / ".comprehensive.full.csv.0a1b2c3d.tmp"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"of an API that was killed while it kept a report")
    age(lake.job_dir(ended), 2 * 86_400)

    leftovers = clean(driver)["leftovers"]
    assert leftovers["uploads"] == 1 and leftovers["unknown"] == 1
    assert not lake.job_dir(refused).exists() and lake.job_dir(young).exists()
    assert (parts / "part-00000-0.parquet").exists()
    assert not torn.exists() and not half.exists() and len(lake.parts(ended, "scrape")) == 1


def test_reports_on_demand_are_aged_out_and_those_of_the_job_stay(driver: Driver) -> None:
    driver.at(200)
    archived = driver.submit()
    driver.store.cancel(archived)
    driver.at(10)
    ended = driver.submit()
    driver.store.cancel(ended)
    driver.at(0)
    for job_id in (archived, ended):
        folder = driver.lake.job_dir(job_id) / "reports"
        (folder / FOLDER).mkdir(parents=True)
        (folder / "report.csv").write_text("of the job")
        for n in range(MOST + 4):
            form = ReportForm("csv", layout=f"ours{n}")
            for name in (form.name("0" * 16), f"{form.name('1' * 16)}.job")[: 1 if n else 2]:
                file = folder / FOLDER / name
                file.write_text("made")
                touch(file, days_ago=80 + n)
        (folder / FOLDER / ReportForm("xlsx").name("0" * 16)).write_text("made just now")
        touch(folder / "report.csv", days_ago=900)

    found = clean(driver)
    assert found["jobs"] == 1, "the one that ended 200 days ago"
    for job_id in (archived, ended):
        folder = driver.lake.job_dir(job_id) / "reports"
        left = [file.name for file in (folder / FOLDER).iterdir()]
        assert len(left) == 1 + 10 + 2 and any(name.endswith(".xlsx") for name in left), "made within 90 days"
        assert (folder / "report.csv").read_text() == "of the job"
    assert found["leftovers"]["reports"] == 2 * (MOST + 4 - 11)
    assert clean(driver, days=300)["leftovers"]["reports"] == 0
    for n in range(MOST):
        (driver.lake.job_dir(ended) / "reports" / FOLDER / ReportForm("csv", layout=f"new{n}").name("2" * 16)).touch()
    assert clean(driver, days=300)["leftovers"]["reports"] == 12, "all but the newest"
    assert any(name.startswith("comprehensive.full.0") for name in driver.lake.storage.names(folder / FOLDER)), (
        "not within the hour"
    )


def touch(file: Path, days_ago: float) -> None:
    at = time.time() - days_ago * 86_400
    os.utime(file, (at, at))


def age(folder: Path, seconds: float) -> None:
    at = time.time() - seconds
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (at, at))


def test_one_maintenance_job_at_a_time(driver: Driver) -> None:
    second = snapshot.exclusive(driver.lake, wait_s=0.2)
    with snapshot.exclusive(driver.lake), pytest.raises(WorkError, match="another maintenance job"), second:
        pytest.fail("two at once")
    with snapshot.exclusive(driver.lake, wait_s=0):
        pass


def test_when_the_time_is_up_it_says_that_there_is_more(driver: Driver) -> None:
    driver.completed(["a.example"], 200)
    finding = clean(driver, budget_s=-1)
    assert finding["more"] is True and finding["jobs"] == 0
    assert clean(driver)["more"] is False


def test_replaced_snapshots_stay_for_queries_that_listed_them(driver: Driver) -> None:
    lake: Lake = driver.lake
    for days in (300, 200, 100):
        driver.completed(["a.example"], days)
        clean(driver, days=days - 1)
    folder = lake.companies / "score"
    assert len(list(folder.glob("snapshot-*.parquet"))) == 3
    last = max(folder.glob("snapshot-*.parquet"))
    assert lake.snapshot_files("score") == [last]
    for file in folder.glob("snapshot-*.parquet"):
        os.utime(file, (1, 1))
    assert snapshot.drop_stale_snapshots(lake) > 0
    assert list(folder.glob("snapshot-*.parquet")) == [last] == lake.snapshot_files("score")


@pytest.mark.parametrize("asked", ["7", True, -1, float("nan"), float("inf"), [], 1e9])
def test_a_wrong_number_of_days_is_refused(asked: Any) -> None:
    with pytest.raises(WorkError, match="older_than_days"):
        _days(asked, 90)


def test_days_asked_for_stand_before_the_default() -> None:
    assert _days(None, 90) == 90 and _days(0, 90) == 0 and _days(1.5, 90) == 1.5
