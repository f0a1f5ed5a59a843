"""GET /jobs/{id}/report: a finished report as it was written, or with `partial=true` one of the rows so far."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import duckdb
from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from api import problems
from api.bodies import ReportFormat
from api.context import Context, Here
from data.damage import enduring
from data.job_files import JobFiles
from data.jobs import JobRecord, Status
from data.schemas import STAGE_SCHEMAS
from leadmill.errors import ConflictError, NotFoundError, StorageError
from pipelines.committed import told_files
from pipelines.intake import control
from pipelines.request.asked import RecordError, check_options
from reports.about_job import about_job
from reports.formats import FORMATS
from reports.layouts import DEFAULT
from reports.page_policy import policy_served

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=problems.RESPONSES)

#: How DuckDB tells that the temporary folder takes nothing.
_REFUSED = re.compile(
    "|".join(re.escape(os.strerror(n)) for n in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
)
#: Stages whose rows a partial report can show, furthest first.
_STAGES = tuple(reversed(STAGE_SCHEMAS))


@router.get(
    "/{job_id}/report",
    response_class=FileResponse,
    summary="Download a job's report",
    description="409 while the job runs and for a cancelled one: `partial=true` then gives the rows there are.",
)
def report(
    job_id: str,
    here: Here,
    format: Annotated[ReportFormat, Query()] = "html",
    partial: Annotated[bool, Query()] = False,
) -> Response:
    folder = here.lake.job_dir(job_id) / "reports"
    record = here.store.record(job_id)
    if record is None and not folder.is_dir():
        control.existing(here.store, here.lake, job_id)  # says what there is instead
    if record is None or record.status in (Status.COMPLETED, Status.FAILED):
        job = told_files(here.store, here.lake, job_id)
        if found := _written(job, format):
            return _file(job_id, format, found)
        if not partial:
            raise NotFoundError(_what_exists(here, job_id, format))
    assert record is not None or partial
    if not partial:
        assert record is not None
        raise ConflictError(_not_yet(record))
    return _partial(here, job_id, format, record)


def _written(job: JobFiles, fmt: str) -> Path | None:
    return job.report(f"report.{fmt}") or (job.report("analysis.json") if fmt == "json" else None)


def _what_exists(here: Context, job_id: str, fmt: str) -> str:
    names = here.lake.storage.names(here.lake.job_dir(job_id) / "reports")
    found = sorted(name.removeprefix("report.") for name in names if name.startswith("report."))
    if not found:
        return f"job {job_id} has no report; submit one by POST /api/v1/jobs/analytics/report"
    return f"job {job_id} has no {fmt} report; there is: {', '.join(found)}; partial=true makes it from the rows"


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


def _partial(here: Context, job_id: str, fmt: str, record: JobRecord | None) -> Response:
    from reports.render import render

    try:
        spec = check_options(here.store.asked(job_id)[1]).get("report", {}) if record else {}
    except RecordError as error:
        raise ConflictError(str(error)) from error
    folder = Path(tempfile.mkdtemp(prefix="leadmill-"))  # a format may need files beside its own
    out = folder / f"report.{fmt}"
    about, kind = _about(job_id, record), spec.get("type", "comprehensive")
    layout, bom = spec.get("layout", DEFAULT), spec.get("bom", True)

    def write(files: Mapping[str, Sequence[Path]]) -> None:
        if not files["rows"]:
            raise NotFoundError(f"job {job_id} has no rows yet")
        render(fmt, rows=files["rows"], job=about, report_type=kind, out=out, layout=layout, bom=bom)

    try:
        enduring(here.lake, lambda: {"rows": _furthest(here, job_id)}, write)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, duckdb.IOException) and (found := _REFUSED.search(str(error))):
            raise StorageError(found.group(), full=found.group() != os.strerror(errno.EROFS)) from error
        raise
    return _file(job_id, fmt, out, partial=True)


def _furthest(here: Context, job_id: str) -> list[Path]:
    job = told_files(here.store, here.lake, job_id)
    return next((parts for stage in _STAGES if (parts := job.parts(stage))), [])


def _about(job_id: str, record: JobRecord | None) -> dict[str, Any]:
    so_far = record is not None and (not record.is_terminal or record.status == Status.CANCELLED)
    return {**about_job(job_id, record), "partial": so_far}


def _file(job_id: str, fmt: str, path: Path, *, partial: bool = False) -> Response:
    name, form = f"leadmill-{job_id}{'-partial' if partial else ''}.{fmt}", FORMATS.load(fmt)
    return FileResponse(
        path,
        media_type=form.media_type,
        filename=name,
        content_disposition_type="inline" if form.inline else "attachment",
        headers={"Content-Security-Policy": policy_served(path), "Cache-Control": "private, no-cache"},
        background=BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True) if partial else None,
    )
