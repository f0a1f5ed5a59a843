"""GET /projects, GET, PUT, DELETE /projects/{name}: what each project may have, what it has used, and what is left.

An admin of the default project sees and changes all of them; everybody else sees the own one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictInt

from api import problems
from api.auditing import audited
from api.bodies import Body
from api.context import Everything, Here, Who
from api.routing import Router
from api.submitting import accepted_answer, simple
from data.ending import check_open, put_mark
from data.project_quotas import project_quotas
from leadmill import answers
from leadmill.access import PROJECT, Caller, Role
from leadmill.errors import ForbiddenError, NotFoundError
from leadmill.quotas import MAX_QUOTA
from pipelines import ending
from pipelines.intake.submit import record
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
    responses=problems.refusals(403, 409),
    summary="Give a project quotas of its own, instead of those it has",
)
def set_quotas(name: str, body: QuotasBody, everything: Everything, who: Who) -> Response:
    _check_sees(who, name)
    if not who.administers_all:
        raise ForbiddenError("quotas are given by an admin of the default project")
    check_open(everything.lake.data, name)
    project_quotas(everything.lake.data).put(name, body.model_dump(exclude_unset=True))
    return JSONResponse(quotas.described(everything.store, everything.lake, name))


@router.delete(
    "/{name}",
    role=Role.ADMIN,
    status_code=202,
    response_model=answers.Accepted,
    responses=problems.refusals(403, 409),
    summary="Remove a project with all that it has; the answer names the job that does it",
)
def remove_project(
    name: str,
    everything: Everything,
    here: Here,
    who: Who,
    request: Request,
    confirm: Annotated[
        str | None,
        Query(max_length=40, description="The project's name once more: its live jobs, keys and schedules go, too"),
    ] = None,
) -> Response:
    _check_sees(who, name)
    if not who.administers_all:
        raise ForbiddenError("projects are removed by an admin of the default project")
    audited(request, id=name)  # not by the job in the answer
    roles = everything.settings.oidc_roles
    mark = ending.begin(here.store, here.lake, everything.api_keys, name, confirm=confirm, roles=roles)
    everything.keyring.look()
    job = None if mark.job_id is None else here.store.record(mark.job_id)
    if job is not None and not job.is_terminal:
        return accepted_answer(here.api, job.job_id, job.kind)
    accepted = record(here.store, here.lake, simple("remove_project", {}, tags=(name,)))
    put_mark(here.lake.data, name, replace(mark, job_id=accepted.job_id))
    here.dispatcher.put(accepted.send)
    return accepted_answer(here.api, accepted.job_id, "remove_project")


def _check_sees(who: Caller, name: str) -> None:
    """Raise NotFoundError for what is no project to a caller."""
    if not PROJECT.fullmatch(name) or not (who.administers_all or who.project == name):
        raise NotFoundError(f"no project {name[:40]!r}")
