"""GET /: a small page with the newest jobs. No script, nothing from elsewhere."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from api.context import Here
from api.routing import Router
from leadmill.access import Role
from pipelines.queues import Queue
from pipelines.views import waiting
from pipelines.views.listing import JobFilter, list_jobs
from pipelines.views.view import API, job_json

router = Router(include_in_schema=False)

_JOBS = 25


@cache
def templates() -> Environment:
    """The templates of the pages that the API shows a person."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )


@router.get("/", role=Role.VIEWER)
def landing(here: Here) -> Response:
    page = list_jobs(here.store, here.lake, JobFilter(), _JOBS)
    reasons = waiting.reasons(here.store, page.records)
    jobs = [job_json(record, reasons.get(record.job_id)) for record in page.records]
    heard = {queue for worker in here.store.workers().values() for queue in worker.queues}
    nonce = secrets.token_urlsafe(16)
    html = (
        templates()
        .get_template("landing.html")
        .render(
            jobs=jobs,
            more=page.next_cursor is not None,
            silent=[queue.value for queue in Queue if queue.value not in heard],
            api=API,
            nonce=nonce,
        )
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})
