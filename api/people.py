"""GET /people: persons of companies, of jobs that asked for them (`extract.people`)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from api.company_rows import id_of
from api.context import Here
from api.person_rows import MAX_PAGE, PersonFilter, person_page
from api.routing import Router
from extraction.job_titles import class_names
from leadmill.access import Role
from leadmill.answers import PersonPage
from leadmill.errors import InputError
from leadmill.ids import JOB_ID
from leadmill.suggest import unknown

router = Router("/people", "companies")


@router.get("", role=Role.VIEWER, response_model=PersonPage, summary="Persons of a job's companies, or of a company")
def list_people(
    here: Here,
    job: Annotated[str | None, Query(max_length=60, description="What this job found")] = None,
    company: Annotated[
        str | None, Query(max_length=2_000, description="Of this company: its id, its domain or an address of it")
    ] = None,
    role_class: Annotated[
        list[Annotated[str, Query(max_length=60)]], Query(description="One of several has to match")
    ] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """They are personal data: found only for jobs that ask for it, kept beside the rows and never in facts, reports or
    exports, and gone with the data of their job. Without `job` those of each company that its newest job with persons
    found.
    """
    if job is None and company is None:
        raise InputError("say whose: a job, or a company", field="job")
    if job is not None and not JOB_ID.match(job):
        raise InputError("not the id of a job", field="job")
    for name in role_class:
        if name not in class_names():
            raise InputError(unknown("class of roles", name, class_names()), field="role_class")
    company_id = None if company is None else id_of(company)
    if company is not None and company_id is None:
        raise InputError("no id of a company, domain or address", field="company")
    items, following = person_page(here.lake, PersonFilter(job, company_id, role_class), limit, cursor)
    return JSONResponse({"items": items, "next_cursor": following})
