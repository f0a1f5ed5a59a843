"""GET /ui/companies/{id}: who a company is, how to reach it, what it runs on, each value with where it comes from; why
it scores so; what earlier jobs found. POST /ui/companies/{id}/refresh reads its site anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from api.company_rows import id_of
from api.company_scan import STAGES
from api.company_values import SECTIONS, values_of
from api.context import Context, Here
from api.empty_fields import why_empty
from api.explanation import evidence
from api.next_tier import next_tier
from api.page import page
from api.routing import Router
from api.submitting import accept_form
from leadmill.access import Role
from leadmill.errors import NotFoundError
from pipelines.intake.submission import Submission

router = Router(include_in_schema=False)

#: Those that are told although they are empty: what people look for first.
_ALWAYS = frozenset({"emails", "phones", "address", "industry", "employees_min", "country", "technologies"})


@router.get("/ui/companies/{company_id}", role=Role.VIEWER)
def company(company_id: str, request: Request, here: Here) -> Response:
    row = row_of(here, company_id)
    fields = [name for section in SECTIONS.values() for name in section]
    why = why_empty(here.lake, [row], fields) if "stage_rank" in row else {}
    return page(
        request,
        "pages/company.html",
        row=row,
        sections=SECTIONS,
        values={name: values_of(row, name) for name in fields},
        facts={name: evidence(row, name) for name in fields},
        empty={name: state for (_, name), state in why.items() if name in _ALWAYS},
        axes=_axes(row),
        lacking=next_tier(here, row),
        history=here.companies.found_by(row["company_id"]),
        once=secrets.token_urlsafe(12),
        stage=None if row.get("error") else tuple(STAGES)[row["stage_rank"]],
    )


@router.post("/ui/companies/{company_id}/refresh", role=Role.OPERATOR)
def refresh(company_id: str, here: Here, once: Annotated[str, Query(min_length=8, max_length=60)]) -> Response:
    domain = row_of(here, company_id)["domain"]
    return accept_form(here, Submission("pipeline", company_urls=[domain], tags=(f"refresh {domain}"[:60],)), once)


def row_of(here: Context, named: str) -> dict[str, Any]:
    """The newest row of a company that is named by its id, domain or address; of one that was never read, why.

    Raises:
        NotFoundError: no job has tried it.
    """
    known = id_of(named)
    row = None if known is None else here.companies.newest_row(known) or here.companies.failed_row(known)
    if row is None:
        raise NotFoundError(f"no company {named[:60]!r}")
    return row


def _axes(row: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """What each rule added to the score or took from it, by what it speaks of, most first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in sorted(row.get("contributions") or (), key=lambda part: -abs(part["points"] or 0)):
        found.setdefault(part["axis"] or "", []).append(part)
    return found
