"""GET /ui/schedules: recurring runs, when they come next and what came of the last; run now, pause, resume, delete."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from api import schedules as calls
from api.auditing import audited
from api.context import Here
from api.fields import Blank
from api.page import page
from api.page_address import address
from api.pages import Place
from api.routing import Router
from api.submitting import accept_form
from leadmill.access import Role
from pipelines.intake.cron import NAME
from pipelines.intake.schedules import run_now

router = Router(include_in_schema=False)
PLACE = Place(50, "/ui/schedules", "Schedules", further=True)

_PAGE = 100
#: Of any schedule, also of an entry that cannot be read: what is wrong with one may be its name.
Name = Annotated[str, Query(min_length=1, max_length=300)]


@router.get("/ui/schedules", role=Role.VIEWER)
def schedules(
    request: Request,
    here: Here,
    made: Annotated[str, Query(max_length=64)] = "",
    cursor: Annotated[Annotated[str, Query(max_length=1_000)] | None, Blank] = None,
) -> Response:
    found = calls.told_page(here, _PAGE, cursor)
    older = found["next_cursor"] and address("/ui/schedules", {"cursor": found["next_cursor"]})
    made_now = made if NAME.match(made) else ""
    once = secrets.token_urlsafe(12)
    return page(
        request,
        "pages/schedules.html",
        found=found,
        following=older,
        is_first=cursor is None,
        made=made_now,
        once=once,
    )


@router.post("/ui/schedules/pause", role=Role.OPERATOR)
def pause_schedule(request: Request, here: Here, name: Name) -> Response:
    return _set_paused(request, here, name, True)


@router.post("/ui/schedules/resume", role=Role.OPERATOR)
def resume_schedule(request: Request, here: Here, name: Name) -> Response:
    return _set_paused(request, here, name, False)


@router.post("/ui/schedules/run", role=Role.OPERATOR)
def run_schedule(
    request: Request, here: Here, name: Name, once: Annotated[str, Query(min_length=8, max_length=60)]
) -> Response:
    _say(request, name)
    return accept_form(here, run_now(here.schedules, name), once)


@router.get("/ui/schedules/delete", role=Role.OPERATOR)
def ask_to_delete_schedule(request: Request, name: Name) -> Response:
    return page(
        request, "pages/schedules_delete.html", name=name, action=address("/ui/schedules/delete", {"name": name})
    )


@router.post("/ui/schedules/delete", role=Role.OPERATOR)
def delete_schedule(request: Request, here: Here, name: Name) -> Response:
    _say(request, name)
    here.schedules.delete(name)
    return RedirectResponse("/ui/schedules", 303)


def _set_paused(request: Request, here: Here, name: str, paused: bool) -> Response:
    _say(request, name)
    calls.set_paused(here, name, paused)
    return RedirectResponse("/ui/schedules", 303)


def _say(request: Request, name: str) -> None:
    # As the audit takes it from an address: what has not the form of a name is not kept.
    audited(request, id=name if NAME.match(name) else None)
