"""GET /ui/companies/{id}/why: where a field's value comes from, and why it is that one, or why there is none."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import Field

from api.company_values import WORDS
from api.context import Here
from api.explanation import explain
from api.fields import Blank
from api.page import page
from api.routing import Router
from leadmill.access import Role
from leadmill.errors import InputError
from leadmill.ids import JOB_ID

router = Router(include_in_schema=False)


@router.get("/ui/companies/{company_id}/why", role=Role.VIEWER)
def why(
    company_id: str,
    request: Request,
    here: Here,
    field: Annotated[str, Query(max_length=100)],
    job: Annotated[Annotated[str, Field(max_length=60)] | None, Blank, Query()] = None,
) -> Response:
    if job is not None and not JOB_ID.match(job):
        raise InputError("not the id of a job", field="job")
    return page(
        request,
        "pages/company_why.html",
        told=explain(here.companies, company_id, field, job),
        job=job,
        word=WORDS.get(field) or field.replace("_", " ").capitalize(),
    )
