"""GET /ui/companies/{id}/history: the runs that found a company, and what each changed of what was found before."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from api.company_changes import runs
from api.context import Here
from api.page import page
from api.pages.company import row_of
from api.routing import Router
from leadmill.access import Role

router = Router(include_in_schema=False)


@router.get("/ui/companies/{company_id}/history", role=Role.VIEWER)
def history(company_id: str, request: Request, here: Here) -> Response:
    row = row_of(here, company_id)
    found, earlier = runs(here, row["company_id"])
    return page(request, "pages/company_history.html", row=row, runs=found, earlier=earlier)
