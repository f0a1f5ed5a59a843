"""GET /ledger: what was asked of a site, when, under which rule and with which answer, and what was not, and why."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from api.context import Here
from api.fields import Time
from api.ledger_rows import MAX_PAGE, LedgerFilter, ledger_page
from api.routing import Router
from leadmill.access import Role
from leadmill.answers import LedgerPage
from leadmill.errors import InputError
from leadmill.ids import JOB_ID, parse_company_url

router = Router("/ledger", "companies")

Outcome = Literal["answered", "failed", "refused", "left_out"]


@router.get("", role=Role.VIEWER, response_model=LedgerPage, summary="What was asked of a site, and what was not")
def list_ledger(
    here: Here,
    domain: Annotated[
        str | None, Query(max_length=2_000, description="Of this site: its domain, a host of it or an address")
    ] = None,
    job: Annotated[str | None, Query(max_length=60, description="What this job asked")] = None,
    outcome: Annotated[list[Outcome], Query(description="One of several has to match")] = [],  # noqa: B006
    since: Annotated[Time | None, Query(description="At or after, like 2027-01-31T08:00:00Z")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Every request of every crawl, robots.txt, sitemaps, redirects and repeats among them, the latest first; and
    addresses that were not asked: `refused` (robots.txt, the block list, our own network), or `left_out` (met, and not
    worth a request). Kept longer than the jobs (`LEADMILL_LEDGER_RETENTION_DAYS`).
    """
    if domain is None and job is None:
        raise InputError("say of whom: a domain, or a job", field="domain")
    if job is not None and not JOB_ID.match(job):
        raise InputError("not the id of a job", field="job")
    host = None if domain is None else _host(domain)
    wanted = LedgerFilter(host, job, outcome, None if since is None else since.isoformat())
    items, following = ledger_page(here.lake, wanted, limit, cursor)
    return JSONResponse({"items": items, "next_cursor": following})


def _host(text: str) -> str:
    """As entries name it: as a company's address is read, `bücher.example` in its encoded form."""
    try:
        return parse_company_url(text).url.split("/", 3)[2].removeprefix("www.")
    except InputError as error:
        raise InputError(f"no domain, host or address: {error}", field="domain") from None
