"""GET /ui/companies/{id}/pages: what the crawl asked of a company's site, and what it did not, and why."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request
from fastapi.responses import Response

from api.context import Here
from api.explanation import crawl_of
from api.fields import Blank
from api.ledger_rows import LedgerFilter, ledger_page
from api.page import page
from api.pages.company import row_of
from api.pages.leads import Cursor
from api.routing import Router
from leadmill.access import Role

router = Router(include_in_schema=False)

_ROWS = 100
Outcome = Literal["answered", "failed", "refused", "left_out"]


@router.get("/ui/companies/{company_id}/pages", role=Role.VIEWER)
def company_pages(
    company_id: str,
    request: Request,
    here: Here,
    outcome: Annotated[Outcome | None, Blank, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    row = row_of(here, company_id)
    job = crawl_of(here.lake, row)
    wanted = LedgerFilter(row["domain"], job, [outcome] if outcome else ())
    entries, following = ledger_page(here.lake, wanted, _ROWS, cursor)
    return page(
        request,
        "pages/company_pages.html",
        row=row,
        job=job,
        entries=entries,
        following=following,
        outcome=outcome,
        is_first=cursor is None,
    )
