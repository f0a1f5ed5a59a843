"""What a worker's processes log of a job reaches its own log: bounded, harmless, never at the work's cost."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from data.jobs import JobStore
from leadmill import log
from leadmill.redaction import redacted
from leadmill.settings import Settings
from pipelines.execution.job_log import MAX_BYTES, MOST, MOST_ALIKE, JobLog
from tests.data.jobs.acting import JOB, OTHER, begin, fresh, launched, pass_time
from tests.valkey import Valkey

HOSTILE = "\x1b[2J\x07\u202e\n2027-01-31 [info] all is well"


@pytest.fixture
def store(valkey: Valkey) -> Iterator[JobStore]:
    """Records with a clock that a test moves."""
    made = fresh(valkey.url)
    yield made
    made.redis.close()


@pytest.fixture
def logged(store: JobStore) -> Iterator[JobLog]:
    """A worker's handler; what is logged goes nowhere else."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    log.configure(Settings())
    made = JobLog()
    root.handlers[:] = [made]
    made.connect(store)
    launched(store)
    yield made
    root.handlers[:], level, config = before
    root.setLevel(level)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


def lines(store: JobStore, job: str = JOB) -> list[tuple[str, dict[str, Any]]]:
    return [(level, said) for _, level, said in store.lines(job)]


def test_warnings_of_every_logger_that_name_a_job(logged: JobLog, store: JobStore) -> None:
    launched(store, job=OTHER)
    log.begin(job=JOB, unit="p0", stage="scrape", epoch=1, request_id="r-1")
    log.get_logger("ours").warning("slow", host="h", nothing=None)
    log.get_logger("ours").info("not told")
    logging.getLogger("lib").error("a page of %s failed", "x.example")
    log.get_logger("ours").error("of another", job=OTHER)
    log.begin()
    log.get_logger("ours").error("of none")
    logged.send()
    (first, one), (second, two) = lines(store)
    assert (first, one["event"], one["unit"], one["host"], one["request_id"]) == ("warning", "slow", "p0", "h", "r-1")
    assert "nothing" not in one and (second, two["event"]) == ("error", "a page of x.example failed")
    assert [said["event"] for _, said in lines(store, OTHER)] == ["of another"]


def test_what_is_said_very_often_is_counted(logged: JobLog, store: JobStore) -> None:
    log.begin(job=JOB, unit="p0")
    for number in range(100_000):
        logging.getLogger("lib").warning("page %s", number)
    for number in range(200):
        log.get_logger("ours").warning(f"kind {number}")
    logged.settle()
    logged.send()
    told = [said["event"] for _, said in lines(store)]
    assert len([event for event in told if event.startswith("page ")]) == MOST_ALIKE
    assert f"and {100_000 - MOST_ALIKE:,} more: page %s" in told
    assert len([event for event in told if event.startswith("kind ")]) == MOST - MOST_ALIKE
    log.get_logger("ours").warning("kind 0")
    logged.settle()
    logged.send()
    assert lines(store)[-1][1]["event"] == "kind 0", "the next run begins anew"


def test_a_line_holds_no_secret_and_moves_no_cursor(logged: JobLog, store: JobStore) -> None:
    redacted.learn("s3cretvalue")

    def fail() -> None:
        raise ValueError(f"{HOSTILE} redis://u:pl4nted@h " + "s3cretvalue" * 400)

    try:
        fail()
    except ValueError:
        log.get_logger("ours").exception(f"{HOSTILE} s3cretvalue", job=JOB, found=[HOSTILE, {"password": "pl4nted"}],
                                         title=HOSTILE * 500, odd=object)  # fmt: skip
    logged.send()
    ((_, said),) = lines(store)
    text = json.dumps(said, ensure_ascii=False)
    assert "s3cret" not in text and "pl4nted" not in text and len(text) <= MAX_BYTES
    assert (
        not set(said["event"] + said["title"] + said["exception"]) & set("\x1b\x07\u202e") and "\n" not in said["title"]
    )
    assert said["exception"].rstrip().endswith("***")


def test_a_store_that_is_away_costs_lines_and_never_the_work(logged: JobLog, store: JobStore) -> None:
    logged.connect(JobStore.connect("redis://127.0.0.1:1", "x:", 0.2))
    log.begin(job=JOB)
    log.get_logger("ours").warning("lost")
    logged.send()
    logged.connect(store)
    log.get_logger("ours").warning("waits")
    logged.send()
    assert lines(store) == [], "it is not asked again at once"
    logged._not_before = 0.0
    logged.send()
    assert [said["event"] for _, said in lines(store)] == ["waits"]
    for odd in ("job_" + "f" * 20, JOB):  # a job that is gone, and a key that is no log
        store.redis.delete(store.key(f"log:{JOB}"))
        store.redis.set(store.key(f"log:{JOB}"), "x")
        log.get_logger("ours").warning("nowhere", job=odd)
        logged.send()
    logging.getLogger("ours").warning({"event": 1, "job": JOB, 7: object()})  # type: ignore[arg-type]


def test_a_child_sends_nothing_of_its_parents(logged: JobLog, store: JobStore) -> None:
    log.get_logger("ours").warning("of the parent", job=JOB)
    child = os.fork()
    if not child:
        os._exit(0 if logged._waiting == [] and logged._store is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    logged.send()
    assert len(lines(store)) == 1


def test_deaths_lapses_and_dead_letters_are_logged_by_whoever_sees_them(logged: JobLog, store: JobStore) -> None:
    begin(store, "p0", owner="a:1")
    for _ in range(12):
        pass_time(store, 1)
        answer = store.claim({})
        if answer.body.get("lapsed"):
            break
    assert answer.body["lapsed"] == [[JOB, "p0", "scrape", 1, 1]]
    for owner in ("b", "c", "d"):
        begin(store, "p0", owner=f"{owner}:1")
        store.died(JOB, "p0", f"{owner}:1", "SIGSEGV")
    logged.send()
    ((level, said),) = lines(store)
    assert (level, said["event"], said["unit"], said["category"]) == ("error", "unit failed for good", "p0", "poison")
    assert "SIGSEGV (3 times)" in said["error"]
