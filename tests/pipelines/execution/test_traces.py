"""The trace of a job, as a receiver of OpenTelemetry gets it from a running stack."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import SampleServer
from leadmill import Client
from leadmill.tracing.spans import SAMPLES
from tests.stand_ins.otlp import Received, Receiver

SITES = ["nordwind-solar.example", "donaukraft.example", "polderdata.example"]
#: A caller's own trace.
CALLER = "00-11111111111111111111111111111111-2222222222222222-01"
TOKEN = "pl4nted-token-of-the-receiver"


class Traced(NamedTuple):
    client: Client
    receiver: Receiver
    #: Where the processes are held (`leadmill.pause`).
    holds: Path
    stack: LocalStack


@pytest.fixture(scope="module")
def traced(sites: SampleServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """A process is replaced after each task: what its end does not send is not sent."""
    folder = tmp_path_factory.mktemp("traced")
    (folder / "holds").mkdir()
    with Receiver() as receiver:
        env = {
            "LEADMILL_HTTP_PROXY": sites.url, "LEADMILL_PAUSE_DIR": str(folder / "holds"), "LEADMILL_TRACES": "on",
            "LEADMILL_LOG_FORMAT": "json", "LEADMILL_MAX_TASKS_PER_CHILD": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            "OTEL_SERVICE_NAME": "leads",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{TOKEN}",
        }  # fmt: skip
        with (
            LocalStack(folder / "data", workers=2, api_port=0, env=env) as stack,
            Client(stack.api_url) as client,
        ):
            yield Traced(client, receiver, folder / "holds", stack)


def runs(found: list[Received]) -> Counter[str]:
    """Runs of stages, by stage. What lies within one was sent before it."""
    return Counter(span.attributes["leadmill.stage"] for span in found if "leadmill.stage" in span.attributes)


def test_a_job_is_one_trace_from_its_request_to_publish(traced: Traced) -> None:
    job = traced.client.submit(SITES, report={"formats": ["html", "csv"]})
    assert job.wait(timeout=60).coverage == 1
    all_runs = {"launch": 1, "scrape": 3, "process": 3, "enrich": 3, "score": 1, "report": 2, "publish": 1}
    found = traced.receiver.until(
        job.id, lambda found: runs(found) == all_runs and any(span.name.startswith("POST") for span in found)
    )

    by_id = {span.id: span for span in found}
    assert len(by_id) == len(found) and len({span.trace for span in found}) == 1
    (request,) = [span for span in found if span.parent not in by_id]
    assert (request.name, request.parent) == ("POST /api/v1/pipelines", "")
    (submit,) = [span for span in found if span.name == "submit"]
    assert submit.parent == request.id
    assert Counter(span.name for span in found if span.parent == submit.id) == {**all_runs, "move submit": 1}
    within = {(by_id[span.parent].name, span.name) for span in found if span.parent in by_id}
    assert within >= {
        ("submit", "move submit"), ("scrape", "fetch"), ("scrape", "write parquet"), ("scrape", "expose files"),
        ("scrape", "move commit"), ("process", "write parquet"), ("score", "query leads"), ("publish", "move commit"),
    }  # fmt: skip

    scrape = next(span for span in found if span.name == "scrape")
    assert scrape.attributes.items() >= {
        ("leadmill.job", job.id), ("leadmill.kind", "pipeline"), ("leadmill.project", "default"),
        ("leadmill.stage", "scrape"), ("leadmill.epoch", 1), ("leadmill.attempt", 1), ("leadmill.tries", 0),
    }  # fmt: skip
    assert not scrape.links and not scrape.error
    fetches = [span for span in found if span.name == "fetch" and span.parent == scrape.id]
    assert len(fetches) == min(SAMPLES, scrape.attributes["leadmill.fetch_count"]) > 3
    assert {"server.address"} <= set().union(*(span.attributes for span in fetches)) <= {
        "server.address", "http.response.status_code", "http.response.body.size", "error.type",
    }  # fmt: skip
    assert scrape.resource["service.name"] == "leads"
    assert traced.receiver.headers["authorization"] == f"Bearer {TOKEN}"

    lines = [line for line in logged(traced.stack) if line.get("job") == job.id]
    assert {line["process"] for line in lines} == {"api", "worker"}
    assert {line.get("trace_id") for line in lines if line.get("method", "POST") == "POST"} == {scrape.trace}


def logged(stack: LocalStack) -> list[dict[str, Any]]:
    """The lines that the stack has logged."""
    files = [file for file in (stack.data_dir / "run").glob("*.log") if file.name != "redis.log"]
    return [json.loads(line) for file in files for line in file.read_text().splitlines() if line.startswith("{")]


def test_a_killed_run_is_followed_in_the_same_trace(traced: Traced) -> None:
    """Killed with all it had to send; the next run names it by a link, for its id follows from what it was."""
    hold = traced.holds / "written"
    job = traced.client.submit(SITES[:1], stages=["scrape"])
    hold.touch()
    until = time.monotonic() + 20
    while not (held := list(traced.holds.glob("written.at.*"))):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(int(held[0].suffix[1:]), signal.SIGKILL)
    hold.unlink()
    assert job.wait(timeout=60).coverage == 1
    found = traced.receiver.until(job.id, lambda found: runs(found) == {"launch": 1, "scrape": 1, "publish": 1})
    again = next(span for span in found if span.attributes.get("leadmill.epoch") == 2)
    assert len({span.trace for span in found}) == 1
    (killed,) = again.links
    assert killed not in {span.id for span in found}


def test_a_caller_s_trace_is_joined_and_reads_are_traced_only_then(traced: Traced) -> None:
    url, before = f"{traced.stack.api_url}/api/v1/jobs/statistics", len(traced.receiver.spans)
    httpx2.get(url)
    answer = httpx2.get(url, headers={"traceparent": CALLER})
    refused = httpx2.get(url, headers={"traceparent": CALLER, "Host": "evil.example"})
    assert (answer.status_code, refused.status_code) == (200, 421)
    until = time.monotonic() + 10
    while not (reads := [span for span in traced.receiver.spans[before:] if span.name.startswith("GET")]):
        assert time.monotonic() < until
        time.sleep(0.02)
    (span,) = reads
    assert (span.name, span.trace, span.parent) == ("GET /api/v1/jobs/statistics", CALLER[3:35], CALLER[36:52])


@pytest.mark.parametrize("answer, delay_s", [(503, 0.0), (200, 30.0)], ids=["refuses", "hangs"])
def test_a_job_is_not_held_up_by_its_receiver(traced: Traced, answer: int, delay_s: float) -> None:
    traced.receiver.answer, traced.receiver.delay_s = answer, delay_s
    try:
        asked = traced.receiver.requests
        assert traced.client.submit(SITES[:1], stages=["scrape"]).wait(timeout=20).coverage == 1
        while traced.receiver.requests == asked:
            time.sleep(0.02)
    finally:
        traced.receiver.answer, traced.receiver.delay_s = 200, 0.0
    lines = logged(traced.stack)
    told = Counter(line["pid"] for line in lines if line["event"].startswith("traces are not taken"))
    assert set(told.values()) <= {1, 2}, "once a process and outage"
    assert not any(TOKEN in str(line) or "exception" in line for line in lines)
