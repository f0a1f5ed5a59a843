"""The life of a job over real workers: what it ends as, and what lies in the lake then."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from data.job_files import JobFiles
from pipelines.execution import canvas
from pipelines.intake.submission import Submission
from pipelines.queues import Priority
from pipelines.views.view import job_json, links
from tests.stand_ins.stack import Spine

FORMATS = {"report": {"formats": ["html", "csv"]}}


def rows(spine: Spine, job: str, stage: str) -> list[str]:
    lake = spine.lake
    return sorted(row["domain"] for row in lake.iter_rows(lake.parts(job, stage)))


def pipeline(companies: int, **options: object) -> Submission:
    urls = [f"c{i:05d}.example" for i in range(companies)]
    given = {
        name: options.pop(name) for name in ("priority", "run_at", "deadline_s", "min_coverage") if name in options
    }
    return Submission("pipeline", company_urls=urls, options={"stand_in": options, **FORMATS}, **given)  # type: ignore[arg-type]


def test_a_pipeline_runs_every_stage_of_every_company_once(spine: Spine) -> None:
    job = spine.submit(9)
    assert spine.wait(job) == ["completed"]
    for stage in ("scrape", "process", "enrich", "score"):
        assert rows(spine, job, stage) == [f"c{i:05d}.example" for i in range(9)]
    manifest = JobFiles.unrecorded(spine.lake, job).manifest()
    assert manifest and manifest["coverage"] == 1
    assert not list((spine.lake.job_dir(job) / "_tmp").glob("*"))
    assert {file.name for file in (spine.lake.job_dir(job) / "reports").iterdir()} == {"report.html", "report.csv"}


def test_jobs_of_two_projects_run_side_by_side_and_each_lies_in_its_own_lake(spine: Spine) -> None:
    acme = spine.of("acme")
    ours, theirs = spine.submit(6), acme.submit(5, die=["p1"], fail={"p0": 1})
    assert spine.wait(ours) == acme.wait(theirs) == ["completed"]
    assert rows(spine, ours, "score") == [f"c{i:05d}.example" for i in range(6)]
    assert rows(acme, theirs, "score") == [f"c{i:05d}.example" for i in range(5)]
    assert acme.store.units(theirs)["p1"]["m"][0] == "poison" and acme.store.units(theirs)["p0"]["e"] == 2
    canvas.dispatch(spine.celery, acme.store.resume(theirs).send)
    assert acme.wait(theirs) == ["completed"]
    assert acme.lake.root == spine.lake.root / "projects" / "acme"
    assert ours in spine.lake.job_ids() and acme.lake.job_ids() == [theirs]
    assert spine.status(theirs) == acme.status(ours) == "gone"
    assert [event["job"] for event in acme.store.criticals()] == [theirs, theirs]
    assert theirs not in str(spine.store.criticals())


def test_a_partition_that_kills_its_process_is_set_aside(spine: Spine) -> None:
    job = spine.submit(6, die=["p1"])
    assert spine.wait(job) == ["completed"]
    record, units = spine.store.read(job), spine.store.units(job)
    assert record and float(record["coverage"]) < 1
    assert units["p1"]["s"] == "f"
    assert units["p1"]["m"][0] == "poison"
    assert "SIGKILL" in units["p1"]["m"][1]
    assert len(rows(spine, job, "score")) == 6


def test_a_stage_that_raises_is_tried_again(spine: Spine) -> None:
    job = spine.submit(4, fail={"p0": 1})
    assert spine.wait(job) == ["completed"]
    assert spine.store.units(job)["p0"]["e"] == 2


def test_a_score_that_always_fails_fails_the_job_and_resume_continues_there(spine: Spine) -> None:
    job = spine.submit(3, fail={"score": 9})
    assert spine.wait(job) == ["failed"]
    record = spine.store.read(job)
    assert record and record["category"] == "system" and "told to fail" in record["error"]


def test_resume_does_what_is_missing_and_nothing_else(spine: Spine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    job = spine.submit(8, bad=["c00003.example"], log=str(log))
    assert spine.wait(job) == ["completed"]
    record = spine.store.read(job)
    assert record and float(record["coverage"]) == pytest.approx(7 / 8, abs=1e-6)
    before = log.read_text().count("begin")
    canvas.dispatch(spine.celery, spine.store.resume(job).send)
    assert spine.wait(job) == ["completed"]
    record = spine.store.read(job)
    assert record and float(record["coverage"]) == 1 and record["attempt"] == "2"
    assert log.read_text().count("begin") == before + 3  # one new partition of one company, three stages
    assert rows(spine, job, "score") == [f"c{i:05d}.example" for i in range(8)]


def test_cancel_ends_a_running_job_within_two_seconds(spine: Spine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    job = spine.submit(20, seconds=0.4, log=str(log))
    while not log.exists():
        time.sleep(0.02)
    time.sleep(1.0)
    spine.store.cancel(job)
    time.sleep(2.0)
    ran = log.read_text()
    time.sleep(1.0)
    assert log.read_text() == ran, "work went on after the cancel"
    assert spine.status(job) == "cancelled"
    committed = rows(spine, job, "scrape")
    canvas.dispatch(spine.celery, spine.store.resume(job).send)
    assert spine.wait(job) == ["completed"]
    assert rows(spine, job, "scrape") == [f"c{i:05d}.example" for i in range(20)]
    assert committed


def test_a_deadline_ends_a_job_with_what_it_has(spine: Spine) -> None:
    job = spine.submit_job(pipeline(40, seconds=0.4, deadline_s=2, partition_size=1))
    assert spine.wait(job) == ["completed"]
    record = spine.store.read(job)
    assert record and 0 < float(record["coverage"]) < 1
    assert len(rows(spine, job, "score")) == 40
    assert "deadline" in {unit["m"][0] for unit in spine.store.units(job).values() if unit.get("m")}


def test_a_deadline_that_strikes_while_launch_runs_fails_the_job_and_a_resume_does_it_all(spine: Spine) -> None:
    job = spine.submit_job(pipeline(6, launch_s=2.5, deadline_s=0.5))
    assert spine.wait(job) == ["failed"]
    record = spine.store.record(job)
    assert record and (record.error_category, record.coverage) == ("deadline", 0)
    assert "deadline" in record.error and "resume" in links(job, record)
    assert not rows(spine, job, "scrape")
    canvas.dispatch(spine.celery, spine.store.resume(job).send)
    assert spine.wait(job) == ["completed"]
    record = spine.store.read(job)
    assert record and float(record["coverage"]) == 1
    assert len(rows(spine, job, "score")) == 6


def test_companies_that_a_deadline_never_reached_say_so_without_a_score_too(spine: Spine) -> None:
    given = {"stand_in": {"seconds": 0.3, "partition_size": 1}}
    urls = [f"c{i:05d}.example" for i in range(40)]
    job = spine.submit_job(Submission("scrape", company_urls=urls, options=given, deadline_s=1))
    assert spine.wait(job) == ["completed"]
    record = spine.store.read(job)
    assert record and record.get("dpx"), "some were never handed out"
    assert [cause["category"] for cause in json.loads(record["result"])["missing"]] == ["deadline"]


def test_below_min_coverage_a_job_fails_and_has_its_report(spine: Spine) -> None:
    job = spine.submit_job(pipeline(4, bad=["c00000.example", "c00001.example"], min_coverage=0.9))
    assert spine.wait(job) == ["failed"]
    record = spine.store.read(job)
    assert record and "min_coverage" in record["error"]
    assert (spine.lake.job_dir(job) / "reports" / "report.csv").exists()


def test_run_at_waits(spine: Spine) -> None:
    job = spine.submit_job(pipeline(1, run_at=time.time() + 2.5))
    time.sleep(1)
    assert spine.status(job) == "pending"
    assert spine.wait(job) == ["completed"]
    record = spine.store.read(job)
    assert record and int(record["started"]) - int(record["created"]) >= 2_400


def test_an_input_that_names_no_company_fails_and_says_so(spine: Spine) -> None:
    job = spine.submit_job(Submission("process", company_ids=["comp_0123456789abcdef"]))
    assert spine.wait(job) == ["failed"]
    record = spine.store.record(job)
    assert record and "unknown company" in record.error
    assert job_json(record)["coverage"] is None
    manifest = JobFiles.unrecorded(spine.lake, job).manifest()
    assert manifest and manifest["coverage"] is None


def test_a_high_job_starts_next_though_many_low_ones_wait(spine: Spine) -> None:
    low = [spine.submit_job(pipeline(1, seconds=0.05, parts=False, priority=Priority.LOW)) for _ in range(60)]
    high = spine.submit_job(pipeline(1, seconds=0.05, parts=False, priority=Priority.HIGH))
    assert spine.wait(high) == ["completed"]
    ended = [spine.status(job) for job in low].count("completed")
    assert ended < 30, "the high job waited behind low ones"
    assert set(spine.wait(low)) == {"completed"}


def test_the_window_bounds_the_queue(spine: Spine) -> None:
    job = spine.submit(200, parts=False, partition_size=1)
    longest = 0
    while spine.status(job) not in ("completed", "failed"):
        lengths = [
            spine.store.redis.llen(key)
            for key in spine.store.redis.keys("lm-test:*scraping*")
            if spine.store.redis.type(key) == "list"
        ]
        longest = max(longest, sum(lengths))
    assert longest <= 2 * 2 * spine.processes
