"""What went wrong, as a page: for a person who opens one, a problem's JSON is put into words and where to go on."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.field_words import field_words, plainly
from api.gate import navigates
from api.page import page
from api.page_address import address

#: Where a program asks, whoever opens it: the answers stay as they are documented.
_FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics", "/static/")
#: Of the answer that a page takes the place of.
_OF_JSON = frozenset({b"content-type", b"content-length", b"content-security-policy", b"referrer-policy"})


class Fault(NamedTuple):
    """What is wrong with a part of the address that was opened."""

    field: str
    #: As the page calls it.
    words: str
    message: str


class ProblemPages:
    """The middleware; it stands outside of the gate, so that what the gate refuses is told in the same way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_FOR_PROGRAMS) or not navigates(scope):
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = b""

        async def put_into_words(message: Message) -> None:
            nonlocal held, body
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
                return
            if held is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                await send_all(_page_of(scope, held, json.loads(body)))

        async def send_all(messages: tuple[Message, Message]) -> None:
            for message in messages:
                await send(message)

        await self._app(scope, receive, put_into_words)


def _is_problem(start: Message) -> bool:
    return (b"content-type", problems.MEDIA_TYPE.encode()) in start["headers"]


def _page_of(scope: Scope, start: Message, problem: dict[str, Any]) -> tuple[Message, Message]:
    request = Request(scope)
    faults = _faults(request, problem) if scope["method"] == "GET" else []
    wrong = {one.field for one in faults}
    kept = [pair for pair in request.query_params.multi_items() if pair[0] not in wrong]
    without = address(scope["path"], kept) if wrong else None
    shown = page(request, "problem.html", start["status"], problem=problem, faults=faults, without=without)
    headers = [*((name, value) for name, value in start["headers"] if name not in _OF_JSON), *shown.raw_headers]
    return {**start, "headers": headers}, {"type": "http.response.body", "body": bytes(shown.body)}


def _faults(request: Request, problem: dict[str, Any]) -> list[Fault]:
    """Parameters of the address that are wrong; not parts of its path, without which there would be no page."""
    return [
        Fault(field, field_words(field), plainly(one["message"]))
        for one in problem.get("errors") or []
        if (field := one["field"].partition("[")[0]) in request.query_params
    ]
