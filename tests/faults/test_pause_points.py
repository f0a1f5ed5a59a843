"""Killed exactly between two steps of a transition: each company once, and done again only what had to be."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import keys
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record
from tests.faults.proof import FACTOR, FaultSpine, begins, completes, lines, until

pytestmark = pytest.mark.timeout(int(100 * FACTOR))


@pytest.fixture(scope="module")
def holds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("holds")


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory, holds: Path) -> Iterator[FaultSpine]:
    env = {"LEADMILL_PAUSE_DIR": str(holds)}
    with FaultSpine(tmp_path_factory.mktemp("pause"), workers=1, processes=2, env=env) as stack:
        yield stack


@pytest.fixture(autouse=True)
def _clean(spine: FaultSpine, holds: Path) -> Iterator[None]:
    yield
    for file in holds.iterdir():
        file.unlink()
    spine.ready()


def hold(holds: Path, point: str) -> None:
    (holds / point).touch()


def waiting(holds: Path, point: str) -> list[int]:
    """Pids of those who stand at a point."""
    return [int(file.name.rpartition(".")[2]) for file in holds.glob(f"{point}.at.*")]


def kill_there(holds: Path, point: str) -> int:
    """SIGKILL the first process that reaches a point, let the others pass; its pid."""
    until(lambda: waiting(holds, point), 30, f"somebody at {point}")
    pid = waiting(holds, point)[0]
    os.kill(pid, signal.SIGKILL)
    (holds / point).unlink()
    return pid


@pytest.mark.parametrize(
    ("point", "again"),
    [
        ("begun", True),  # between begin and first work: the stage has noted nothing yet, and begins anew
        ("written", True),  # between file and commit: the only place where finished work is done again
        ("committed", False),  # between commit and rename
        ("renamed", False),  # between commit and publish
    ],
)
@pytest.mark.parametrize("stage", ["launch", "scrape", "enrich"])
def test_a_child_killed_at(spine: FaultSpine, holds: Path, tmp_path: Path, point: str, again: bool, stage: str) -> None:
    log = tmp_path / "stages.log"
    if stage == "launch":
        hold(holds, point)
    job = spine.submit(4, scrape_s=0.3, partition_size=2, log=str(log))
    if stage != "launch":
        before = {"scrape": "scrape", "enrich": "process"}[stage]
        until(lambda: begins(log, job, before), 30, "work under way")
        hold(holds, point)
    pid = kill_there(holds, point)
    completes(spine, job, 4)
    if stage == "launch":
        assert {line.stage for line in lines(log, job) if line.pid == pid} <= {"launch"}
    died = [line for line in lines(log, job) if line.pid == pid]
    repeated = {key: n for key, n in begins(log, job).items() if n > 1}
    if point == "written":
        assert died and died[-1].what in ("end", "closed")
        assert repeated in ({}, {(died[-1].unit, died[-1].stage): 2}), "more was done again than was lost"
        if died[-1].stage in ("scrape", "process", "enrich"):
            assert repeated or units_of_close(spine, job), "an uncommitted stage was not done again"
    else:
        assert not repeated, f"done again though it was {'not begun' if again else 'committed'}: {repeated}"


@pytest.mark.parametrize("point", ["written", "committed", "renamed"])
def test_a_wave_whose_launch_is_killed_at(spine: FaultSpine, holds: Path, tmp_path: Path, point: str) -> None:
    """Launch runs again for companies whose hosts said "later": what it plans is planned once."""
    log = tmp_path / "stages.log"
    later = {f"c{n:05d}.example": 1 for n in (0, 3)}
    job = spine.submit(4, partition_size=4, later=later, later_s=0.5, wave_holds=point, log=str(log))
    until(lambda: waiting(holds, point), 30, "the launch of the wave")
    out = {name for name, unit in spine.store.units(job).items() if unit["s"] in "hr"}
    # Once it is committed the wave's own partitions may be due; the close is not.
    assert out == {"launch"} if point == "written" else out <= {"p1", "p2"}
    kill_there(holds, point)
    completes(spine, job, 4)
    plan = sorted(spine.store.units(job))
    assert [name for name in plan if name[1:].isdigit()] == ["p0", "p1", "p2"]
    assert begins(log, job, "scrape") == {("p0", "scrape"): 1, ("p1", "scrape"): 1, ("p2", "scrape"): 1}
    assert sum(line.what == "wave" for line in lines(log, job)) == (2 if point == "written" else 1)


def units_of_close(spine: FaultSpine, job: str) -> bool:
    """A unit of the close (they note nothing) was the one that died."""
    return any(unit["e"] > 1 for name, unit in spine.store.units(job).items() if not name[1:].isdigit())


def test_a_worker_killed_between_claim_and_publish(spine: FaultSpine, holds: Path) -> None:
    """The reconciler has taken a job's launch to send it, and dies before it does."""
    hold(holds, "claimed")
    until(lambda: waiting(holds, "claimed"), 30, "the reconciler held")
    options = {"stand_in": {}, "report": {"formats": ["html"]}}
    urls = [f"c{i:05d}.example" for i in range(3)]
    job = record(spine.store, spine.lake, Submission("pipeline", company_urls=urls, options=options)).job_id
    spine.store.redis.zadd(spine.store.key("due"), {f"{job}|launch": 0})
    (holds / "claimed").unlink()
    time.sleep(0.3)  # it goes on; its next claim comes after its pause of a second
    for mark in holds.glob("claimed.at.*"):
        mark.unlink()
    hold(holds, "claimed")
    until(lambda: waiting(holds, "claimed"), 30, "the reconciler held again")
    assert spine.store.units(job)["launch"]["x"], "the claim took nothing"
    os.killpg(spine.workers[0].pid, signal.SIGKILL)
    spine.workers[0].wait()
    assert spine.status(job) == "pending", "it was sent before it could be"
    for file in holds.iterdir():
        file.unlink()
    spine.ready()
    completes(spine, job, 3)


def test_recorded_and_never_published(spine: FaultSpine) -> None:
    """The submitter died between record and publish: accepted means recorded."""
    options = {"stand_in": {}, "report": {"formats": ["html"]}}
    urls = [f"c{i:05d}.example" for i in range(2)]
    job = record(spine.store, spine.lake, Submission("pipeline", company_urls=urls, options=options)).job_id
    completes(spine, job, 2)


def test_two_units_held_at_their_commit_while_another_job_passes(
    spine: FaultSpine, holds: Path, tmp_path: Path
) -> None:
    """Cancel while a run stands between file and commit: its commit is refused and nothing of it stays."""
    log = tmp_path / "stages.log"
    job = spine.submit(2, scrape_s=0.3, partition_size=1, log=str(log))
    until(lambda: begins(log, job, "scrape"), 30, "work under way")
    hold(holds, "written")
    until(lambda: waiting(holds, "written"), 30, "a run at its commit")
    spine.store.cancel(job)
    (holds / "written").unlink()
    other = spine.submit(2)
    completes(spine, other, 2)
    assert spine.status(job) == "cancelled"
    assert not [p for stage in ("scrape", "process", "enrich") for p in spine.lake.parts(job, stage)]
    until(lambda: not list((spine.lake.job_dir(job) / "_tmp").glob("scrape*")), 5, "refused files removed")


@pytest.mark.parametrize("point", ["committed", "renamed"])
def test_a_child_killed_before_it_sent_another_jobs_unit(
    spine: FaultSpine, holds: Path, tmp_path: Path, point: str
) -> None:
    """What a commit hands out may be of the job whose turn it is; its message gets lost with the process."""
    log = tmp_path / "stages.log"
    each = 24  # so that the first is still at work when the other is planned
    jobs = [spine.submit(each, scrape_s=0.2, partition_size=1, log=str(log)) for _ in range(2)]
    ring = spine.store.key(keys.ring("scraping", 1))
    until(lambda: spine.store.redis.zcard(ring) == 2, 30, "both jobs in line")
    hold(holds, point)
    pid = kill_there(holds, point)
    for job in jobs:
        completes(spine, job, each)
        repeated = {key: n for key, n in begins(log, job).items() if n > 1}
        assert not repeated, f"done again though it was committed: {repeated}"
    assert pid in {line.pid for line in lines(log)}
    windows = [keys.window_of(queue) for queue in ("scraping", "processing")]
    assert not any(spine.store.redis.exists(spine.store.key(name)) for name in (*windows, keys.turns("scraping")))


def test_score_killed_between_commit_and_rename(spine: FaultSpine, holds: Path) -> None:
    """The formats read what score committed, though it had not been renamed yet."""
    job = spine.submit(4, partition_size=2, score_holds="committed", counts=True)
    kill_there(holds, "committed")
    completes(spine, job, 4)
    for name in ("html", "csv"):
        report = spine.lake.job_dir(job) / "reports" / f"report.{name}"
        assert json.loads(report.read_text()) == {"rows": 4}, "the report was made without what had not been renamed"
