"""Companies whose hosts said "later", over real workers: neighbours go on, no process is held, each company has its row
once.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from api.error_rows import error_page
from data.job_files import JobFiles
from data.jobs import DEADLINE_STRUCK, Status
from pipelines.execution import canvas
from pipelines.execution.restore import restore_missing
from pipelines.intake.submission import Submission
from pipelines.views import waiting
from pipelines.views.view import job_json
from tests.stand_ins.stack import Spine

#: Longer than anything here waits for.
HOUR = 3_600


def wait_for(spine: Spine, job: str, status: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while spine.status(job) != status:
        assert time.monotonic() < until, (spine.store.read(job), spine.store.units(job), spine.log())
        time.sleep(0.02)


def rows(spine: Spine, job: str, stage: str) -> list[str]:
    return sorted(row["domain"] for row in spine.lake.iter_rows(spine.lake.parts(job, stage)))


def errors(spine: Spine, job: str) -> list[dict[str, Any]]:
    return error_page(spine.lake, JobFiles.unrecorded(spine.lake, job), 100)[0]


def deferring(spine: Spine, companies: int, later: dict[str, int], **stand_in: Any) -> str:
    """A job that has come to wait."""
    job = spine.submit(companies, later=later, partition_size=2, **stand_in)
    wait_for(spine, job, Status.RETRY)
    return job


def make_due(spine: Spine, job: str) -> None:
    """The time of every partition that waits has come."""
    for unit, state in spine.store.units(job).items():
        if state["s"] == "w":
            spine.store.redis.zadd(spine.store.key("due"), {f"{job}|{unit}": 1})


def test_neighbours_are_done_while_two_wait_and_the_processes_do_other_work(spine: Spine) -> None:
    job = deferring(spine, 5, {"c00001.example": 1, "c00004.example": 1}, later_s=HOUR)
    done = [f"c{n:05d}.example" for n in (0, 2, 3)]
    assert rows(spine, job, "enrich") == rows(spine, job, "scrape") == done
    record = spine.store.record(job)
    assert record
    told = waiting.waits(spine.store, [record])[job].reason
    assert told.startswith("2 companies wait, the first until ")
    assert told.endswith(" UTC, as their hosts asked (wave 1 of 3)")
    seen = job_json(record)
    scrape = seen["stages"][0]
    assert (scrape["status"], scrape["rows_in"], scrape["rows_out"], scrape["errors"]) == ("running", 3, 3, 0)
    assert scrape["partitions"] == {"total": 5, "done": 3, "failed": 0}
    left = errors(spine, job)
    assert sorted(row["domain"] for row in left) == ["c00001.example", "c00004.example"]
    assert all(row["scope"] == "company" and row["deferred_until"] for row in left)
    assert spine.wait(spine.submit(4)) == ["completed"], "another job found no process"
    assert spine.status(job) == Status.RETRY
    make_due(spine, job)
    assert spine.wait(job) == ["completed"]
    every = [f"c{n:05d}.example" for n in range(5)]
    for stage in ("scrape", "process", "enrich", "score"):
        assert rows(spine, job, stage) == every
    assert errors(spine, job) == []
    record = spine.store.record(job)
    assert record and record.coverage == 1 and record.wave == 1
    counts = record.stage("scrape")
    assert (counts.done, counts.rows_in, counts.rows_out, counts.errors) == (5, 5, 5, 0)
    assert record.stage("enrich").done == 5


def test_a_job_that_waits_when_the_store_is_emptied_is_resumed_with_what_is_missing(spine: Spine) -> None:
    job = deferring(spine, 3, {"c00001.example": 1}, later_s=HOUR)
    store = spine.store
    store.redis.delete(*(store.key(f"{kind}:{job}") for kind in ("job", "units", "doc", "ev", "todo")))
    store.redis.zrem(store.key("idx:s:retry"), job)
    assert job in restore_missing(store, spine.lake)
    record = store.record(job)
    assert record and (record.status, record.partitions) == ("failed", 3)
    canvas.dispatch(spine.celery, store.resume(job).send)
    wait_for(spine, job, Status.RETRY)
    make_due(spine, job)
    assert spine.wait(job) == ["completed"]
    assert rows(spine, job, "enrich") == rows(spine, job, "scrape") == [f"c{n:05d}.example" for n in range(3)]


def test_a_deadline_that_strikes_while_it_waits_ends_it_with_its_report(spine: Spine) -> None:
    options = {"stand_in": {"later": {"c00001.example": 1}, "later_s": HOUR}, "report": {"formats": ["html"]}}
    urls = [f"c{n:05d}.example" for n in range(3)]
    job = spine.submit_job(Submission("pipeline", company_urls=urls, options=options, deadline_s=HOUR))
    wait_for(spine, job, Status.RETRY)
    spine.store.redis.zadd(spine.store.key("due"), {f"{job}|~": 1})
    assert spine.wait(job) == ["completed"]
    record = spine.store.record(job)
    assert record and record.coverage == round(2 / 3, 6)
    assert Path(spine.lake.job_dir(job) / "reports" / "report.html").exists()
    (error,) = errors(spine, job)
    assert (error["domain"], error["error"]) == ("c00001.example", "asks later")
    units = spine.store.units(job)
    assert [state["m"][1] for state in units.values() if state["s"] == "f"] == [DEADLINE_STRUCK]
