"""GET /ui/jobs/{id}/companies: the companies that a job has a row of so far, best first."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from api.company_rows import CompanyFilter, company_page
from api.context import Here
from api.page import page
from api.pages.job import head
from api.pages.leads import Cursor
from api.routing import Router
from leadmill.access import Role
from pipelines.intake import control

router = Router(include_in_schema=False)

_ROWS = 50


@router.get("/ui/jobs/{job_id}/companies", role=Role.VIEWER)
def job_companies(job_id: str, request: Request, here: Here, cursor: Cursor = None) -> Response:
    record = control.known(here.store, here.lake, job_id)
    rows, following = company_page(here.companies, CompanyFilter(jobs=[job_id]), _ROWS, cursor)
    return page(
        request,
        "pages/job_companies.html",
        **head(here, record),
        rows=rows,
        following=following,
        is_first=cursor is None,
    )
