"""GET /audit: who did what. An admin of the default project sees all of it, one of another project its own part."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, cast

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from api.context import Context, Here
from api.fields import Time
from api.routing import Router
from data.audit import AuditFiles, AuditFilter, AuditStream, page
from leadmill import answers
from leadmill.access import Role
from leadmill.errors import InputError
from leadmill.ids import AUDIT_ID
from pipelines.views import cursors

router = Router("/audit", "audit")

#: Most entries of one page.
MAX_PAGE = 1_000
Text = Annotated[str | None, Query(min_length=1, max_length=120)]


@router.get(
    "",
    role=Role.ADMIN,
    response_model=answers.AuditPage,
    summary="Who did what, newest first: every write and every refusal",
)
def audit(
    here: Here,
    since: Annotated[Time | None, Query(description="At or after, like 2027-01-31T08:00:00Z")] = None,
    until: Annotated[Time | None, Query(description="Before")] = None,
    key: Annotated[str | None, Query(description="The visible part of a key", max_length=120)] = None,
    project: Annotated[str | None, Query(description="Another than one's own has no entries", max_length=120)] = None,
    action: Text = None,
    id: Annotated[str | None, Query(description="Of a job, schedule, key …", max_length=120)] = None,
    status: Annotated[int | None, Query(ge=100, le=599, description="HTTP status of the answer")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    wanted = AuditFilter(since=since, until=until, key=key, project=project, action=action, id=id, status=status)
    return JSONResponse(told_page(here, wanted, limit, cursor))


def told_page(here: Context, wanted: AuditFilter, limit: int, cursor: str | None = None) -> answers.AuditPage:
    """A page of entries as they are shown, of those that the caller may see.

    Raises:
        InputError: not a cursor of ours.
        UnavailableError: Redis does not answer.
    """
    who = here.caller
    if not who.administers_all:
        if wanted.project not in (None, who.project):
            return {"items": [], "next_cursor": None}
        wanted = replace(wanted, project=who.project)
    files = AuditFiles(here.lake.data, here.lake.tell)
    rows, before = page(AuditStream(here.store), files, wanted, limit, _place(cursor))
    following = None if before is None else cursors.encode_key(before)
    return {"items": [_shown(one) for one in rows], "next_cursor": following}


def _place(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    before = str(cursors.decode_key(cursor, str)[0])
    if not AUDIT_ID.match(before):
        raise InputError(cursors.REFUSED, field="cursor")
    return before


def _shown(row: dict[str, Any]) -> answers.AuditEntry:
    shown = {name: row[name] for name in answers.AuditEntry.__annotations__}
    at = row["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return cast("answers.AuditEntry", {**shown, "at": at})
