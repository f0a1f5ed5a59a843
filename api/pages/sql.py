"""GET /ui/sql: one SELECT over the project's lake, and its rows; for admins. The query is in the address.

A link from another site, or from the list of leads (`edit`), shows the query and runs it when told to.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field

from api.auditing import audited
from api.context import Here
from api.page import page
from api.pages import Place
from api.routing import Router
from api.sql import asked, rows_of
from api.sql_console.running import AT_ONCE, MAX_QUERY, MEMORY, SECONDS, QueryError
from api.sql_console.views import VIEWS
from leadmill.access import Role
from leadmill.errors import UnavailableError

router = Router(include_in_schema=False)
PLACE = Place(95, "/ui/sql", "SQL", role=Role.ADMIN, further=True)

#: Rows that the page shows, and bytes of them.
_ROWS, _BYTES = 200, 80_000
#: Characters of a value that are seen before it is opened.
_SEEN = 120
EXAMPLES = {
    "Countries": "SELECT country, count(*) AS companies, round(avg(score), 1) AS mean_score\n"
    "FROM companies GROUP BY country ORDER BY companies DESC",
    "Who runs what": "SELECT technology, count(*) AS companies\n"
    "FROM (SELECT unnest(technologies) AS technology FROM companies) GROUP BY technology ORDER BY companies DESC",
    "Why points were given": "SELECT domain, score, part.reason, part.points\n"
    "FROM (SELECT domain, score, unnest(contributions) AS part FROM companies)\nORDER BY score DESC, part.points DESC",
    "What fails, by stage": "SELECT stage, category, error, count(DISTINCT company_id) AS companies\n"
    "FROM errors GROUP BY ALL ORDER BY companies DESC",
    "Pages of each company": "SELECT domain, count(*) AS pages, sum(bytes) AS bytes\n"
    "FROM ledger WHERE outcome = 'answered' GROUP BY domain ORDER BY pages DESC",
}


@router.get("/ui/sql", role=Role.ADMIN)
async def sql(
    request: Request,
    here: Here,
    query: Annotated[str, Field(max_length=MAX_QUERY), Query()] = "",
    edit: Annotated[bool, Query()] = False,
) -> Response:
    found: dict[str, Any] = {}
    status = 200
    if not query.strip() or edit or _is_foreign(request):
        audited(request, action="open_sql")
    else:
        try:
            answer = await asked(here, request, query, rows=_ROWS, bytes=_BYTES)
            found = {"answer": answer, "rows": await run_in_threadpool(rows_of, answer)}
        except (QueryError, UnavailableError) as error:
            found, status = {"fault": str(error)}, error.status
    return await run_in_threadpool(
        page,
        request,
        "pages/sql.html",
        status,
        query=query,
        views=[(view, list(view.columns)) for view in VIEWS],
        examples=EXAMPLES,
        seen=_SEEN,
        limits={
            "rows": _ROWS,
            "bytes": _BYTES,
            "seconds": SECONDS,
            "memory": MEMORY.replace("MB", " MB"),
            "at_once": AT_ONCE,
            "characters": MAX_QUERY,
        },
        **found,
    )


def _is_foreign(request: Request) -> bool:
    """Whether somebody else's link led here, also by way of signing in."""
    came_from = urlsplit(request.headers.get("referer", "")).path
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site") or came_from.startswith("/sign-in")
