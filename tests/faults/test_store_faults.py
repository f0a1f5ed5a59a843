"""Faults of the job store: emptied in the middle of a job, full, frozen, away for longer than a lease."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.jobs import LIMITS, TERMINAL
from leadmill.errors import ConflictError, UnavailableError
from leadmill.ids import new_job_id
from pipelines.intake import control
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record, submit
from tests.faults.proof import FACTOR, FaultSpine, begins, completes, domains, each_once, lines, resume, until

pytestmark = pytest.mark.timeout(int(100 * FACTOR))
ONE = Submission("pipeline", company_urls=["one.example"], options={"stand_in": {"parts": False}})


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    with FaultSpine(tmp_path_factory.mktemp("store"), workers=1, processes=2) as stack:
        yield stack


@pytest.fixture(autouse=True)
def _workers_are_up(spine: FaultSpine) -> None:
    """One test's dead worker is not the next one's."""
    spine.store.redis.config_set("maxmemory", 0)
    spine.ready()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "stages.log"


def test_emptied_in_the_middle_of_a_job(spine: FaultSpine, log: Path) -> None:
    ended = spine.submit(3)
    assert spine.wait(ended, 60 * FACTOR) == ["completed"]
    before = spine.store.read(ended)
    acme = spine.of("acme")
    theirs = acme.submit(3)
    assert acme.wait(theirs, 60 * FACTOR) == ["completed"]
    job = spine.submit(12, seconds=0.4, partition_size=1, log=str(log))
    until(lambda: len(begins(log, job, "enrich")) >= 3, 30, "work under way")
    spine.store.redis.flushall()
    until(lambda: spine.status(job) != "gone", 10, "the job restored")
    until(lambda: acme.status(theirs) == "completed", 10, "the other project's job restored")
    assert spine.status(theirs) == "gone" and acme.status(job) == "gone"
    assert spine.status(job) == "failed"
    found = spine.store.read(job)
    assert found and "emptied" in found["error"]
    time.sleep(2.5)  # a lease is renewed every 1.5 s: by then every run has noticed
    ran = log.read_text()
    time.sleep(1.5)
    assert log.read_text() == ran, "work went on though its record was gone"
    assert spine.status(job) == "failed", "a job of which half is missing was taken for done"
    assert [c["kind"] for c in spine.store.criticals()].count("store_emptied") == 1

    restored = spine.store.read(ended)
    assert before and restored
    for name in ("status", "coverage", "created", "attempt", "kind", "tags", "result"):
        assert restored[name] == before[name], name
    with pytest.raises(ConflictError):
        spine.store.resume(ended)

    scraped = set(domains(spine, job, "scrape"))
    assert scraped, "the fault came too early to prove anything"
    mark = len(lines(log, job))
    resume(spine, job)
    completes(spine, job, 12)
    again = {line.unit for line in lines(log, job)[mark:] if line.stage == "scrape" and line.what == "begin"}
    assert len(again) == 12 - len(scraped), "a committed scrape was done again, or a missing one not"


def test_emptied_twice_and_resumed_twice(spine: FaultSpine, log: Path) -> None:
    job = spine.submit(6, seconds=0.4, partition_size=1, log=str(log))
    for _ in range(2):
        mark = len(lines(log, job))
        until(lambda mark=mark: len(lines(log, job)) > mark + 4, 30, "work under way")
        spine.store.redis.flushall()
        until(lambda: spine.status(job) == "failed", 10, "the job restored")
        resume(spine, job)
    completes(spine, job, 6)
    found = spine.store.read(job)
    assert found and found["pct"] == "1000" and found["pd"] == found["pn"]
    for stage in ("scrape", "process", "enrich"):
        assert found[f"{stage}:d"] == "6", "counters of a restored job"


def test_emptied_after_a_deadline_the_partitions_that_were_never_handed_out_are_done(spine: FaultSpine) -> None:
    urls = [f"c{i:05d}.example" for i in range(14)]
    how = {"stand_in": {"seconds": 0.3, "partition_size": 1}, "report": {"formats": ["html"]}}
    job = spine.submit_job(Submission("pipeline", company_urls=urls, options=how, deadline_s=2))
    assert spine.wait(job, 60 * FACTOR) == ["completed"]
    before = spine.store.read(job)
    assert before and int(before["pn"]) == 14, before
    assert sum(unit[1:].isdigit() for unit in spine.store.units(job)) < 14, "all were handed out"
    spine.store.redis.flushall()
    until(lambda: spine.status(job) == "completed", 10, "the job restored")
    restored = spine.store.read(job)
    assert restored and {n: restored[n] for n in ("pn", "pd", "pf", "coverage")} == {
        n: before[n] for n in ("pn", "pd", "pf", "coverage")
    }
    resume(spine, job)
    completes(spine, job, 14)


def test_a_new_empty_server_knows_jobs_that_had_not_begun(spine: FaultSpine, tmp_path: Path) -> None:
    """Their input lies on disk: uploaded, or large, or for later. What lay in the record alone is lost, and gone."""
    spine.stop_workers()
    table = tmp_path / "companies.csv"
    table.write_text("url\nc00000.example\nc00001.example\n")
    how = {"stand_in": {"partition_size": 1}, "report": {"formats": ["html"]}}
    many = [f"c{i:05d}.example" for i in range(5_000)]
    asked = {
        "uploaded": Submission("pipeline", file=table, options=how, tags=["a"], idempotency_key="k-1"),
        "large": Submission("scrape", company_urls=many, options={"stand_in": {"parts": False}}),
        "later": Submission("pipeline", company_urls=["c00000.example"], options=how, run_at=time.time() + 3_600),
        "inline": ONE,
    }
    jobs = {name: spine.submit_job(submission) for name, submission in asked.items()}
    before = {name: spine.store.read(job) or {} for name, job in jobs.items()}
    spine.server.stop()
    shutil.rmtree(spine.server.folder)
    spine.server.folder.mkdir()
    spine.server.start()
    assert spine.status(jobs["uploaded"]) == "gone"
    assert control.known(spine.store, spine.lake, jobs["uploaded"]).status == "failed", "told as it will be"
    spine.start_worker()
    spine.ready()
    for name in ("uploaded", "large", "later"):
        until(lambda job=jobs[name]: spine.status(job) == "failed", 20, f"{name} restored")
        found = spine.store.read(jobs[name]) or {}
        assert "before this job began" in found["error"]
        for field in ("kind", "stages", "ps", "prio", "tags", "min", "attempt"):
            assert found[field] == before[name][field], (name, field)
        assert abs(int(found["created"]) - int(before[name]["created"])) < 1_000
    assert spine.status(jobs["inline"]) == "gone"
    assert submit(spine.store, spine.lake, lambda outs: None, asked["uploaded"]).job_id == jobs["uploaded"], "its key"
    for name in ("uploaded", "large", "later"):
        resume(spine, jobs[name])
    assert spine.wait([jobs["large"]], 60 * FACTOR) == ["completed"]
    completes(spine, jobs["uploaded"], 2)
    completes(spine, jobs["later"], 1)


def test_full_at_maxmemory(spine: FaultSpine, log: Path) -> None:
    other = spine.submit(8, seconds=0.3, partition_size=1)
    job = spine.submit(8, seconds=0.3, partition_size=1, log=str(log))
    until(lambda: len(lines(log, job)) > 2, 30, "work under way")
    client = spine.store.redis
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    try:
        for _ in range(5):
            job_id = new_job_id()
            with pytest.raises(UnavailableError):
                record(spine.store, spine.lake, ONE, job_id)
            assert spine.store.read(job_id) is None
            assert not [key for key in client.scan_iter("*") if job_id in key], "half accepted"
            assert not [index for index in ("s:pending", "k:pipeline") if job_id in dict(spine.store.ids(index))]
        # A move that begins by freeing something is made whole or not at all, never in part.
        with contextlib.suppress(UnavailableError):
            spine.store.cancel(other)
        live = {entry.partition("|")[2] for entry in due(spine) if entry.startswith(other)}
        states = {unit for unit, state in spine.store.units(other).items() if state["s"] in "hrw"}
        assert states == live - {"+"}, "which stands for the job in its ring"
        assert spine.status(other) == "cancelled" or live
        time.sleep(2)
    finally:
        client.config_set("maxmemory", 0)
    spine.ready()
    completes(spine, job, 8)
    after = spine.submit(2)
    completes(spine, after, 2)


def test_taking_no_writes_ends_no_worker(spine: FaultSpine, log: Path) -> None:
    """A full disk, a lost replica: the server also refuses to hand out a message."""
    job = spine.submit(8, seconds=0.3, partition_size=1, log=str(log))
    until(lambda: len(lines(log, job)) > 2, 30, "work under way")
    spine.store.redis.config_set("min-replicas-to-write", 1)
    try:
        time.sleep(3)  # a queue is read anew each second
    finally:
        spine.store.redis.config_set("min-replicas-to-write", 0)
    completes(spine, job, 8)
    assert [worker.poll() for worker in spine.workers] == [None], "it must go on by itself: not each has a supervisor"


def test_full_between_the_record_and_its_message(spine: FaultSpine) -> None:
    """Recorded, then no room for the message: accepted all the same, and run once there is room."""

    def full(outs: object) -> None:
        spine.store.redis.config_set("maxmemory", 1)
        try:
            canvas_publish(outs)
        finally:
            spine.store.redis.config_set("maxmemory", 0)

    def canvas_publish(outs: object) -> None:
        from pipelines.execution import canvas

        canvas.dispatch(spine.celery, outs)  # type: ignore[arg-type]

    accepted = submit(spine.store, spine.lake, full, ONE)
    spine.ready()
    assert spine.wait(accepted.job_id, 30 * FACTOR) == ["completed"]


def due(spine: FaultSpine) -> list[str]:
    """Members of the due set."""
    return list(spine.store.redis.zrange(spine.store.key("due"), 0, -1))


def test_frozen_for_20_s_during_submits_and_work(spine: FaultSpine, log: Path) -> None:
    """Submits fail in time and never in half; an outage twice as long as a lease kills no running work."""
    outage = 20
    assert outage * 1000 >= 2 * LIMITS["LEASE_MS"]
    job = spine.submit(2, scrape_s=outage + 4, partition_size=1, log=str(log))
    until(lambda: len(begins(log, job, "scrape")) == 2, 30, "both partitions running")
    answered: list[float] = []
    tried: list[str] = []
    spine.server.kill(signal.SIGSTOP)
    frozen = time.monotonic()
    try:
        while time.monotonic() - frozen < outage:
            job_id = new_job_id()
            began = time.monotonic()
            with pytest.raises(UnavailableError) as caught:
                record(spine.store, spine.lake, ONE, job_id)
            answered.append(time.monotonic() - began)
            assert caught.value.job_id == job_id, "the caller must be able to ask for it"
            tried.append(job_id)
    finally:
        spine.server.kill(signal.SIGCONT)
    print(f"a submit to a frozen store fails after {max(answered):.1f} s at worst; {len(tried)} tried")
    assert max(answered) < 3.5 * FACTOR
    spine.ready()
    time.sleep(1)
    for job_id in tried:  # each is either recorded whole, and then runs, or not at all
        found = spine.store.read(job_id)
        indexed = job_id in dict(spine.store.ids("k:pipeline", limit=200))
        assert (found is not None) == indexed
        assert (found is not None) == bool(spine.store.units(job_id))
        repeat = record(spine.store, spine.lake, ONE, job_id)
        assert repeat.job_id == job_id and repeat.replayed == (found is not None)
    assert set(spine.wait([*tried, job], 60 * FACTOR)) == {"completed"}
    each_once(spine, job, 2)
    assert set(begins(log, job, "scrape").values()) == {1}, "running work was done again"
    assert not [1 for _, kind, data in spine.store.events(job) if kind == "unit" and data.get("state") == "lapsed"]


def test_restarted_while_tasks_run(spine: FaultSpine, log: Path) -> None:
    """Away for some seconds, in which the runs end: each waits with its commit, and nothing is done again."""
    job = spine.submit(4, scrape_s=1, partition_size=1, log=str(log))
    until(lambda: len(begins(log, job, "scrape")) == 2, 30, "work under way")
    spine.server.stop()
    time.sleep(4)
    spine.server.start()
    spine.ready()
    completes(spine, job, 4)
    assert set(begins(log, job).values()) == {1}, "finished work was done again"
    assert all(spine.status(j) in TERMINAL for j, _ in spine.store.ids("k:pipeline", limit=500)), "an older job woke up"
