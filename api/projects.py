"""GET /projects, GET, PUT /projects/{name}: what each project may have, what it has used, and what is left.

An admin of the default project sees and changes all of them; everybody else sees the own one.
"""

from __future__ import annotations

from typing import Annotated

from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictInt

from api import problems
from api.bodies import Body
from api.context import Everything, Who
from api.routing import Router
from data.project_quotas import project_quotas
from leadmill import answers
from leadmill.access import PROJECT, Caller, Role
from leadmill.errors import ForbiddenError, NotFoundError
from leadmill.quotas import MAX_QUOTA
from pipelines.views import quotas

router = Router("/projects", "projects")

_Limit = Annotated[StrictInt, Field(ge=0, le=MAX_QUOTA)] | None


class QuotasBody(Body):
    """The quotas that a project has of its own. One that is not named is that of the settings; null: there is none."""

    live_jobs: _Limit = None
    companies_per_job: _Limit = None
    companies_per_day: _Limit = None
    pages_per_day: _Limit = None
    upload_bytes: _Limit = None
    upload_bytes_per_day: _Limit = None


@router.get(
    "",
    role=Role.VIEWER,
    response_model=answers.ProjectPage,
    summary="Projects, what each may have and what is left of it",
)
def list_projects(everything: Everything, who: Who) -> Response:
    names = quotas.projects(everything.store, everything.lake) if who.administers_all else [who.project]
    items = [quotas.described(everything.store, everything.lake, name) for name in names]
    return JSONResponse({"items": items, "next_cursor": None})


@router.get("/{name}", role=Role.VIEWER, response_model=answers.Project, summary="One project")
def project(name: str, everything: Everything, who: Who) -> Response:
    _check_sees(who, name)
    return JSONResponse(quotas.described(everything.store, everything.lake, name))


@router.put(
    "/{name}",
    role=Role.ADMIN,
    response_model=answers.Project,
    responses=problems.refusals(403),
    summary="Give a project quotas of its own, instead of those it has",
)
def set_quotas(name: str, body: QuotasBody, everything: Everything, who: Who) -> Response:
    _check_sees(who, name)
    if not who.administers_all:
        raise ForbiddenError("quotas are given by an admin of the default project")
    project_quotas(everything.lake.data).put(name, body.model_dump(exclude_unset=True))
    return JSONResponse(quotas.described(everything.store, everything.lake, name))


def _check_sees(who: Caller, name: str) -> None:
    """Raise NotFoundError for what is no project to a caller."""
    if not PROJECT.fullmatch(name) or not (who.administers_all or who.project == name):
        raise NotFoundError(f"no project {name[:40]!r}")
