"""A thousand jobs at once: all complete, submits stay fast, and afterwards everything is back to base."""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest

from data.jobs import JobRecord
from pipelines.intake.submission import Submission
from tests.faults.proof import FACTOR, FaultSpine, no_live_entries

JOBS = int(os.environ.get("LEADMILL_TEST_MANY_JOBS", "1000"))
pytestmark = pytest.mark.timeout(int(120 * FACTOR * max(1, JOBS / 1000)))
PER_JOB = ("job:", "doc:", "units:", "ev:")


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    with FaultSpine(tmp_path_factory.mktemp("many"), workers=2, processes=2) as stack:
        yield stack


def one(spine: FaultSpine) -> str:
    return spine.submit_job(
        Submission("pipeline", company_urls=["one.example"], options={"stand_in": {"parts": False}})
    )


def keys(spine: FaultSpine) -> Counter[str]:
    """Keys of the server by kind: what stands before the job's id, or the whole key."""
    client = spine.store.redis
    return Counter(key.removeprefix("lm-test:").partition("job_")[0] for key in client.scan_iter("*", count=1_000))


def messages(spine: FaultSpine) -> dict[str, int]:
    """Messages of each queue and priority that has some."""
    client = spine.store.redis
    return {key: client.llen(key) for key in client.scan_iter("*", _type="list")}


def measure(spine: FaultSpine) -> dict[str, float]:
    processes = [psutil.Process(worker.pid) for worker in spine.workers]
    children = [child for process in processes for child in process.children()]
    client = spine.store.redis
    return {
        "channels": len(client.pubsub_channels("*")),
        "connections": int(client.info("clients")["connected_clients"]),
        "files": sum(process.num_fds() for process in processes),
        # A child that replaces another is forked later and so inherits more of its parent: bounded, no leak.
        "child_files": max(child.num_fds() for child in children),
        "rss_mb": sum(process.memory_info().rss for process in processes) / 1e6,
        "child_rss_mb": max(child.memory_info().rss for child in children) / 1e6,
    }


def test_many_jobs(spine: FaultSpine) -> None:
    warm = [one(spine) for _ in range(40)]
    assert set(spine.wait(warm, 60 * FACTOR)) == {"completed"}
    no_live_entries(spine)
    time.sleep(1)
    base = measure(spine)
    began, took, jobs = time.monotonic(), [], []
    for _ in range(JOBS):
        at = time.perf_counter()
        jobs.append(one(spine))
        took.append(time.perf_counter() - at)
    submitted = time.monotonic() - began
    left = set(jobs)
    while left:
        batch = list(left)
        left = {r.job_id for r in spine.store.records(batch) if isinstance(r, JobRecord) and not r.is_terminal}
        assert time.monotonic() - began < 100 * FACTOR * max(1, JOBS / 1000), f"{len(left)} not ended:\n{spine.log()}"
        time.sleep(0.5)
    seconds = time.monotonic() - began
    records = [record for record in spine.store.records(jobs) if isinstance(record, JobRecord)]
    assert Counter(record.status for record in records) == {"completed": JOBS}
    no_live_entries(spine)
    first, last = statistics.median(took[: JOBS // 5]), statistics.median(took[-JOBS // 5 :])
    print(
        f"{JOBS} jobs in {seconds:.0f} s ({JOBS / seconds:.0f}/s), submitted in {submitted:.1f} s; "
        f"submit median {first * 1e3:.1f} ms in the first fifth, {last * 1e3:.1f} ms in the last, "
        f"worst {max(took):.2f} s"
    )
    assert last < 3 * first + 0.005, "a submit gets slower the more jobs there are"

    time.sleep(1)
    after = measure(spine)
    print("base ", base, "\nafter", after)
    assert after["channels"] <= base["channels"]
    assert after["connections"] <= base["connections"] + 4
    assert after["files"] <= base["files"] + 4
    assert after["child_files"] <= after["files"] / len(spine.workers) + 20
    assert after["rss_mb"] < base["rss_mb"] + 25 * max(1, JOBS / 1000)
    assert after["child_rss_mb"] < base["child_rss_mb"] + 40

    found = keys(spine)
    total = len(warm) + JOBS
    for kind in PER_JOB:
        assert found.pop(kind) == total, kind
    assert not [kind for kind, n in found.items() if n > 50], f"keys left over: {found}"
    ttl = spine.store.redis.ttl(spine.store.key(f"units:{jobs[0]}"))
    assert 0 < ttl <= 3_600, "units of a completed job do not expire"
    # What waited long was sent again at a better priority: its first message is taken when all else has been, and does
    # nothing.
    until = time.monotonic() + 120 * FACTOR
    while left_over := messages(spine):
        assert time.monotonic() < until, f"messages left: {left_over}"
        time.sleep(0.5)
    assert Counter(record.status for record in spine.store.records(jobs) if isinstance(record, JobRecord)) == {
        "completed": JOBS
    }
