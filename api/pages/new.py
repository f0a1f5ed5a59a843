"""GET, POST /ui/new: companies by address, list or search become a job or a schedule; what would be understood first.

POST /ui/new/look shows that, and the request as a program would make it, and makes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from api.as_code import as_code
from api.asked_again import asked
from api.auditing import audited
from api.context import Context, Here
from api.form import by_field, checked, faults_of
from api.page import page
from api.page_address import address
from api.pages import Place
from api.pipelines import list_submission, pipeline_submission, previewed
from api.routing import Router
from api.run_form import NewRun
from api.sample_run import asked_for
from api.schedules import ScheduleBody, create
from api.submitting import accept_form
from api.uploads import form_of
from leadmill.access import Role
from leadmill.answers import FieldError, LineReason, LineShown, ListPreview
from leadmill.declared import PIPELINE
from leadmill.errors import InputError, LeadmillError
from leadmill.sample_sites import sample_sites
from pipelines.intake import control
from pipelines.scoring.models import Models
from reports.formats import FORMATS
from reports.layout_choice import layout_names
from reports.report_types import REPORT_TYPES

router = Router(include_in_schema=False)
PLACE = Place(15, "/ui/new", "New run")


class Looked(NamedTuple):
    """What is told of a run before it is started."""

    preview: ListPreview | None = None
    code: tuple[tuple[str, str], ...] = ()
    faults: tuple[FieldError, ...] = ()


async def _sent(request: Request) -> AsyncIterator[NewRun]:
    async with form_of(request) as form:
        yield NewRun.sent(form)


#: What a person has filled in.
Sent = Annotated[NewRun, Depends(_sent)]


@router.get("/ui/new", role=Role.VIEWER)
def new(
    request: Request,
    here: Here,
    job: Annotated[str, Query(max_length=60, description="Filled in as this one was asked for")] = "",
    samples: Annotated[bool, Query(description="Filled in with the sample sites, where they are served")] = False,
) -> Response:
    if samples and (sites := sample_sites(here.settings)):
        return _looked_at(request, here, NewRun.of(asked_for(sites)))
    known = asked(here, control.known(here.store, here.lake, job)) if job else None
    if known is None:
        return _shown(request, here, NewRun.empty())
    filled = NewRun.of(known.body)
    return _looked_at(request, here, filled, again=job, known=known, untold=filled.untold(known.body))


@router.post("/ui/new/look", role=Role.OPERATOR)
async def look(request: Request, here: Here, sent: Sent) -> Response:
    return await run_in_threadpool(_looked_at, request, here, sent)


@router.post("/ui/new", role=Role.OPERATOR)
async def start(request: Request, here: Here, sent: Sent) -> Response:
    return await run_in_threadpool(_started, request, here, sent)


def _looked_at(request: Request, here: Context, sent: NewRun, **about: Any) -> Response:
    """The form, and beside it how what it holds is understood."""
    found, code = None, []
    try:
        body, upload = sent.body(), sent.upload()
        if upload is None and sent.pasted:
            upload = sent.pasted_upload(body)
        if upload is not None:
            found = previewed(here, replace(upload, fields={"column": body["column"]} if "column" in body else {}))
            if sent.file_name is None:
                found = _as_typed(found)
        if upload is not None or body.get("search_queries"):
            code = as_code(request, here, body, sent.file_name)
            sent.checked()
    except LeadmillError as error:
        return _shown(request, here, sent, Looked(found, tuple(code), _faults(sent, error)), **about)
    return _shown(request, here, sent, Looked(found, tuple(code)), **about)


def _as_typed(look: ListPreview) -> ListPreview:
    """A look at addresses without the header that they were read below."""
    first: list[LineShown] = [{**one, "line": one["line"] - 1} for one in look["first"]]
    reasons: list[LineReason] = [
        {**reason, "examples": [{**one, "line": one["line"] - 1} for one in reason["examples"]]}
        for reason in look["reasons"]
    ]
    typed: ListPreview = {**look, "first": first, "reasons": reasons}
    typed.pop("header_line", None)
    return typed


def _started(request: Request, here: Context, sent: NewRun) -> Response:
    try:
        sent.check_companies()
        if sent.is_repeated:
            return RedirectResponse(address("/ui/schedules", {"made": _scheduled(request, here, sent)}), 303)
        audited(request, action="submit_pipeline")
        if (upload := sent.upload()) is None:
            return accept_form(here, pipeline_submission(sent.checked()), sent.once)
        with list_submission(upload) as (submission, _):
            return accept_form(here, submission, sent.once)
    except LeadmillError as error:
        # Whatever it is: what was typed stays.
        return _shown(request, here, sent, Looked(faults=_faults(sent, error)), status=error.status)


def _faults(sent: NewRun, error: LeadmillError) -> tuple[FieldError, ...]:
    """What is wrong, at the field where it was typed: what was pasted is read as a file is."""
    found = faults_of(error)
    if sent.file is not None:
        return found
    return tuple({**one, "field": "company_urls"} if one["field"] == "file" else one for one in found)


def _scheduled(request: Request, here: Context, sent: NewRun) -> str:
    if sent.file_name is not None:
        raise InputError("a list is read once, and a schedule keeps addresses and searches: paste these", field="cron")
    given = {name: sent.text(name) for name in ("name", "cron", "timezone") if sent.text(name)}
    return create(here, request, checked(ScheduleBody, {**given, "pipeline": sent.body()}))["name"]


def _shown(
    request: Request,
    here: Context,
    sent: NewRun,
    looked: Looked = Looked(),  # noqa: B008  a tuple
    *,
    status: int = 200,
    **about: Any,
) -> Response:
    models = Models.of(here.settings)
    return page(
        request,
        "pages/new.html",
        status,
        sent=sent,
        looked=looked,
        faults=by_field(looked.faults),
        # What may have been accepted before nobody answered is asked for again by the same key.
        once=sent.once if status == 503 else secrets.token_urlsafe(12),
        remedy="leadmill doctor" if status == 503 else None,
        stages=PIPELINE,
        formats=FORMATS.names,
        layouts=layout_names(),
        report_types=REPORT_TYPES,
        models=models.names(),
        profiles=models.profile_names(),
        searches=here.settings.search_provider is not None,
        has_samples=sample_sites(here.settings) is not None,
        **about,
    )
