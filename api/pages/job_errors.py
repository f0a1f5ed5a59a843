"""GET /ui/jobs/{id}/errors: why companies of a job are missing, and each that failed."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from api.context import Here
from api.error_rows import error_page
from api.fields import Blank
from api.page import page
from api.pages.job import head
from api.pages.jobs import Cursor
from api.routing import Router
from leadmill.access import Role
from leadmill.errors import ErrorCode
from pipelines.committed import told_files
from pipelines.intake import control
from pipelines.views import causes

router = Router(include_in_schema=False)

_ROWS = 100


@router.get("/ui/jobs/{job_id}/errors", role=Role.VIEWER)
def job_errors(
    job_id: str,
    request: Request,
    here: Here,
    code: Annotated[ErrorCode | None, Blank, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    record = control.known(here.store, here.lake, job_id)
    given_up = partial(causes.given_up, here.store, here.lake, job_id)
    rows, following = error_page(here.lake, told_files(here.store, here.lake, job_id), _ROWS, cursor, given_up, code)
    return page(
        request,
        "pages/job_errors.html",
        **head(here, record),
        rows=rows,
        following=following,
        code=code,
        is_first=cursor is None,
    )
