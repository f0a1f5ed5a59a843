"""GET /ui/companies/{id}/stored: the pages that a company's row was made of, as the crawl stored them, and in one of
them the place that a fact was read from.

The page itself stands in a sandboxed frame: GET /ui/companies/{id}/stored/frame, shown nowhere else (decision 78).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import Field

from api.context import Here
from api.fields import Blank
from api.page import POLICY, page
from api.page_address import address
from api.pages.company import row_of
from api.routing import Router
from api.stored_pages import facts_on, framed, place_id, stored_page, stored_pages
from extraction.page_view import view
from leadmill.access import Role
from reports.provenance import how, place

router = Router(include_in_schema=False)

#: The only page that may hold a frame, of its own origin.
POLICY_WITH_FRAME = f"{POLICY}; frame-src 'self'"
#: Of a page what it is called in the lake, of a fact what its place is.
PageHash = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
PlaceId = Annotated[Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None, Blank, Query()]


@router.get("/ui/companies/{company_id}/stored", role=Role.VIEWER)
def stored(
    company_id: str,
    request: Request,
    here: Here,
    page_hash: Annotated[PageHash | None, Blank, Query(alias="page")] = None,
    fact: PlaceId = None,
) -> Response:
    row = row_of(here, company_id)
    kept = stored_pages(here.lake, row)
    shown = next((one for one in kept if page_hash in (None, one.page_hash)), None)
    frame = f"{request.scope['path']}/frame"
    return page(
        request,
        "pages/company_stored.html",
        policy=POLICY_WITH_FRAME,
        row=row,
        kept=kept,
        shown=shown,
        wanted=page_hash,
        told=[_told(one, taken, fact) for one, taken in facts_on(row, shown.page_hash)] if shown else [],
        fact=fact,
        frame=shown and address(frame, {"page": shown.page_hash, "fact": fact}),
    )


@router.get("/ui/companies/{company_id}/stored/frame", role=Role.VIEWER)
def stored_frame(
    company_id: str,
    here: Here,
    page_hash: Annotated[PageHash, Query(alias="page")],
    fact: PlaceId = None,
) -> Response:
    row = row_of(here, company_id)
    found = stored_page(here.lake, row, page_hash)
    wanted = next((one for one, _ in facts_on(row, page_hash) if place_id(one) == fact), None)
    return framed(view(found, wanted), of_fact=wanted is not None)


def _told(fact: dict[str, Any], taken: bool, chosen: str | None) -> dict[str, Any]:
    """A fact as the list beside the page has it."""
    named = place_id(fact)
    return {
        **fact,
        "how": how(fact["method"]),
        "place": place(fact),
        "id": named,
        "taken": taken,
        "chosen": named == chosen,
    }
