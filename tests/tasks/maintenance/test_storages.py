"""What keeps a lake right does so wherever its files lie: the same moves over a storage of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data import history, ledger, snapshot
from data.api_keys import KeyRegistry
from data.covered import covered, covers
from data.ending import open_folder
from data.identity import read_id, write_id
from data.jobs import Status
from data.lake import Lake, UnitFiles
from data.parts import MANIFEST, short
from data.schemas import STAGE_SCHEMAS
from data.storage import Storage
from data.unit_files import json_text
from leadmill.ids import company_id
from pipelines.committed import files_of, recorded_files
from pipelines.ending import begin, carry_out
from pipelines.execution.restore import restore_missing
from pipelines.manifest import manifest_of
from tasks.maintenance import leftovers
from tasks.maintenance.cleanup import clean_up
from tasks.maintenance.optimize import optimize
from tests.tasks.maintenance.conftest import Driver, Killed


def files_below(lake: Lake, folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file, _ in lake.storage.files(folder)}


def clean(driver: Driver, **more: Any) -> dict[str, Any]:
    return dict(clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now, **more))


def test_a_cleanup_killed_between_any_two_steps_loses_nothing(kept: Driver) -> None:
    old = [kept.completed(["a.example", "b.example"], 200), kept.completed(["b.example", "c.example"], 150)]
    fresh = kept.completed(["c.example"], 1)
    before = kept.newest()
    for steps in range(0, 60, 5):
        looks = iter(range(steps))

        def check(_share: float, _words: str, looks: Any = looks) -> None:
            if next(looks, None) is None:
                raise Killed

        try:
            done = clean(kept, progress=check)
        except Killed:
            assert kept.newest() == before
            continue
        break
    assert not done["failed"] and not done["more"] and steps > 8
    assert kept.newest() == before and kept.store.read(fresh)
    for job_id in old:
        assert history.find(kept.lake, job_id) is not None and kept.store.read(job_id) is None
        below = files_below(kept.lake, kept.lake.job_dir(job_id))
        assert not any(name.startswith((*STAGE_SCHEMAS, "pages", "_tmp")) for name in below)
        assert MANIFEST in below


def test_ledgers_are_kept_by_month_and_go_by_age(kept: Driver) -> None:
    at, job_id = kept.at(200), kept.submit()
    kept.launch(job_id, ["a.example"])
    entry = {"company_id": company_id("a.example"), "domain": "a.example", "host": "a.example", "at": at,
             "url": "https://a.example/", "kind": "home", "outcome": "answered", "status": 200}  # fmt: skip
    grant = kept.begin(job_id, "p0")
    files = UnitFiles(kept.lake, job_id, "scrape", "p0", grant.epoch)
    files.write([entry], "ledger")
    kept.store.commit(grant, files=short(files.counts))
    kept.lake.expose(job_id, "scrape", "p0", grant.epoch)
    kept.at(0)
    ledger.keep(kept.lake, [job_id])
    ledger.keep(kept.lake, [job_id])
    assert [file.parent.name for file in ledger.month_files(kept.lake)] == [f"month={at:%Y-%m}"]
    assert ledger.drop_older(kept.lake, 30, kept.now) > 0 and ledger.month_files(kept.lake) == []


def test_a_compaction_covers_what_it_holds_and_replaced_snapshots_go(kept: Driver) -> None:
    jobs = [kept.completed([f"{name}.example"], 3) for name in "ab"]
    assert optimize(kept.store, kept.lake)["jobs_compacted"] == 2
    assert all(covers(kept.lake, job_id) for job_id in jobs) and covered(kept.lake, "score").keys() == set(jobs)
    before = kept.newest()
    kept.completed(["c.example"], 2)
    assert optimize(kept.store, kept.lake)["jobs_compacted"] == 1
    assert snapshot.drop_stale_snapshots(kept.lake, grace_s=-2.0) > 0
    assert len([n for n in kept.lake.storage.names(kept.lake.companies / "score") if n.startswith("snapshot-")]) == 1
    assert {stage: rows[: len(before[stage])] and len(rows) for stage, rows in kept.newest().items()} == {
        stage: len(rows) + 1 for stage, rows in before.items()
    }


def test_an_upload_without_its_job_goes_by_age(kept: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = kept.job_id()
    kept.lake.storage.put(kept.lake.job_dir(refused) / "input" / "companies.csv", b"url\n")
    clean(kept)
    assert kept.lake.job_ids() == [refused], "its submit may be under way"
    monkeypatch.setattr(leftovers, "UPLOAD_AGE_S", -2)
    assert clean(kept)["leftovers"]["uploads"] == 1 and kept.lake.job_ids() == []


def test_what_earlier_runs_wrote_of_plan_and_reports_goes_with_publish(kept: Driver) -> None:
    job_id = kept.submit()
    kept.launch(job_id, ["a.example"])
    storage, folder = kept.lake.storage, kept.lake.job_dir(job_id)
    launched = recorded_files(kept.store, kept.lake, job_id).commits["launch", "launch"].epoch
    before = files_below(kept.lake, folder)
    for epoch in (launched + 1, launched + 2):  # neither has committed
        files = UnitFiles(kept.lake, job_id, "launch", "launch", epoch)
        with files.write_at("plan.parquet") as path:
            path.write_bytes(b"of a run that died")
    recorded_files(kept.store, kept.lake, job_id).remove_losers(("scrape",), {"launch": launched + 1})
    left = files_below(kept.lake, folder) - before
    assert len([name for name in left if "plan" in name]) == 1, "of a run that may be under way it is left"
    recorded_files(kept.store, kept.lake, job_id).remove_losers(("scrape",), {"launch": launched + 2})
    assert files_below(kept.lake, folder) == before
    assert recorded_files(kept.store, kept.lake, job_id).plan_rows() == 1
    assert storage.stat(recorded_files(kept.store, kept.lake, job_id).plan_path()) is not None


def test_a_late_writer_of_a_removed_project_leaves_nothing_that_is_seen(kept: Driver) -> None:
    acme = kept.of("acme")
    acme.at(0)
    acme.completed(["a.example"], 3)
    job = acme.submit()
    acme.launch(job, ["b.example"])
    grant = acme.begin(job, "p0")
    late = UnitFiles(acme.lake, job, "scrape", "p0", grant.epoch)
    begin(kept.store, kept.lake, KeyRegistry(kept.lake.data), "acme", confirm="acme")
    carry_out(kept.store, kept.lake, lambda _name: None, quiet_s=0.0)
    rows = [{"company_id": company_id("b.example"), "domain": "b.example", "url": "https://b.example/"}]
    for sweep in (lambda: clean(kept), lambda: open_folder(kept.lake.data, "acme")):
        try:
            late.write(rows)
        except OSError:
            assert not kept.lake.storage.shows_uncommitted, "a disk keeps him out"
        assert kept.lake.projects() == ["default"], "nobody asks for what it wrote"
        sweep()
        assert not {name for name in files_below(kept.lake, acme.lake.root) if name.startswith("jobs/")}
    acme.completed(["c.example"], 3)
    assert kept.lake.projects() == ["default", "acme"]
    for size in kept.lake.storage.sweep_retired(acme.lake.root):
        raise AssertionError(f"{size} bytes of a project that was opened again were swept")
    assert [row["domain"] for row in acme.lake.newest("score")] == ["c.example"]


def test_records_are_made_again_of_what_the_lake_holds(kept: Driver) -> None:
    """Redis is emptied; of a partition whose run died amid its writing no row is taken for all of them."""
    ended = kept.completed(["a.example"], 3)
    running = kept.submit()
    kept.launch(running, ["b.example", "c.example"])
    kept.stage(running, "p0", "scrape", ["b.example", "c.example"])
    grant = kept.begin(running, "p0", 1)
    UnitFiles(kept.lake, running, "process", "p0", grant.epoch).write(
        [{"company_id": company_id("b.example"), "domain": "b.example", "url": "https://b.example/"}]
    )
    for job_id, status in ((ended, "completed"), (running, "running")):
        record, units = kept.store.record(job_id), kept.store.unit_states(job_id)
        assert record is not None
        told = files_of(kept.lake, job_id, units, record.stages)
        manifest = manifest_of(kept.store, told, record, units, status=status, now=kept.now)
        kept.lake.storage.put(kept.lake.job_dir(job_id) / MANIFEST, json_text(manifest).encode())
    kept.store.redis.flushall()
    assert set(restore_missing(kept.store, kept.lake)) == {ended, running}
    record = kept.store.record(ended)
    assert record is not None and record.status == Status.COMPLETED
    record = kept.store.record(running)
    assert record is not None and record.status == Status.FAILED
    unit = kept.store.unit_states(running)["p0"]
    assert len(unit.committed_epochs) == 1, "the stage that was being written is made again, the one before it is not"
    assert recorded_files(kept.store, kept.lake, running).plan_rows() == 2


def test_a_lake_has_one_id_wherever_it_lies(storage: Storage) -> None:
    assert read_id(storage.root) is None
    first = write_id(storage.root)
    assert write_id(storage.root) == first == read_id(storage.root)
