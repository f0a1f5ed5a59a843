"""GET /ui/jobs/{id}: one job: how far it is, what it waits for, its stages and partitions, what came of it, and how to
ask for it again. POST /ui/jobs/{id}/rerun does that, from a stage on.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from api.as_code import as_code
from api.asked_again import asked
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
from pipelines.intake import control
from pipelines.intake.bulk import Action, refusal
from pipelines.views.partitions import WORDS, Grid, grid
from reports.formats import FORMATS
from reports.layout_choice import layout_names
from reports.wording import nameless

router = Router(include_in_schema=False)

#: With more partitions than this a page that is looked at reads them less often, seconds.
_MANY, _SELDOM_S = 1_000, 5


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
        nameless=_nameless(record),
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


def _nameless(record: JobRecord) -> str:
    """How many lines of its list name no company; empty where each names one."""
    told = (record.result or {}).get("input")
    counts = [told.get(name) for name in ("without_address", "refused")] if isinstance(told, Mapping) else []
    return nameless(sum(count for count in counts if isinstance(count, int)))


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
    """The request that makes the same job as `code`, and what is left out of it; nothing where there is none."""
    found = asked(here, record)
    if found is None:
        return {}
    code = as_code(request, here, found.body, found.file_name)
    return {"code": code, "left_out": found.left_out, "untold_webhook": record.has_callback}
