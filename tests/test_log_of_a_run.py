"""What the processes of a running stack log, and what a job's own log says of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from cli.local_stack.stack import LocalStack
from leadmill import Client
from leadmill.log import ACCESS, ACCESS_FIELDS, FIELDS

SITES = ("nordwind-solar.example", "www.quiet-archive.example", "tideless-systems.example")


def logged(stack: LocalStack, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The lines of all processes, once there are enough; each has to be a JSON object. Redis' own are Redis'."""
    until = time.monotonic() + 10
    while True:
        texts = [file.read_text() for file in stack.run.path.glob("*.log") if file.name != "redis.log"]
        whole = [line for text in texts for line in text[: text.rfind("\n") + 1].splitlines()]
        lines = [json.loads(line) for line in whole]
        assert all(isinstance(line, dict) for line in lines)
        if enough(lines) or time.monotonic() > until:
            return lines
        time.sleep(0.05)


def test_every_line_is_an_object_with_the_fields_of_the_docs(stack: LocalStack) -> None:
    with Client(stack.api_url, headers={"X-Request-ID": "night-1"}) as client:
        job = client.submit(SITES, report={"formats": ["json"]}).wait(90)
        told = list(client.logs(job.id, follow=True))
    assert (job.status, job.result["good"]) == ("completed", 1)

    lines = logged(stack, lambda lines: any(line.get("route", "").endswith("/logs/events") for line in lines))
    assert {line["process"] for line in lines} >= {"api", "worker", "beat"}
    assert all({"timestamp", "level", "event", "logger", "pid"} <= line.keys() for line in lines)
    of_job = [line for line in lines if line.get("job") == job.id]
    work = [line for line in of_job if line["process"] == "worker"]
    assert {line["request_id"] for line in of_job} == {"night-1"}, "from the request through to its job's work"
    ended = [line for line in work if line["logger"] == "celery.app.trace"]
    assert {line["stage"] for line in ended} >= {"launch", "scrape", "process", "enrich", "score", "publish"}
    assert {line.get("partition") for line in ended if line["stage"] == "scrape"} == {0, 1, 2}
    access = [line for line in of_job if line["logger"] == ACCESS]
    assert {line["method"] for line in access} == {"POST", "GET"} and all(line["ms"] > 0 for line in access)
    assert set().union(*access) <= {*FIELDS, *ACCESS_FIELDS}
    assert set().union(*work) >= {*FIELDS} - {"exception", "trace_id"}

    # Who reads the job's own log knows why two of the three companies are missing.
    missing = {line["more"]["example"]: line["more"]["error"] for line in told if line["event"] == "companies missing"}
    assert missing.keys() == {"quiet-archive.example", "tideless-systems.example"}
    assert missing["quiet-archive.example"] == "robots.txt forbids /"
    assert told[-1]["event"] == "job completed" and told[-1]["more"] == {"companies": 3, "good": 1, "missing": 2}
    assert {line["event"] for line in told} == {"companies failed", "companies missing", "job completed"}
    on_stderr = {(line["event"], line["level"]) for line in work}
    assert {(line["event"], line["level"]) for line in told} <= on_stderr, "they are the same lines"


def test_a_job_in_which_nothing_fails_writes_nothing(client: Client) -> None:
    job = client.submit(SITES[:1], stages=["scrape"]).wait(90)
    assert job.coverage == 1 and list(client.logs(job.id)) == []
