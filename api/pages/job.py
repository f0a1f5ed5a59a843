"""GET /ui/jobs/{id}: one job: how far it is, what it waits for, its stages and partitions, what came of it, and how to
ask for it again. POST /ui/jobs/{id}/rerun does that, from a stage on.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from api.as_code import as_code
from api.context import Context, Here
from api.jobs import told
from api.kept import Kept
from api.page import page
from api.routing import Router
from api.submitting import accept_form
from data.jobs import JobRecord, Status
from leadmill import answers
from leadmill.access import Role
from leadmill.declared import PIPELINE
from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from pipelines.intake import control
from pipelines.intake.bulk import Action, refusal
from pipelines.intake.report_on_demand import ReportForm
from pipelines.queues import Priority
from pipelines.request.asked import check_options, read_source
from pipelines.scoring.chosen import again
from pipelines.views.partitions import WORDS, Grid, grid
from reports.formats import FORMATS
from reports.layout_choice import layout_names

router = Router(include_in_schema=False)
log = get_logger(__name__)

#: With more partitions than this a page that is looked at reads them less often, seconds.
_MANY, _SELDOM_S = 1_000, 5
#: What a report is unless it is asked for otherwise.
_USUAL = {name: getattr(ReportForm("html"), name) for name in ("type", "layout", "bom")}
#: Addresses of a request that are shown; how many are left out is said.
_SHOWN = 200


@router.get("/ui/jobs/{job_id}", role=Role.VIEWER)
def job(job_id: str, request: Request, here: Here) -> Response:
    record = control.known(here.store, here.lake, job_id)
    shown = head(here, record)
    return page(
        request,
        "pages/job.html",
        **shown,
        spans=_spans(shown["job"]),
        grid=_grid(request, here, record),
        unit_words=WORDS,
        least=_SELDOM_S if record.partitions > _MANY else 1,
        layouts=layout_names(),
        formats={name: FORMATS.load(name).has_layouts for name in FORMATS.names},
        **_as_code(request, here, record),
    )


@router.post("/ui/jobs/{job_id}/rerun", role=Role.OPERATOR)
def rerun(
    job_id: str,
    here: Here,
    from_stage: Annotated[str, Query(max_length=60)],
    once: Annotated[str, Query(min_length=8, max_length=60)],
) -> Response:
    return accept_form(here, control.rerun(here.store, here.lake, job_id, from_stage), once)


def head(here: Context, record: JobRecord) -> dict[str, Any]:
    """What each page about a job begins with."""
    return {
        "job": told(here, [record])[0],
        "name": record.tags[0] if record.tags else record.kind.replace("_", " "),
        "archived": record.archived,
        "possible": [action for action in Action if not record.archived and refusal(action, record) is None],
        "from_stages": _from_stages(record),
        "once": secrets.token_urlsafe(12),
    }


def _spans(job: answers.Job) -> dict[str, tuple[float, float]]:
    """Of each stage that has begun when it ran, as (begin, length) in per cent of the job's time so far."""
    begin, length = _at(job["started_at"]), job["duration_s"]
    if begin is None or not length:
        return {}
    found = {}
    for stage in job["stages"]:
        began, ended = _at(stage["started_at"]), _at(stage["finished_at"])
        if began is not None:
            left = min(100.0, max(0.0, 100 * (began - begin) / length))
            until = 100.0 if ended is None else min(100.0, 100 * (ended - begin) / length)
            found[stage["name"]] = round(left, 2), round(max(0.6, until - left), 2)
    return found


def _at(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _grid(request: Request, here: Context, record: JobRecord) -> Grid | None:
    """The partitions, while their units are kept; those of a job that ended whole tell nothing."""
    if not record.partitions or record.archived or (record.status == Status.COMPLETED and not record.partitions_failed):
        return None

    def read() -> Grid | None:
        units = here.store.unit_states(record.job_id)
        return grid(record, units) if units else None

    kept: Kept = request.app.state.kept
    return kept.of(("grid", here.caller.project, record.job_id), read) if record.partitions > _MANY else read()


def _from_stages(record: JobRecord) -> list[str]:
    """From which stages the companies may be run again."""
    if record.archived or not record.is_terminal or not set(record.stages) & set(PIPELINE):
        return []
    return list(PIPELINE)


def _as_code(request: Request, here: Context, record: JobRecord) -> dict[str, Any]:
    """The request that makes the same job as `code`, for who may send it, and what is left out of it; none where its
    record is gone, or it was none of companies.
    """
    if here.caller.role < Role.OPERATOR or record.archived or record.kind != "pipeline" or record.parent:
        return {"code": []}
    source, spec = here.store.asked(record.job_id)
    folder = here.lake.job_dir(record.job_id) / "input"
    try:
        if not (isinstance(source, Mapping) and "json" in source):  # a long list is not read for this
            read_source(source, folder)
        options = again(check_options(spec), folder)
    except LeadmillError as error:
        log.debug("a job's request is not told", job=record.job_id, error=str(error))
        return {"code": []}
    file = source.get("file")
    texts = as_code(request, here, _body(record, source, options), None if file is None else Path(str(file)).name)
    left_out = max(0, len(source.get("company_urls") or ()) - _SHOWN)
    return {"code": texts, "left_out": left_out, "untold_webhook": record.has_callback}


def _body(record: JobRecord, source: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        name: source[name] for name in ("company_urls", "search_queries", "company_ids", "column") if source.get(name)
    }
    if "company_urls" in named:
        named["company_urls"] = named["company_urls"][:_SHOWN]
    if record.stages != PIPELINE:
        named["stages"] = list(record.stages)
    if record.priority != Priority.NORMAL:
        named["priority"] = Priority(record.priority).label
    report = {name: value for name, value in (options.get("report") or {}).items() if _USUAL.get(name) != value}
    options = {**options, "report": report}
    about = {"tags": list(record.tags), "min_coverage": record.min_coverage, "notify": list(record.notify)}
    if record.deadline_ms is not None:
        about["deadline"] = round((record.deadline_ms - record.created_ms) / 1000)
    return {**named, **{name: value for name, value in {**options, **about}.items() if value}}
