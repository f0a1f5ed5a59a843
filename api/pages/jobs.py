"""GET /ui/jobs: jobs, newest first, by their filter; all of its state is in its address."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field

from api.context import Here
from api.fields import Blank, KindName, Tag, Time
from api.jobs import told_page, told_statistics
from api.page import page
from api.page_address import address, told
from api.pages import Place
from api.routing import Router
from api.sample_run import offered
from data.jobs import Status
from leadmill.access import Role
from pipelines.views.listing import MAX_PAGE, JobFilter

router = Router(include_in_schema=False)
PLACE = Place(20, "/ui/jobs", "Jobs")


async def _wanted(
    status: Annotated[Status | None, Blank, Query()] = None,
    kind: Annotated[KindName | None, Blank, Query()] = None,
    tag: Annotated[Tag | None, Blank, Query()] = None,
    since: Annotated[Time | None, Blank, Query()] = None,
    text: Annotated[str, Query(max_length=200)] = "",
) -> JobFilter:
    return JobFilter(status, kind, tag, since, text)


#: Which jobs an address asks for.
Wanted = Annotated[JobFilter, Depends(_wanted)]
#: As long as the API takes them, of jobs and of companies.
Cursor = Annotated[Annotated[str, Field(max_length=400)] | None, Blank, Query()]


@router.get("/ui/jobs", role=Role.VIEWER)
def jobs(
    request: Request,
    here: Here,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Cursor = None,
) -> Response:
    totals = told_statistics(here)["totals"]
    found = told_page(here, wanted, limit, cursor)
    asked, kind = asked_by(wanted), wanted.kind

    def of_this(**changed: Any) -> str:
        """This list with another filter, from its beginning unless a cursor is among the changes."""
        return address("/ui/jobs", {**asked, **({} if limit == 50 else {"limit": limit}), **changed})

    return page(
        request,
        "pages/jobs.html",
        found=found,
        samples=None if found["items"] else offered(here),
        asked=asked,
        totals=totals,
        kinds={name: number for name, number in totals["by_kind"].items() if number != 0 or name == kind},
        limit=limit,
        is_first=cursor is None,
        address=of_this,
        address_of_all=lambda action: address("/ui/jobs/act", {**asked, "action": action, "all": 1}),
    )


def asked_by(wanted: JobFilter) -> dict[str, str]:
    """A filter as the parameters of an address."""
    return told(wanted, ("status", "kind", "tag", "since", "text"))
