"""docs/api.md names every call of the OpenAPI document and no other, and its examples work as they stand."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from data.lake import Lake
from data.notices.entries import Outcome
from data.notices.outbox import Outbox
from leadmill.declared import KINDS
from leadmill.ids import company_id
from leadmill.notices import Notice
from tests.api.conftest import V1, Worker, post

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
_HEADING = re.compile(r"^### (GET|POST|PUT|DELETE) (\S+) → (\d{3})$", re.MULTILINE)
CSV = b"website\nnordwind-solar.example\n"


@dataclass
class Call:
    """One heading and the commands below it."""

    method: str
    path: str
    status: int
    commands: list[str] = field(default_factory=list)


def calls() -> list[Call]:
    pieces = _HEADING.split(TEXT)[1:]
    found = []
    for method, path, status, text in zip(*(pieces[n::4] for n in range(4)), strict=True):
        blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text.partition("\n## ")[0], re.DOTALL))
        commands = ["curl " + command for command in re.split(r"^curl ", blocks, flags=re.MULTILINE)[1:]]
        found.append(Call(method, path, int(status), commands))
    return found


def test_every_call_is_documented_and_no_other(client: TestClient) -> None:
    document = client.get(f"{V1}/openapi.json").json()
    there = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    there = {(method, path) for method, path in there if method != "HEAD"}
    named = {(call.method, call.path) for call in calls()}
    assert named <= there and len(calls()) == len(named), "each once"
    declared = {("POST", f"{V1}/jobs/{kind.route}") for kind in KINDS.values()}
    assert there - named <= declared, "the call of a kind that is added stands in the reference; an example is welcome"


def request(client: TestClient, command: str, names: dict[str, str]) -> Any:
    """What curl would send."""
    for name, value in names.items():
        command = command.replace(name, value)
    words = iter(shlex.split(command)[1:])
    method, url, sent = "GET", "", {"headers": {}}  # type: ignore[var-annotated]
    for word in words:
        if word in ("-s", "-sN"):
            continue
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            sent["headers"][name] = value
        elif word in ("-d", "--data-binary"):
            method, data = "POST" if method == "GET" else method, next(words)
            sent["content"] = CSV if data.startswith("@") else data
        elif word == "-F":
            method = "POST"
            name, _, value = next(words).partition("=")
            if value.startswith("@"):
                sent["files"] = {name: (value[1:], CSV, "text/csv")}
            else:
                sent.setdefault("data", {})[name] = value
        elif word == "-o":
            next(words)
        else:
            assert not url, f"what is {word}?"
            url = word
    return client.request(method, url, **sent)


@pytest.fixture
def names(client: TestClient, worker: Worker) -> dict[str, str]:
    job = post(client)["job_id"]
    worker.rows(job, "score", ["acme.example"], score=70.0)
    worker.listen("scraping", "processing", "analytics", "maintenance")
    client.put(f"{V1}/projects/spring-fair", json={"live_jobs": 1})
    outbox, told = Outbox(worker.store), Notice.new("workers.gone")
    outbox.put(told, "default:crm")
    taken = outbox.take("test")
    assert taken is not None
    outbox.settle(taken, "test", Outcome("sent"))
    delivery = quote(f"{told.id}|default:crm", safe="")
    return {"${API%/api/v1}": "", "$API": V1, "$COMPANY": company_id("acme.example"), "$DELIVERY": delivery}


def job_for(call: Call, client: TestClient, worker: Worker, store: JobStore, lake: Lake) -> str:
    """A job in a state from which the call is legal."""
    job = str(post(client)["job_id"])
    last = call.path.rpartition("/")[2]
    if last in ("resume", "replay", "events"):
        store.cancel(job)
    elif last in ("rerun", "report"):
        worker.finish(job)
        folder = lake.job_dir(job) / "reports"
        folder.mkdir(parents=True)
        (folder / "report.csv").write_text("x\n")
        worker.rows(job, "score", ["acme.example"], score=50.0)  # of which any other form is made
    return job


def test_every_example_answers_as_it_says(
    client: TestClient, worker: Worker, store: JobStore, lake: Lake, names: dict[str, str]
) -> None:
    for call in calls():
        assert call.commands, f"{call.method} {call.path} has no example"
        for command in call.commands:
            job = job_for(call, client, worker, store, lake)
            answer = request(client, command, {**names, "$JOB": job})
            assert answer.status_code == call.status, f"{command}\n{answer.text}"
            route = re.sub(r"\{\w+\}", "[^/]+", call.path)
            assert re.fullmatch(route, answer.request.url.path), command
            assert answer.request.method == call.method
            if "/keys" in call.path and answer.content and "key" in (made := answer.json()):
                names["$KEY"] = made["id"]
                if made["role"] == "admin":  # from here on nothing goes without one
                    names["$LEADMILL_API_KEY"] = client.headers["X-API-Key"] = made["key"]
