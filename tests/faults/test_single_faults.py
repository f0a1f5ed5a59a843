"""Faults of workers, messages and clocks, one at a time."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.queues import Queue
from tests.faults.proof import (
    FACTOR,
    FaultSpine,
    begins,
    completes,
    each_once,
    lines,
    no_live_entries,
    until,
)  # fmt: skip

pytestmark = pytest.mark.timeout(int(100 * FACTOR))
FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    with FaultSpine(tmp_path_factory.mktemp("single"), workers=0) as stack:
        yield stack


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "stages.log"


def queue_key(spine: FaultSpine, queue: Queue, level: int) -> str:
    """The broker's list behind a queue and level."""
    channel = spine.celery.connection_for_write().default_channel
    return spine.settings.key_prefix + str(channel._q_for_pri(queue.value, level))


def message(task: str, args: object, kwargs: object | None = None) -> str:
    """A message as Celery puts it into a Redis list."""
    task_id = str(uuid.uuid4())
    body = base64.b64encode(json.dumps([args, kwargs or {}, {}]).encode()).decode()
    headers = {"lang": "py", "task": task, "id": task_id, "root_id": task_id, "argsrepr": "", "kwargsrepr": ""}
    properties = {
        "correlation_id": task_id, "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "x"},
        "priority": 0, "body_encoding": "base64", "delivery_tag": str(uuid.uuid4()),
    }  # fmt: skip
    return json.dumps(
        {"body": body, "content-encoding": "utf-8", "content-type": "application/json", "headers": headers,
         "properties": properties}
    )  # fmt: skip


def test_three_reconcilers_send_a_lost_message_once(spine: FaultSpine, log: Path) -> None:
    """Messages are stolen while every worker's reconciler looks: each is sent again once, and runs once."""
    with spine.workers_with(3, processes=1):
        jobs = [spine.submit(6, seconds=0.2, partition_size=1, log=str(log)) for _ in range(3)]
        stolen = 0
        client = spine.store.redis
        keys = [queue_key(spine, queue, level) for queue in (Queue.SCRAPING, Queue.PROCESSING) for level in range(6)]
        began = time.monotonic()
        while stolen < 5 and time.monotonic() - began < 20 * FACTOR:
            stolen += sum(client.rpop(key) is not None for key in keys)
            time.sleep(0.2)
        for job in jobs:
            completes(spine, job, 6)
        runs = Counter((line.job, line.unit, line.stage) for line in lines(log) if line.what == "begin")
        assert stolen >= 3
        assert set(runs.values()) == {1}, "a message that was sent again ran beside the first"
        assert all(
            unit["e"] == 1 for job in jobs for name, unit in spine.store.units(job).items() if name[1:].isdigit()
        )


def test_a_wall_clock_that_jumps(spine: FaultSpine, log: Path) -> None:
    """Worker's and submitter's clocks jump by hours, back and forth; time is the server's."""
    with spine.workers_with(2, processes=1, PYTHONPATH=str(FOLDER / "jumping_clock")):
        job = spine.submit(8, seconds=0.3, partition_size=1, log=str(log))
        completes(spine, job, 8)
        assert set(begins(log, job).values()) == {1}, "a lease lapsed by a clock"
        jumped = {round(line.at - time.time(), -3) for line in lines(log, job)}
        assert len(jumped) > 1, "the clock did not jump"
        found = spine.store.read(job)
        assert found and 0 <= int(found["finished"]) - int(found["started"]) < 60_000 * FACTOR


def told_of(spine: FaultSpine, job: str, lines: int) -> dict[str, int]:
    """What the job's own log says, and how often, once it has so many lines (a death's comes with the next tick)."""
    until(lambda: len(spine.store.lines(job)) >= lines, 10, "lines of the job's log")
    return Counter(said["event"] for _, _, said in spine.store.lines(job))


def test_over_the_time_limit(spine: FaultSpine, log: Path) -> None:
    told_since = spine.log_from_now()
    with spine.workers_with(1, LEADMILL_TASK_TIME_LIMIT_S="2"):
        job = spine.submit(6, partition_size=2, hang=["p1"], log=str(log))
        assert spine.wait(job, 60 * FACTOR) == ["completed"]
        unit = spine.store.units(job)["p1"]
        assert (unit["s"], unit["m"][0]) == ("f", "poison")
        assert "longer than the limit of 2 s" in unit["m"][1] and "(3 times)" in unit["m"][1]
        assert begins(log, job)["p1", "scrape"] == 3
        found = spine.store.read(job)
        assert found and float(found["coverage"]) == pytest.approx(4 / 6, abs=1e-3)
        assert spine.store.criticals()[0]["kind"] == "poison"
        assert "Traceback" not in told_since()
        said = {"process died": 3, "unit failed for good": 1, "companies missing": 1, "job completed": 1}
        assert told_of(spine, job, sum(said.values())) == said


def test_a_report_may_take_longer_than_strangers_pages(spine: FaultSpine, log: Path) -> None:
    with spine.workers_with(1, LEADMILL_TASK_TIME_LIMIT_S="1"):
        job = spine.submit(1, report_s=3, log=str(log))
        assert spine.wait(job, 60 * FACTOR) == ["completed"]
        units = spine.store.units(job)
        assert {unit["s"] for name, unit in units.items() if name.startswith("render:")} == {"d"}


def test_over_the_memory_limit(spine: FaultSpine, log: Path) -> None:
    with spine.workers_with(1, LEADMILL_TASK_MEMORY_LIMIT_MB="400"):
        job = spine.submit(6, partition_size=2, hog={"p1": 500}, log=str(log))
        assert spine.wait(job, 60 * FACTOR) == ["completed"]
        unit = spine.store.units(job)["p1"]
        assert (unit["s"], unit["m"][0]) == ("f", "poison")
        assert "over its limit of 400 MB" in unit["m"][1] and "(3 times)" in unit["m"][1]
        deaths = [d for _, kind, d in spine.store.events(job) if kind == "unit" and d["state"] == "died"]
        assert len(deaths) == 2, "one death was counted twice, or not at all"


def test_messages_that_mean_nothing(spine: FaultSpine, log: Path) -> None:
    """Unknown tasks, wrong arguments, copies, garbage: the worker stays up and the jobs complete."""
    with spine.workers_with(1):
        pid = spine.workers[0].pid
        job = spine.submit(8, seconds=0.2, partition_size=1, log=str(log))
        bad = [
            message("leadmill.nothing", [1, 2]),
            message("os.system", ["true"]),
            message("leadmill.scrape", []),
            message("leadmill.scrape", ["job_00000000000000000000", "p0", 1, 0]),
            message("leadmill.scrape", [job, "p99999", 1, 0]),
            message("leadmill.scrape", [job, "", 1, 0]),
            message("leadmill.scrape", [None, None, None, None]),
            message("leadmill.scrape", [{"a": 1}, ["p0"], "one", 1.5]),
            message("leadmill.scrape", ["x" * 2_000_000, "p" * 2_000_000, 1, 0]),
            message("leadmill.scrape", ["job:*|~", "~", 1, 0]),
            message("leadmill.scrape", [job, "p0", 1, 0], {"epoch": 1}),
            message("leadmill.scrape", [job, "p0", 10**400, 0]),
            message("leadmill.scrape", [job, "p0", -1, -1]),
            message("leadmill.publish", [job, "publish", 0, 0]),
            message("leadmill.score", [job, "score", 0, 0, True]),
            message("leadmill.launch", [job, "launch", 1, 0]),
            "not json at all",
            "{}",
            "null",
            '{"body": 1, "headers": [], "properties": 3}',
        ]
        client = spine.store.redis
        for queue in (Queue.SCRAPING, Queue.PROCESSING):
            for text in bad:
                client.lpush(queue_key(spine, queue, 3), text)
        until(lambda: client.llen(queue_key(spine, Queue.SCRAPING, 3)) == 0, 30, "the messages read")
        completes(spine, job, 8)
        other = spine.submit(3)
        completes(spine, other, 3)
        assert set(begins(log, job).values()) == {1}
        assert spine.workers[0].poll() is None and spine.workers[0].pid == pid, "the worker exited"


def test_children_are_recycled(spine: FaultSpine, log: Path) -> None:
    with spine.workers_with(1, processes=3, LEADMILL_MAX_TASKS_PER_CHILD="5"):
        jobs = [spine.submit(10, partition_size=1, log=str(log)) for _ in range(4)]
        assert set(spine.wait(jobs, 90 * FACTOR)) == {"completed"}
        for job in jobs:
            each_once(spine, job, 10)
        assert set(Counter((x.job, x.unit, x.stage) for x in lines(log) if x.what == "begin").values()) == {1}
        assert len({line.pid for line in lines(log)}) > 15, "children were not recycled"
        no_live_entries(spine)
        no_live_entries(spine)


def test_children_that_grew_are_replaced(spine: FaultSpine, log: Path) -> None:
    """Each is larger than this from its beginning."""
    with spine.workers_with(1, processes=1, LEADMILL_MAX_MEMORY_MB="100"):
        job = spine.submit(4, partition_size=1, log=str(log))
        assert set(spine.wait([job], 90 * FACTOR)) == {"completed"}
        each_once(spine, job, 4)
        assert len({line.pid for line in lines(log)}) > 4, "children were not replaced"
