"""GET /ui/audit: who did what, newest first, by its filter; all of its state is in its address."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import Field

from api import audit as calls
from api.context import Here
from api.fields import Blank, Time
from api.page import page
from api.page_address import address, told
from api.pages import Place
from api.pages.jobs import Cursor
from api.routing import Router
from data.audit import AuditFilter
from leadmill.access import Role

router = Router(include_in_schema=False)
PLACE = Place(100, "/ui/audit", "Audit", role=Role.ADMIN, further=True)

_PAGE = 100
Text = Annotated[Annotated[str, Field(max_length=120)] | None, Blank, Query()]
Moment = Annotated[Time | None, Blank, Query()]


@router.get("/ui/audit", role=Role.ADMIN)
def audit(
    request: Request,
    here: Here,
    since: Moment = None,
    until: Moment = None,
    key: Text = None,
    project: Text = None,
    action: Text = None,
    id: Text = None,
    status: Annotated[Annotated[int, Field(ge=100, le=599)] | None, Blank, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    wanted = AuditFilter(since=since, until=until, key=key, project=project, action=action, id=id, status=status)
    found = calls.told_page(here, wanted, _PAGE, cursor)
    asked = told(wanted, ("action", "key", "project", "id", "status", "since", "until"))

    def of_this(**changed: Any) -> str:
        """This list with another filter, from its beginning unless a cursor is among the changes."""
        return address("/ui/audit", {**asked, **changed})

    return page(request, "pages/audit.html", found=found, asked=asked, is_first=cursor is None, address=of_this)
