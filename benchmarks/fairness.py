"""Jobs of one priority beside each other: a small one behind a hundred, a hundred equal ones to their ends, the longest
queue, and two projects of which one has many jobs.

Workers as `leadmill up` starts them: some for scraping, one for the rest. Stage scrape sleeps for SLOW_S, so that the
order in which partitions are taken decides, not the machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.harness import Line, main, median
from benchmarks.stack import PROCESSES, Stack
from data.jobs import JobRecord
from pipelines.queues import LEVELS, Queue

#: What the first stage of every partition takes, seconds.
SLOW_S = 0.2
#: Partitions of the small job, and of each of the others.
SMALL, LARGE = 2, 30
SCRAPERS = 2
#: Pool processes that scrape.
SHARED = SCRAPERS * PROCESSES
LOOK_S = 0.02


@dataclass
class Crowd:
    """What was seen of equal jobs that were submitted at once."""

    #: The longest that the first stage's queue was, messages.
    longest_queue: int = 0
    #: Seconds from the first submit to each job's end, in the order of their ends.
    ends: list[float] = field(default_factory=list)
    #: Of each small job submitted meanwhile, seconds from its submit to its first partition's begin, and to its end.
    begins: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    @property
    def spread(self) -> float:
        """The share of the run's time over which the jobs ended."""
        return (self.ends[-1] - self.ends[0]) / self.ends[-1]


def _record(stack: Stack, job_id: str) -> JobRecord:
    record = stack.store.record(job_id)
    if record is None:
        raise RuntimeError(f"{job_id} has no record")
    return record


def _times(stack: Stack, job_id: str) -> tuple[float, float]:
    """Seconds from a job's submit to the begin of its first partition, and to its end; by the record's clock."""
    record = _record(stack, job_id)
    begun, ended = record.stage("scrape").started_ms, record.finished_ms
    if record.status != "completed" or begun is None or ended is None:
        raise RuntimeError(f"{job_id} ended {record.status}: {record.error}")
    return (begun - record.created_ms) / 1000, (ended - record.created_ms) / 1000


def _alone(stack: Stack, runs: int) -> list[float]:
    """What small jobs take on the idle stack."""
    jobs = []
    for _ in range(runs):
        jobs.append(stack.submit(SMALL, seconds=SLOW_S))
        stack.wait(jobs[-1])
    return [_times(stack, job_id)[1] for job_id in jobs]


@contextmanager
def _watched_queue(stack: Stack, seen: Crowd) -> Iterator[None]:
    """Look at the first stage's queue all the while."""
    over = threading.Event()
    keys = [f"{stack.prefix}{Queue.SCRAPING}" + (f"\x06\x16{level}" if level else "") for level in LEVELS]

    def look() -> None:
        while not over.wait(LOOK_S):
            with stack.redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.llen(key)
                seen.longest_queue = max(seen.longest_queue, sum(pipe.execute()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _until_launched(stack: Stack, jobs: list[str]) -> None:
    stack.until(lambda: all(_record(stack, job_id).partitions for job_id in jobs), (True,), LOOK_S)


def _crowd(stack: Stack, jobs: int, small: int) -> Crowd:
    """Equal jobs at once, all of them to their ends; when all are launched, small ones a second apart."""
    seen = Crowd()
    with _watched_queue(stack, seen):
        many = [stack.submit(LARGE, seconds=SLOW_S) for _ in range(jobs)]
        first = _record(stack, many[0]).created_ms
        _until_launched(stack, many)
        few = []
        for _ in range(small):
            few.append(stack.submit(SMALL, seconds=SLOW_S))
            time.sleep(1)
        for job_id in (*few, *many):
            stack.wait(job_id, LOOK_S, seconds=900)
    for job_id in few:
        begun, ended = _times(stack, job_id)
        seen.begins.append(begun)
        seen.took.append(ended)
    records = (_record(stack, job_id) for job_id in many)
    seen.ends = sorted(((record.finished_ms or 0) - first) / 1000 for record in records)
    return seen


def _share_of_one_job(stack: Stack, many: int, seconds: float) -> float:
    """The share of a project with one job in what it and a project with many jobs get done in so many seconds."""
    crowded, alone = stack.of("crowded"), stack.of("alone")
    jobs = [crowded.submit(LARGE, seconds=SLOW_S) for _ in range(many)]
    # More partitions than all processes can take in the time: there is work to the end of it.
    one = alone.submit(int(2 * seconds / SLOW_S * SHARED), seconds=SLOW_S)
    _until_launched(crowded, jobs)
    _until_launched(alone, [one])

    def done() -> tuple[int, int]:
        return sum(_record(crowded, job).stage("scrape").done for job in jobs), _record(alone, one).stage("scrape").done

    before = done()
    time.sleep(seconds)
    theirs, its_own = (now - then for now, then in zip(done(), before, strict=True))
    for job_id in jobs:
        crowded.store.cancel(job_id)
    alone.store.cancel(one)
    return its_own / max(1, theirs + its_own)


def measure(quick: bool) -> list[Line]:
    jobs, small, runs = (4, 1, 1) if quick else (100, 5, 5)
    with Stack() as stack:
        for number in range(SCRAPERS):
            stack.worker(name=f"scraping-{number}", queues="scraping")
        stack.worker(name="general", queues="processing,analytics,maintenance")
        _alone(stack, 2)
        idle = _alone(stack, runs)
        few, many = _crowd(stack, max(1, jobs // 10), 0), _crowd(stack, jobs, small)
        idle += _alone(stack, runs)
        share = _share_of_one_job(stack, max(2, jobs // 5), 1.0 if quick else 15.0)
    behind = f"behind {jobs} of {LARGE}"
    begins = [begun / SLOW_S for begun in many.begins]
    return [
        Line(f"job of {SMALL} partitions {behind}", median(many.took), "s", "<= 10 floor", median(idle),
             samples={"leadmill": many.took, "floor": idle}),
        Line(f"it begins, {behind}: partitions' times", median(begins), "", "<= 2", samples={"leadmill": begins}),
        Line(f"{jobs} equal jobs end within this share of the time", many.spread, "", "<= 0.1",
             samples={"leadmill": many.ends}),
        Line(f"time of {jobs} jobs of {LARGE}, against all processes busy", many.ends[-1], "s", "",
             jobs * LARGE * SLOW_S / SHARED),
        Line(f"longest first queue, {jobs} jobs against {max(1, jobs // 10)}", many.longest_queue, "messages",
             "<= 1.2 floor", few.longest_queue),
        Line(f"share of a project of one job beside {max(2, jobs // 5)} jobs", share, "", ">= 0.45", better="more"),
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
