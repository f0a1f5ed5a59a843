"""GET /jobs/{id}/report: a job's report, in any form and at any time after its end.

One that lies there is served as it was written. Another form of a small job is rendered within the request and kept; of
a large one a job of kind `report` makes it (202), and the same call serves it once that has ended. While a job runs,
`partial=true` gives the rows so far.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from api import problems
from api.context import Context, Here
from api.fields import ReportFormat, ReportType
from api.rendering import rendered
from api.report_files import file_answers, kept_file, passing_file
from api.routing import Router
from api.submitting import accepted_answer
from data.damage import enduring
from data.duck import connection
from data.job_files import JobFiles
from data.jobs import JobRecord, Status
from data.schemas import STAGE_SCHEMAS
from data.storage import HeldError
from leadmill.access import Role
from leadmill.errors import (
    ConfigError,
    ConflictError,
    GoneError,
    InputError,
    LeadmillError,
    NotFoundError,
    UnavailableError,
)
from pipelines.committed import told_files
from pipelines.intake import control, report_on_demand
from pipelines.intake.report_on_demand import ReportForm
from pipelines.request.asked import RecordError, check_options
from reports.about_job import about_job
from reports.formats import FORMATS
from reports.layout_choice import check_choice
from reports.rows import count_rows

router = Router("/jobs", "jobs")

_FILE = file_answers(*FORMATS.names)
#: What the OpenAPI document says of a report.
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _FILE,
    202: {
        "description": "A job makes it; ask again when that has ended",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}},
        "headers": {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}},
    },
    206: {**_FILE, "description": "The part of the file that `Range` names"},
    304: {"description": "The caller has it: `If-None-Match` names its `ETag`"},
    **problems.refusals(409, 410, 507),
}
#: Stages whose rows a partial report can show, furthest first.
_STAGES = tuple(reversed(STAGE_SCHEMAS))
#: Whoever asks for a report that another request is rendering waits so long for it, seconds.
_WAIT_S = 60.0
#: Seconds after which to ask again for a report that a job makes.
_ASK_AGAIN_S = 2


@router.get(
    "/{job_id}/report",
    role=Role.VIEWER,
    response_class=Response,
    responses=_ANSWERS,
    summary="Download a job's report",
    description=(
        "In the form that the job was asked for, or in any other: small ones at once, large ones by a job of kind "
        "`report` (202: ask again when it has ended). 409 while the job runs and for a cancelled one: `partial=true` "
        "then gives the rows there are. 410 once its rows were cleaned up; `available` names what is left."
    ),
)
def report(
    job_id: str,
    here: Here,
    request: Request,
    format: Annotated[ReportFormat, Query()] = "html",
    type: Annotated[ReportType | None, Query(description="Without: that of the job")] = None,
    layout: Annotated[str | None, Query(max_length=100, description="Without: that of the job")] = None,
    bom: Annotated[bool | None, Query(description="CSV begins with a byte-order mark")] = None,
    partial: Annotated[bool, Query()] = False,
) -> Response:
    record = _known(here, job_id)
    job = told_files(here.store, here.lake, job_id)
    own = ReportForm.of(format, _own_options(here, job, record))
    if layout is not None:
        _check_layout(layout, format)
    if bom is False and format != "csv":
        raise InputError("csv alone begins with one: leave it out", field="bom")
    form = own.but(type=type, layout=layout, bom=bom)
    if record is None or record.status in (Status.COMPLETED, Status.FAILED):
        answer = _of_ended(here, request, job, record, form, own)
        if answer is not None:
            return answer
        if not partial:
            raise _nothing_left(here, job, record, form)
    elif not partial:
        raise ConflictError(_not_yet(record))
    return _partial(here, job_id, form, record)


def _known(here: Context, job_id: str) -> JobRecord | None:
    """The record; None for a job of which the lake has reports and nothing else."""
    try:
        return control.known(here.store, here.lake, job_id)
    except NotFoundError:
        if not here.lake.storage.names(here.lake.job_dir(job_id) / "reports"):
            raise
        return None


def _own_options(here: Context, job: JobFiles, record: JobRecord | None) -> dict[str, object]:
    """What the job itself was asked to report."""
    try:
        if record is not None and not record.archived:
            spec: object = here.store.asked(job.job_id)[1]
        else:
            spec = (job.manifest() or {}).get("options", {})
        return dict(check_options(spec).get("report", {}))
    except RecordError as error:
        raise ConflictError(str(error)) from error


def _check_layout(layout: str, fmt: str) -> None:
    try:
        check_choice(layout, (fmt,))
    except (InputError, ConfigError) as error:  # as at a submit: a file of one's own may be wrong
        raise InputError(str(error), field="layout") from error


# ---- after the end ---------------------------------------------------------------------------------------


def _of_ended(
    here: Context, request: Request, job: JobFiles, record: JobRecord | None, form: ReportForm, own: ReportForm
) -> Response | None:
    """The report, or 202 with the job that makes it; None: there is none, and no rows to make it of."""

    def served(path: Path | None) -> Response | None:
        return kept_file(request, here.lake, path, job.job_id, record, form) if path else None

    if form == own and (found := _written(job, form.format)):
        return served(found)
    rows, count = _rows_of(here, job.job_id, record)
    if not rows:
        left = report_on_demand.left_of(here.lake, job).get(form)
        return served(job.report(left)) if left else None
    name = report_on_demand.name_of(here.lake, form, rows)
    if found := job.report(name):
        return served(found)
    place = job.folder / "reports" / name
    small = rows != [job.plan_path()] and count <= FORMATS.load(form.format).rows_at_once
    if record is not None and not small:
        return _by_job(here, request, record, form, place)
    try:
        return served(_rendered_once(here, job.job_id, record, form, place))
    except NotFoundError:  # its rows were damaged, as reading them told
        return None


def _rows_of(here: Context, job_id: str, record: JobRecord | None) -> tuple[list[Path], int]:
    """The files that a report of a job tells of, and how many rows they have."""

    def listed() -> dict[str, list[Path]]:
        job = told_files(here.store, here.lake, job_id)
        return {"rows": report_on_demand.rows_of(job, () if record is None else record.stages)}

    def counted(files: Mapping[str, Sequence[Path]]) -> tuple[list[Path], int]:
        return list(files["rows"]), count_rows(connection().cursor(), files["rows"])

    return enduring(here.lake, listed, counted)


def _written(job: JobFiles, fmt: str) -> Path | None:
    return job.report(f"report.{fmt}") or (job.report("analysis.json") if fmt == "json" else None)


def _rendered_once(here: Context, job_id: str, record: JobRecord | None, form: ReportForm, place: Path) -> Path:
    """Render a report for its place; of several requests at the same time one does it, the others wait for it."""

    def rows() -> list[Path]:
        return _rows_of(here, job_id, record)[0]

    try:
        with here.lake.storage.lock(place.parent / ".lock", _WAIT_S, 0.05):
            if here.lake.storage.stat(place) is None:
                made = rendered(here.lake, form, rows, about_job(job_id, record))
                try:
                    if place.name != Path(report_on_demand.name_of(here.lake, form, rows())).name:
                        raise UnavailableError(f"the rows of job {job_id} have changed meanwhile; ask again")
                    with here.lake.storage.create(place) as path:
                        shutil.copyfile(made, path)
                finally:
                    shutil.rmtree(made.parent, ignore_errors=True)
                report_on_demand.drop_stale(here.lake, place, form)
    except HeldError as error:
        raise UnavailableError(f"reports of job {job_id} are being rendered; ask again") from error
    return place


def _by_job(here: Context, request: Request, parent: JobRecord, form: ReportForm, place: Path) -> Response:
    made_by = report_on_demand.report_job(here.store, here.lake, here.dispatcher.put, parent, form, place)
    if not made_by.is_terminal:
        answer = accepted_answer(here.api, made_by.job_id, made_by.kind, status=made_by.status)
        answer.headers["Retry-After"] = str(_ASK_AGAIN_S)
        return answer
    found = told_files(here.store, here.lake, made_by.job_id).report(f"report.{form.format}")
    if found is not None:
        return kept_file(request, here.lake, found, parent.job_id, parent, form)
    report_on_demand.forget_job(here.lake, place)
    raise ConflictError(f"{_why_none(made_by, form.format)}; asking again tries it once more")


def _why_none(made_by: JobRecord, fmt: str) -> str:
    why = (made_by.result or {}).get("failed_formats", {}).get(fmt) or made_by.error or f"it is {made_by.status}"
    return f"job {made_by.job_id}, which was to make this report, ended without it: {why}"


def _nothing_left(here: Context, job: JobFiles, record: JobRecord | None, form: ReportForm) -> LeadmillError:
    names = here.lake.storage.names(job.folder / "reports")
    formats = sorted(name.removeprefix("report.") for name in names if name.startswith("report."))
    if record is None or record.archived:
        queries = [f"format={fmt}" for fmt in formats]
        queries += [form.query for form in report_on_demand.left_of(here.lake, job)]
        left = [f"{here.api}/jobs/{job.job_id}/report?{query}" for query in queries]
        there = f"there is: {', '.join(queries)}" if queries else "no report of it is left"
        return GoneError(
            f"the rows of job {job.job_id} were cleaned up, so no {form.format} report can be made; {there}", left
        )
    if not formats:
        return NotFoundError(
            f"job {job.job_id} has no report, and no scored rows to make one of; submit one by "
            "POST /api/v1/jobs/analytics/report; partial=true makes it from the rows there are"
        )
    return NotFoundError(
        f"job {job.job_id} has no {form.format} report; there is: {', '.join(formats)}; "
        "partial=true makes it from the rows"
    )


# ---- before it -------------------------------------------------------------------------------------------


def _not_yet(record: JobRecord) -> str:
    job = record.job_id
    if record.status == Status.CANCELLED:
        return (
            f"job {job} was cancelled before its report; POST /api/v1/jobs/{job}/resume finishes it, "
            "`partial=true` gives the rows there are"
        )
    return (
        f"job {job} is {record.status} ({record.progress / 10:g} %); ask again when it has ended, "
        "or with `partial=true` for the rows so far"
    )


def _partial(here: Context, job_id: str, form: ReportForm, record: JobRecord | None) -> Response:
    def furthest() -> list[Path]:
        job = told_files(here.store, here.lake, job_id)
        return next((parts for stage in _STAGES if (parts := job.parts(stage))), [])

    so_far = record is not None and (not record.is_terminal or record.status == Status.CANCELLED)
    about = {**about_job(job_id, record), "partial": so_far}
    path = rendered(here.lake, form, furthest, about)
    return passing_file(path, f"leadmill-{job_id}-partial.{form.format}", form)
