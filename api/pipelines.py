"""POST /pipelines in its three shapes (JSON, a form with a list, a bare list), its preview, rerun and resume."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from api import problems, uploads
from api.bodies import Body, PipelineBody, RerunBody
from api.context import Context, Here, get_context
from api.fields import Column
from api.routing import Router
from api.submitting import KEY_DESCRIPTION, KEY_SCHEMA, IdempotencyHeader, accept, accepted_answer, scoped_key
from leadmill.access import Role
from leadmill.answers import Accepted, ListPreview, ListRead
from leadmill.declared import PIPELINE
from leadmill.errors import InputError, UnavailableError
from leadmill.log import get_logger
from pipelines.intake import control
from pipelines.intake.submission import Submission
from pipelines.request.inputs import MAX_COLUMN
from pipelines.request.lists.budget import LOOK, Budget, SpentError
from pipelines.request.lists.company_list import CompanyList
from pipelines.request.lists.tally import look

router = Router("/pipelines", "pipelines")
log = get_logger(__name__)

_REFERENCE = "#/components/schemas/{model}"


def _as_query() -> Iterator[dict[str, Any]]:
    """Beside a bare list the body's other fields are query parameters, those that are no text as JSON."""
    fields: dict[str, Any] = PipelineBody.model_json_schema(ref_template=_REFERENCE)["properties"]
    for name, schema in fields.items():
        as_json = {"content": {"application/json": {"schema": schema}}}
        shape = as_json if name in uploads.JSON else {"schema": schema}
        yield {"name": name, "in": "query", "description": "Where the list is the body", **shape}
    whole = {"schema": {"type": "object"}}
    yield {"name": "options", "in": "query", "description": "All of them", "content": {"application/json": whole}}


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": KEY_SCHEMA,
    "description": KEY_DESCRIPTION,
}
_COLUMN = {
    "name": "column",
    "in": "query",
    "schema": {"type": "string", "maxLength": MAX_COLUMN},
    "description": "Header of the column of websites, where the list is the body",
}
_OPTIONS = {"type": "string", "description": "The JSON body's other fields; or give them one by one"}


@router.post(
    "",
    role=Role.OPERATOR,
    status_code=202,
    response_model=Accepted,
    openapi_extra=uploads.openapi(
        {"options": _OPTIONS},
        [_KEY, *_as_query()],
        **{"application/json": {"schema": {"$ref": "#/components/schemas/PipelineBody"}}},
    ),
    summary="Run companies through the stages; a CSV or XLSX may come as a form's `file` or as the body",
)
async def submit_pipeline(request: Request) -> Response:
    # The busiest call: no dependencies to solve, and a small pool of its own, where 16 callers do not
    # fight for the interpreter with 16 threads.
    here = await get_context(request)
    idempotency_key = request.headers.get("idempotency-key")
    media = uploads.media_type(request)
    if request.scope["query_string"] and media not in uploads.LISTS and request.query_params:
        name = next(iter(request.query_params))
        raise InputError("belongs into the body; only where that is a list it is a query parameter", field=name)
    if media == "application/json" or media.endswith("+json"):
        raw = await request.body()
        return await asyncio.get_running_loop().run_in_executor(
            here.submitters, copy_context().run, _from_json, here, raw, idempotency_key
        )
    async with uploads.uploaded(request) as upload:
        return await run_in_threadpool(_from_file, here, upload, idempotency_key)


class PreviewBody(Body):
    """How to read a list, where that is not found."""

    column: Column | None = None


@router.post(
    "/preview",
    role=Role.OPERATOR,
    response_model=ListPreview,
    openapi_extra=uploads.openapi({"column": _COLUMN["schema"]}, [_COLUMN]),
    summary="What would be understood of a list, without a job",
)
async def preview_list(request: Request, here: Here) -> Response:
    async with uploads.uploaded(request) as upload:
        return JSONResponse(await run_in_threadpool(previewed, here, upload))


@router.post(
    "/{job_id}/resume",
    role=Role.OPERATOR,
    status_code=202,
    response_model=Accepted,
    summary="Hand out again what is not done",
)
def resume_pipeline(job_id: str, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    return resume_answer(here, job_id, idempotency_key)


@router.post(
    "/{job_id}/rerun",
    role=Role.OPERATOR,
    status_code=202,
    response_model=Accepted,
    summary="A new job over the same companies that reads the old one's parts before `from_stage`",
)
def rerun_pipeline(
    job_id: str,
    here: Here,
    from_stage: Annotated[str, Query(json_schema_extra={"enum": list(PIPELINE)})],
    body: RerunBody | None = None,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Priority, tags and options are the old job's unless the body names others."""
    body = body or RerunBody()
    submission = control.rerun(here.store, here.lake, job_id, from_stage, changed=body.options(), **body.given())
    return accept(here, submission, idempotency_key)


def resume_answer(here: Context, job_id: str, key: str | None) -> Response:
    """Resume a job and answer like a submission.

    Raises:
        NotFoundError, ConflictError, UnavailableError: as `control.resume`.
    """
    record, replayed = control.resume(here.store, here.lake, here.dispatcher.put, job_id, scoped_key(here.caller, key))
    return accepted_answer(here.api, job_id, record.kind, replayed=replayed)


def pipeline_submission(body: PipelineBody, file: Path | None = None) -> Submission:
    return Submission(
        "pipeline",
        company_urls=body.company_urls,
        search_queries=body.search_queries,
        max_results_per_query=body.max_results_per_query,
        company_ids=body.company_ids,
        file=file,
        column=body.column,
        stages=body.stages or (),
        options=body.options(),
        **body.common(),
    )


def _from_json(here: Context, raw: bytes, key: str | None) -> Response:
    try:
        body = PipelineBody.model_validate_json(raw)
    except ValidationError as error:
        raise problems.BodyError(error.errors(include_url=False, include_input=False), PipelineBody) from error
    return accept(here, pipeline_submission(body), key)


def _from_file(here: Context, upload: uploads.Upload, key: str | None) -> Response:
    with list_submission(upload) as (submission, read):
        return accept(here, submission, key, input=read)


@contextmanager
def list_submission(upload: uploads.Upload) -> Iterator[tuple[Submission, ListRead]]:
    """A pipeline over a list, for the block, and how the list is read.

    Raises:
        BodyError, InputError: a field is wrong, or it is no list of companies.
    """
    body = upload.body(PipelineBody)
    with upload.path() as path:
        with _of_the_file():
            found = CompanyList(path, body.column)
            if not _has_a_line(found):
                raise InputError("the file names no company")
        yield pipeline_submission(body, path), found.understood.told()


def _has_a_line(found: CompanyList) -> bool:
    try:
        return next(found.lines(Budget(LOOK)), None) is not None
    except SpentError:
        raise InputError("the list begins with more blank or unreadable lines than are looked through") from None


def previewed(here: Context, upload: uploads.Upload) -> ListPreview:
    """What would be understood of a list, and how many of its companies are known.

    Raises:
        BodyError, InputError: it is no list of companies, or has no such column.
    """
    body = upload.body(PreviewBody)
    with upload.path() as path, _of_the_file():
        told, company_ids = look(path, body.column, Budget(LOOK))
    known: int | None = None
    newest: str | None = None
    try:
        known, newest = here.companies.known(company_ids)
    except UnavailableError as error:
        log.info("how many companies of a list are known is not told", reason=str(error))
    return {**told, "known": known, "newest_known_at": newest}


@contextmanager
def _of_the_file() -> Iterator[None]:
    """What cannot be read at all is the fault of the field `file`; bad lines become error rows of the job."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error), field=error.field or "file") from error
