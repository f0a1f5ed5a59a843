"""What a process logs: for machines one JSON object a line whatever happens, for people lines that no text breaks."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from leadmill import log
from leadmill.settings import Settings

#: What a page may put into a line: it clears the screen, sets the title, turns the text around, and adds a line.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp\n2026-11-27T00:00:00Z [info] all is well\r\x9b31m"


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    hooks = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = hooks
    root.handlers[:], level, config = before
    root.setLevel(level)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(False)
    logging.getLogger("of.its.own").setLevel(logging.NOTSET)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def refuse() -> None:
    raise ValueError(HOSTILE)


def fail(logger: Any) -> None:
    """A line with a traceback."""
    try:
        refuse()
    except ValueError:
        logger.error("broken", exc_info=True)


def test_every_logger_tells_what_is_bound_where_the_work_began(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="json"), "worker")
    log.begin(job="job_1", unit="p3", partition=3, project=None)
    with log.bound(trace_id="t1"):
        log.get_logger("ours").warning("told", why="x")
    logging.getLogger("celery.x").info("Task %s succeeded", "a")
    log.begin(job="job_2")
    logging.getLogger("celery.x").info("next")
    first, second, third = lines(capsys)
    assert first.items() >= {"job": "job_1", "unit": "p3", "partition": 3, "trace_id": "t1", "why": "x"}.items()
    assert list(first)[:6] == ["timestamp", "level", "event", "logger", "process", "pid"] and "project" not in first
    assert second.items() >= {"event": "Task a succeeded", "job": "job_1", "logger": "celery.x"}.items()
    assert "trace_id" not in second and third["job"] == "job_2" and "unit" not in third
    assert set(first) - {"why"} <= set(log.FIELDS)


def test_for_machines_a_traceback_a_warning_and_a_broken_line_are_each_one(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="json"))
    fail(logging.getLogger("lib"))
    logging.getLogger("lib").error("%d pages", "no number")
    warnings.warn("old\nand long", stacklevel=1)
    found = lines(capsys)
    assert [line["level"] for line in found] == ["error", "error", "warning"]
    assert found[0]["exception"].startswith("Traceback") and HOSTILE in found[0]["exception"]
    assert found[1]["event"].startswith("a line cannot be logged: %d format") and found[1]["of"] == "lib"
    assert found[2]["logger"] == "py.warnings" and "old\nand long" in found[2]["event"]


def test_for_people_no_text_moves_the_cursor_or_makes_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="console"))
    log.get_logger("x").warning(HOSTILE, title=HOSTILE, found=[HOSTILE])
    fail(log.get_logger("x"))
    told = capsys.readouterr().err
    assert not set(told) & set("\x1b\x07\u202e\r\x9b")
    ours = [line for line in told.splitlines() if not line.startswith("  ") and line]
    assert len(ours) == 2 and all("[" in line[:40] for line in ours), told


def test_a_logger_may_have_a_level_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="json", log_levels=["of.its.own=ERROR", "api.access=INFO"]))
    logging.getLogger("of.its.own").warning("quiet")
    logging.getLogger("of.its.own").error("told")
    assert [line["event"] for line in lines(capsys)] == ["told"]


def test_a_crash_is_one_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="json"), "beat")

    def crash() -> None:
        raise ValueError("at redis://u:s3cretpw@h")

    thread = threading.Thread(target=crash, name="t")
    thread.start()
    thread.join()
    try:
        crash()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    told = lines(capsys)
    assert [line["event"] for line in told] == ["a thread has crashed: t", "the process has crashed"]
    assert all(line["level"] == "critical" and line["process"] == "beat" for line in told)
    assert all(line["exception"].startswith("Traceback") and "s3cretpw" not in line["exception"] for line in told)
