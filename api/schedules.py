"""GET, POST /schedules and what is done with one: pause, resume, delete. Beat ticks (pipelines.intake.schedules)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from api import problems
from api.auditing import audited
from api.bodies import Body, PipelineBody
from api.context import Context, Here
from api.pipelines import pipeline_submission
from api.routing import Router
from api.submitting import IdempotencyHeader, accept
from data.schedules import MAX_SCHEDULES, ScheduleStore
from leadmill import answers
from leadmill.access import Role
from pipelines.intake import schedules
from pipelines.views.cursors import decode_key, encode_key

router = Router("/schedules", "schedules")


class ScheduleBody(Body):
    """A pipeline to submit again and again. `cron`: minute hour day month weekday, by the clock of `timezone`."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    cron: Annotated[str, Field(min_length=1, max_length=100)]
    timezone: Annotated[str, Field(min_length=1, max_length=60, description="IANA name, like Europe/Berlin")] = "UTC"
    pipeline: PipelineBody


@router.get(
    "", role=Role.VIEWER, response_model=answers.SchedulePage, summary="Recurring pipelines with their next runs"
)
def list_schedules(
    here: Here,
    limit: Annotated[int, Query(ge=1, le=MAX_SCHEDULES)] = MAX_SCHEDULES,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    return JSONResponse(told_page(here, limit, cursor))


def told_page(here: Context, limit: int, cursor: str | None = None) -> answers.SchedulePage:
    """A page of schedules as they are shown, by name; those that cannot be read among them.

    Raises:
        InputError: not a cursor of ours.
        UnavailableError: Redis does not answer.
    """
    now = datetime.now(UTC)
    found, unreadable = here.schedules.read_all(now)
    last = ScheduleStore(here.store).last_ticks()
    items = [schedules.describe(one, now, last.get(one.name)) for one in found]
    items += [schedules.describe_unreadable(one) for one in unreadable]
    after = "" if cursor is None else unquote(decode_key(cursor, str)[0])
    rest = sorted((one for one in items if one["name"] > after), key=lambda one: str(one["name"]))
    more = encode_key(quote(rest[limit - 1]["name"])) if len(rest) > limit else None
    return {"items": rest[:limit], "next_cursor": more}


@router.post(
    "",
    role=Role.OPERATOR,
    status_code=201,
    response_model=answers.Schedule,
    summary="Submit a pipeline again and again",
)
def create_schedule(body: ScheduleBody, here: Here, request: Request) -> Response:
    return JSONResponse(create(here, request, body), 201, headers={"Location": f"{here.api}/schedules"})


@router.post(
    "/{name}/pause",
    role=Role.OPERATOR,
    response_model=answers.Schedule,
    responses=problems.refusals(409),
    summary="Submit nothing until it is resumed",
)
def pause_schedule(name: str, here: Here) -> Response:
    return JSONResponse(set_paused(here, name, True))


@router.post(
    "/{name}/resume",
    role=Role.OPERATOR,
    response_model=answers.Schedule,
    responses=problems.refusals(409),
    summary="Go on with the next planned time",
)
def resume_schedule(name: str, here: Here) -> Response:
    return JSONResponse(set_paused(here, name, False))


@router.post(
    "/{name}/run",
    role=Role.OPERATOR,
    status_code=202,
    response_model=answers.Accepted,
    responses=problems.refusals(409),
    summary="Submit it now; its planned times stay",
)
def run_schedule(name: str, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    """Also of a schedule that is paused. The job has the tags of its ticks and `run now`."""
    return accept(here, schedules.run_now(here.schedules, name), idempotency_key)


@router.delete(
    "/{name:path}",
    role=Role.OPERATOR,
    status_code=204,
    response_class=Response,
    summary="Remove a schedule; its jobs stay",
)
def delete_schedule(name: str, here: Here) -> Response:
    here.schedules.delete(name)
    return Response(status_code=204)


def create(here: Context, request: Request, body: ScheduleBody) -> answers.Schedule:
    """Make a schedule, and say it in the audit.

    Raises:
        ConflictError: there is one of this name.
        InputError: a field is wrong.
        UnavailableError: Redis does not answer.
    """
    audited(request, action="create_schedule", id=schedules.check_name(body.name))
    now = datetime.now(UTC)
    submission = pipeline_submission(body.pipeline)
    made = schedules.create(here.store, here.lake, body.name, body.cron, submission, now, body.timezone)
    return schedules.describe(made, now)


def set_paused(here: Context, name: str, paused: bool) -> answers.Schedule:
    """Pause a schedule, or let it go on; as it is then.

    Raises:
        NotFoundError: there is none of this name.
        ConflictError: it cannot be read.
        UnavailableError: Redis does not answer, or the lake cannot be written.
    """
    now = datetime.now(UTC)
    changed = here.schedules.set_paused(name, paused, now)
    return schedules.describe(changed, now, ScheduleStore(here.store).last_ticks().get(name))
