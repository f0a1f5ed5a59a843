"""GET /: a small page with the newest jobs. No script, nothing from elsewhere. And how pages are made."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from api.context import Here
from api.gate import SESSION
from api.routing import Router
from leadmill.access import Caller, Role
from pipelines.queues import Queue
from pipelines.views import waiting
from pipelines.views.listing import JobFilter, list_jobs
from pipelines.views.view import API, job_json

router = Router(include_in_schema=False)

_JOBS = 25


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(template: str, status: int = 200, *, may: str = "", **values: Any) -> HTMLResponse:
    """A page that the API shows a person. It may style itself and send its forms here, and what `may` says beside.

    `{nonce}` in `may` is that of the page.
    """
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; {may.format(nonce=nonce)}style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    # By `no-referrer` browsers would name no origin with a form.
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
    return HTMLResponse(_templates().get_template(template).render(nonce=nonce, **values), status, headers)


async def _signed_in(request: Request) -> Caller | None:
    return request.scope["leadmill.caller"] if SESSION in request.scope else None


#: Who is signed in at the browser that asks; None: nobody, whoever asks has come by a key or needs none.
SignedIn = Annotated[Caller | None, Depends(_signed_in)]


@router.get("/", role=Role.VIEWER)
def landing(here: Here, signed_in: SignedIn) -> Response:
    found = list_jobs(here.store, here.lake, JobFilter(), _JOBS)
    reasons = waiting.reasons(here.store, found.records)
    heard = {queue for worker in here.store.workers().values() for queue in worker.queues}
    return page(
        "landing.html",
        jobs=[job_json(record, reasons.get(record.job_id)) for record in found.records],
        more=found.next_cursor is not None,
        silent=[queue.value for queue in Queue if queue.value not in heard],
        api=API,
        signed_in=signed_in,
    )
