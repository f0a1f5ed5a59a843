"""GET /ui/jobs/{id}/log: a job's own log, its newest lines."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from api.context import Here
from api.page import page
from api.pages.job import head
from api.routing import Router
from leadmill.access import Role
from leadmill.answers.logs import LogLevel, LogLine
from pipelines.intake import control
from pipelines.views import job_log as log

router = Router(include_in_schema=False)

#: Lines shown: the newest ones.
_TAIL = 200


@router.get("/ui/jobs/{job_id}/log", role=Role.VIEWER)
def job_log(job_id: str, request: Request, here: Here, level: Annotated[LogLevel, Query()] = "warning") -> Response:
    record = control.known(here.store, here.lake, job_id)
    lines: list[LogLine] = []
    dropped = 0
    if not record.archived:
        found = log.page(here.store, job_id, log.Wanted(level), log.MAX_PAGE)
        lines, dropped = found["items"], found["dropped"]
    return page(
        request,
        "pages/job_log.html",
        **head(here, record),
        lines=lines[-_TAIL:],
        dropped=dropped,
        level=level,
        whole=len(lines) <= _TAIL,
    )
