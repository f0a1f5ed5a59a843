"""Counters equal a full scan, and are made so when they do not; cancelled jobs are sealed."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest

from data import history
from data.job_files import JobFiles
from data.jobs import JobStore
from data.jobs.counters import CounterWatch, EndedCounts
from data.lake import Lake
from data.message_queues import MessageQueues
from leadmill.settings import Settings
from pipelines.execution.publish import publish
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from pipelines.manifest import units_in
from pipelines.views.statistics import statistics
from tasks.maintenance import recount as recount_module
from tasks.maintenance import sealing
from tasks.maintenance.cleanup import clean_up
from tasks.maintenance.recount import recount
from tasks.maintenance.statistics import take_statistics
from tests.tasks.maintenance.conftest import PREFIX, Driver


def ended(driver: Driver, kind: str, days_ago: float, status: str, took_ms: int) -> str:
    """A job without partitions that took so long."""
    driver.at(days_ago)
    job_id = driver.submit(kind=kind, stages=(kind,))
    driver.begin(job_id, "launch")
    driver.clock_ms += took_ms
    if status == "cancelled":
        driver.store.cancel(job_id)
    else:
        driver.store.commit(driver.begin(job_id, "launch"), fields={"close": "publish"})
        driver.publish(job_id, status, 0.5)
    return job_id


def test_the_counters_of_any_life_equal_a_full_scan(driver: Driver) -> None:
    dice = random.Random(7)
    jobs: list[str] = []
    for _ in range(120):
        kind = dice.choice(["score", "report", "cleanup"])
        jobs.append(
            ended(
                driver,
                kind,
                dice.uniform(1, 300),
                dice.choice(["completed", "failed", "cancelled"]),
                dice.randrange(60_000),
            )
        )
        if dice.random() < 0.3:
            again = dice.choice(jobs)
            record = driver.store.read(again)
            if record and record["status"] in ("failed", "cancelled", "completed"):
                driver.store.resume(again)
                if dice.random() < 0.5:
                    driver.store.cancel(again)
    finding = recount(driver.store, driver.lake)
    assert finding["drift"] == [] and not finding["mended"] and 100 < finding["scanned"] <= 120


def test_drift_is_told_and_mended(driver: Driver) -> None:
    ended(driver, "score", 2, "completed", 5_000)
    ended(driver, "score", 1, "failed", 9_000)
    ended(driver, "report", 1, "cancelled", 10)
    redis, key = driver.store.redis, driver.store.key
    right = {name: redis.hgetall(key(name)) for name in ("ended", "hist:score", "hist:report")}
    redis.hincrby(key("ended"), "score:failed", 3)
    redis.hset(key("ended"), "score:ms", 1)
    redis.hset(key("ended"), "pipeline:completed", 9)
    redis.delete(key("hist:score"))
    redis.hset(key("hist:enrich"), "4", 2)
    finding = recount(driver.store, driver.lake)
    assert finding["mended"] and finding["drift_total"] == 6
    assert {"counter": "ended score:failed", "was": 4, "is": 1} in finding["drift"]
    assert {name: redis.hgetall(key(name)) for name in right} == right
    assert not redis.exists(key("hist:enrich")) and not list(redis.scan_iter(f"{PREFIX}*:fresh"))
    assert recount(driver.store, driver.lake)["drift"] == []


def test_a_job_that_ends_during_the_recount_is_counted_once(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(driver, "score", 2, "completed", 5_000)
    driver.store.redis.hset(driver.store.key("ended"), "score:completed", 7)
    real, raced = CounterWatch.read, []

    def race(watch: CounterWatch) -> EndedCounts:
        found = real(watch)
        if len(raced) < 3:
            raced.append(ended(driver, "score", 1, "failed", 100))
        return found

    monkeypatch.setattr(CounterWatch, "read", race)
    finding = recount(driver.store, driver.lake)
    assert finding["mended"] and finding["scanned"] == 4
    counters = driver.store.redis.hgetall(driver.store.key("ended"))
    assert counters["score:completed"] == "1" and counters["score:failed"] == "3"


def test_a_job_that_is_cleaned_up_during_the_recount_is_counted_once(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = ended(driver, "score", 100, "completed", 5_000)
    record = driver.store.record(job_id)
    assert record is not None
    history.append(driver.lake, [record], driver.now)
    real, raced = recount_module._archived, []

    def race(store: JobStore, lake: Lake) -> list[tuple[str, str, int, int, int]]:
        if not raced:
            raced.append(job_id)
            store.forget(job_id)
        return real(store, lake)

    monkeypatch.setattr(recount_module, "_archived", race)
    recount(driver.store, driver.lake)
    counters = driver.store.redis.hgetall(driver.store.key("ended"))
    assert (counters["score:completed"], counters["score:ms"], counters["score:forgotten"]) == ("1", "5000", "1")


def test_a_recount_that_is_always_overtaken_changes_nothing(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    driver.store.redis.hset(driver.store.key("ended"), "score:completed", 7)
    real = CounterWatch.read

    def race(watch: CounterWatch) -> EndedCounts:
        found = real(watch)
        ended(driver, "score", 1, "failed", 100)
        return found

    monkeypatch.setattr(CounterWatch, "read", race)
    finding = recount(driver.store, driver.lake)
    assert finding["overtaken"] and not finding["mended"]
    assert driver.store.redis.hget(driver.store.key("ended"), "score:completed") == "7"


def test_jobs_in_the_history_stay_counted(driver: Driver) -> None:
    driver.completed(["a.example"], 200)
    driver.cancelled(["b.example"], 150)
    ended(driver, "score", 1, "completed", 10)
    before = statistics(driver.store)
    clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now)
    finding = recount(driver.store, driver.lake)
    assert finding["archived"] == 2 and finding["scanned"] == 1
    assert {row["counter"] for row in finding["drift"]} <= {"ended pipeline:forgotten"}
    after = statistics(driver.store)
    for part in ("totals", "durations", "rates"):
        assert after[part] == before[part]
    assert recount(driver.store, driver.lake)["drift"] == []


def test_one_row_of_totals_is_kept_a_job(driver: Driver) -> None:
    ended(driver, "score", 1, "completed", 10)
    driver.at(0)
    driver.submit()
    driver.store.redis.hset(driver.store.key("ended"), "score:failed", 2)
    ids = [driver.job_id() for _ in range(2)]
    for job_id in (ids[0], ids[0], ids[1]):
        queues = MessageQueues.beside(driver.store)
        finding = take_statistics(driver.store, driver.lake, job_id=job_id, now=driver.now, broker=queues)
    assert finding["totals"]["by_status"]["pending"] == 1
    rows = pq.read_table(
        driver.lake.history / "statistics" / f"statistics-{driver.now:%Y-%m}.parquet", partitioning=None
    ).to_pylist(maps_as_pydicts="lossy")
    assert [(row["job_id"], row["drift"]) for row in rows] == [(ids[0], 1), (ids[1], 0)]
    assert rows[0]["by_status"]["completed"] == 1 and rows[0]["by_kind"]["score"] == 1
    assert rows[0]["queues"]["scraping"] == 0 and rows[0]["workers"] == 0 and rows[0]["at"] == driver.now


# ---- sealing --------------------------------------------------------------------------------------


def keys_of(driver: Driver, job_id: str) -> list[str]:
    names = ("units", "ev", "todo")
    return [name for name in names if driver.store.redis.exists(driver.store.key(f"{name}:{job_id}"))]


def test_a_cancelled_job_is_sealed_and_can_be_resumed_from_its_manifest(driver: Driver) -> None:
    job_id = driver.cancelled(["a.example"], 1)
    young = driver.cancelled(["a.example"], 0)
    units = driver.store.units(job_id)
    assert sealing.seal_ended(driver.store, driver.lake, driver.now) == 1
    assert keys_of(driver, job_id) == [] and keys_of(driver, young) == ["units", "ev"]
    manifest = JobFiles.unrecorded(driver.lake, job_id).manifest()
    assert manifest is not None
    assert (manifest["status"], manifest["attempt"], manifest["units"]) == ("cancelled", 1, units)
    assert manifest["parts"] == {"scrape": ["scrape/part-00000-0.parquet"], "pages": ["pages/part-00000-0.parquet"]}
    assert manifest["input"] == {"company_urls": ["https://a.example/"]}
    assert sealing.seal_ended(driver.store, driver.lake, driver.now) == 0
    driver.store.resume(job_id, units_in(manifest))
    driver.store.commit(driver.begin(job_id, "launch"), fields={"pn": 1, "w": 2, "close": "score;publish"})
    assert driver.store.units(job_id)["p0"]["k"] == 1  # it goes on behind scrape
    # Cancelled again: the manifest of the first attempt is not that of the second.
    driver.at(0.5)
    driver.store.cancel(job_id)
    driver.at(0)
    assert sealing.seal_ended(driver.store, driver.lake, driver.now) == 1
    assert (JobFiles.unrecorded(driver.lake, job_id).manifest() or {})["attempt"] == 2


def test_a_sealed_manifest_has_the_keys_that_publish_writes(
    driver: Driver, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cancelled = driver.cancelled(["a.example"], 1)
    sealing.seal_ended(driver.store, driver.lake, driver.now)
    job_id = driver.submit(kind="cleanup", stages=("cleanup",))
    driver.store.commit(driver.begin(job_id, "launch"), fields={"close": "cleanup;publish"})
    driver.store.commit(driver.begin(job_id, "cleanup"))
    settings = Settings(data_url=str(driver.lake.root))
    runtime = Runtime(settings, driver.store, driver.lake, lambda outs: None)
    assert run_unit(runtime, publish, job_id, "publish", 0, 0, owner="o:1", chained=False)
    written, sealed = (
        JobFiles.unrecorded(driver.lake, job_id).manifest(),
        JobFiles.unrecorded(driver.lake, cancelled).manifest(),
    )
    assert written is not None and sealed is not None
    assert list(sealed) == list(written)
    assert {name: type(value) for name, value in sealed.items() if value is not None}.items() <= {
        name: type(value) for name, value in written.items()
    }.items()


def test_a_missing_rename_of_the_manifest_is_repeated(driver: Driver) -> None:
    job_id = driver.completed(["a.example"], 1)
    folder = driver.lake.job_dir(job_id)
    epoch = driver.store.units(job_id)["publish"]["c"][0]
    (folder / "_tmp").mkdir(exist_ok=True)
    (folder / "manifest.json").rename(folder / "_tmp" / f"publish.publish.{epoch}~manifest.json")
    assert sealing.seal_ended(driver.store, driver.lake, driver.now) == 0
    assert JobFiles.unrecorded(driver.lake, job_id).manifest() and keys_of(driver, job_id) == ["units", "ev"]


def test_a_resume_during_sealing_keeps_its_units(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = driver.cancelled(["a.example"], 1)
    real = sealing._write_manifest

    def resume_then(*arguments: Any) -> bool:
        written = real(*arguments)
        driver.store.resume(job_id)
        return written

    monkeypatch.setattr(sealing, "_write_manifest", resume_then)
    assert sealing.seal_ended(driver.store, driver.lake, driver.now) == 0
    assert driver.store.units(job_id)["launch"]["s"] == "h"


def test_a_manifest_that_was_written_meanwhile_is_not_written_over(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has sealed the job, or it was resumed and has ended again, while this one slept."""
    job_id = driver.cancelled(["a.example"], 1)
    path, real = driver.lake.job_dir(job_id) / "manifest.json", sealing._write_manifest

    def sleep_before(*arguments: Any) -> bool:
        driver.lake.storage.put(path, b'{"attempt": 7}')
        return real(*arguments)

    monkeypatch.setattr(sealing, "_write_manifest", sleep_before)
    assert sealing.seal_ended(driver.store, driver.lake, driver.now) == 0
    assert path.read_text() == '{"attempt": 7}' and "units" in keys_of(driver, job_id)


def test_only_an_hour_after_its_end(driver: Driver) -> None:
    job_id = driver.cancelled(["a.example"], 0.5 / 24)
    assert sealing.seal_ended(driver.store, driver.lake, driver.now) == 0
    assert sealing.seal_ended(driver.store, driver.lake, driver.now + timedelta(hours=1)) == 1
    assert JobFiles.unrecorded(driver.lake, job_id).manifest()
