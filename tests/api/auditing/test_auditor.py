"""Answers wait for their entries: what goes out when those stand, and when they cannot."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from api.auditing import Auditor, audited
from data.audit import AuditFiles
from data.jobs import JobStore
from data.lake import Lake
from leadmill.access import Caller, Role
from tests.valkey import free_port

ADA = Caller("ada", Role.OPERATOR, "default", "aaaa1111", "10.0.0.1")


def application() -> FastAPI:
    app = FastAPI()

    @app.delete("/things/{name}")
    def remove(name: str, request: Request) -> Response:
        audited(request, count=3)
        return Response(status_code=204)

    @app.post("/things")
    def refuse() -> Response:
        return JSONResponse({"detail": 'no "code":"x" here', "code": "conflict"}, 409)

    return app


async def ask(root: Path, *requests: tuple[str, str, Caller | None], asks: bool = True) -> list[list[dict[str, Any]]]:
    """What goes out of an API whose Redis is away, message by message."""
    app = application()
    auditor = Auditor(app, lambda: asks)
    store = JobStore.connect(f"redis://127.0.0.1:{free_port()}/0", "test:", 0.5)
    auditor.start(store, Lake(root))
    answers = []
    for method, path, caller in requests:
        scope: dict[str, Any] = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"token=hunter2",
            "headers": [], "client": ("10.0.0.9", 1),
            "leadmill.caller": caller, "leadmill.request_id": f"r{len(answers)}",
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def send(message: Any, sent: list[dict[str, Any]] = sent) -> None:
            sent.append(dict(message))

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        await app(scope, receive, auditor.watching(scope, receive, send, refused=False))
        answers.append(sent)
    await asyncio.to_thread(auditor.close)
    return answers


def entries(root: Path) -> list[dict[str, Any]]:
    kept = ("key", "name", "address", "method", "route", "action", "id", "status", "code", "request_id", "count")
    return [{name: one[name] for name in kept if one[name] is not None} for one in AuditFiles(root).waiting()]


@pytest.mark.stack
def test_a_write_is_answered_once_its_entry_stands(tmp_path: Path) -> None:
    [sent] = asyncio.run(ask(tmp_path, ("DELETE", "/things/one", ADA)))
    assert [message.get("status") for message in sent] == [204, None]
    assert entries(tmp_path) == [{
        "key": "aaaa1111", "name": "ada", "address": "10.0.0.1", "method": "DELETE", "route": "/things/{name}",
        "action": "remove", "id": "one", "status": 204, "request_id": "r0", "count": 3,
    }]  # fmt: skip


@pytest.mark.stack
def test_a_write_whose_entry_is_nowhere_is_not_said_to_be_done(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("no folder")
    [sent] = asyncio.run(ask(tmp_path, ("DELETE", "/things/one", ADA)))
    assert [message.get("status") for message in sent] == [503, None]
    assert json.loads(sent[1]["body"])["code"] == "audit_not_kept"


@pytest.mark.stack
def test_nothing_waits_for_a_refusal_and_its_answer_is_as_it_was(tmp_path: Path) -> None:
    refused, stranger = asyncio.run(ask(tmp_path, ("POST", "/things", ADA), ("POST", "/things", None)))
    for sent in (refused, stranger):
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (409, "conflict")
    assert entries(tmp_path) == []


@pytest.mark.stack
def test_where_no_key_is_asked_for_an_answer_passes_untouched(tmp_path: Path) -> None:
    local = Caller.local("10.0.0.1")
    [sent] = asyncio.run(ask(tmp_path, ("DELETE", "/things/one", local), asks=False))
    assert sent[0]["status"] == 204 and not (tmp_path / "audit").exists()
