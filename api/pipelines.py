"""POST /pipelines in its three shapes (JSON, multipart with a CSV file, a bare CSV), rerun and resume."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api import problems
from api.bodies import PipelineBody, RerunBody, scoring
from api.context import Context, Here
from api.routing import Router
from api.submitting import KEY_DESCRIPTION, IdempotencyHeader, accept, accepted_answer, scoped_key
from leadmill.answers import Accepted
from leadmill.errors import InputError
from pipelines.intake import control
from pipelines.intake.submit import Submission
from pipelines.request.inputs import MAX_UPLOAD
from pipelines.request.lists.company_list import CompanyList

router = Router("/pipelines", "pipelines")

#: Fields that a form or a query may give as `a,b,c`, or several times.
_LISTS = frozenset({"company_urls", "search_queries", "company_ids", "stages", "tags"})
#: Fields whose text is JSON.
_JSON = frozenset({"report", "crawl", "icp", "max_results_per_query", "min_coverage", "deadline"})
_MAX_FORM_FIELDS = 200
_MAX_FIELD_BYTES = 4_000_000
_REFERENCE = "#/components/schemas/{model}"


def _as_query() -> Iterator[dict[str, Any]]:
    """Beside a bare CSV the body's other fields are query parameters, those that are no text as JSON."""
    fields: dict[str, Any] = PipelineBody.model_json_schema(ref_template=_REFERENCE)["properties"]
    for name, schema in fields.items():
        if not schema.get("deprecated"):
            shape = {"content": {"application/json": {"schema": schema}}} if name in _JSON else {"schema": schema}
            yield {"name": name, "in": "query", "description": "Beside a body of text/csv", **shape}
    whole = {"schema": {"type": "object"}}
    yield {"name": "options", "in": "query", "description": "All of them", "content": {"application/json": whole}}


_OPENAPI = {
    "parameters": [
        {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}, "description": KEY_DESCRIPTION},
        *_as_query(),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/PipelineBody"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV with a column url, website, domain or company_url",
                        },
                        "options": {
                            "type": "string",
                            "description": "The JSON body's other fields; or give them one by one",
                        },
                    },
                }
            },
            "text/csv": {"schema": {"type": "string", "format": "binary"}},
        },
    },
}


@router.post(
    "",
    status_code=202,
    response_model=Accepted,
    openapi_extra=_OPENAPI,
    summary="Run companies through the stages; a CSV may come as a form's `file` or as the body",
)
async def submit_pipeline(request: Request) -> Response:
    # The busiest call: no dependencies to solve, and a small pool of its own, where 16 callers do not
    # fight for the interpreter with 16 threads.
    here: Context = request.app.state.context
    idempotency_key = request.headers.get("idempotency-key")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.query_params and media != "text/csv":
        name = next(iter(request.query_params))
        raise InputError("belongs into the body; only beside text/csv it is a query parameter", field=name)
    if media == "application/json" or media.endswith("+json"):
        raw = await request.body()
        return await asyncio.get_running_loop().run_in_executor(here.submitters, _from_json, here, raw, idempotency_key)
    if media == "text/csv":
        with tempfile.TemporaryFile() as file:
            await _save(request, file)
            options = _flat(request.query_params.multi_items())
            return await run_in_threadpool(_from_file, here, options, file, idempotency_key)
    if media == "multipart/form-data":
        return await _from_form(request, here, idempotency_key)
    raise HTTPException(415, "send application/json, multipart/form-data with a `file`, or text/csv")


@router.post(
    "/{job_id}/resume",
    status_code=202,
    response_model=Accepted,
    summary="Hand out again what is not done",
)
def resume_pipeline(job_id: str, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    return resume_answer(here, job_id, idempotency_key)


@router.post(
    "/{job_id}/rerun",
    status_code=202,
    response_model=Accepted,
    summary="A new job over the same companies that reads the old one's parts before `from_stage`",
)
def rerun_pipeline(
    job_id: str,
    here: Here,
    from_stage: Annotated[str, Query()],
    body: RerunBody | None = None,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Priority, tags and options are the old job's unless the body names others."""
    body = body or RerunBody()
    changed = scoring(body)
    submission = control.rerun(here.store, here.lake, job_id, from_stage, changed=changed, **body.given())
    return accept(here, submission, idempotency_key)


def resume_answer(here: Context, job_id: str, key: str | None) -> Response:
    """Resume a job and answer like a submission.

    Raises:
        NotFoundError, ConflictError, UnavailableError: as `control.resume`.
    """
    record, replayed = control.resume(here.store, here.lake, here.dispatcher.put, job_id, scoped_key(key))
    return accepted_answer(job_id, record.kind, replayed=replayed)


def pipeline_submission(body: PipelineBody, file: Path | None = None) -> Submission:
    return Submission(
        "pipeline",
        company_urls=body.company_urls,
        search_queries=body.search_queries,
        max_results_per_query=body.max_results_per_query,
        company_ids=body.company_ids,
        file=file,
        stages=body.stages or (),
        options=body.options(),
        **body.common(),
    )


def _from_json(here: Context, raw: bytes, key: str | None) -> Response:
    try:
        body = PipelineBody.model_validate_json(raw)
    except ValidationError as error:
        raise problems.BodyError(error.errors(include_url=False, include_input=False)) from error
    return accept(here, pipeline_submission(body), key)


async def _from_form(request: Request, here: Context, key: str | None) -> Response:
    try:
        form = await request.form(max_files=1, max_fields=_MAX_FORM_FIELDS, max_part_size=_MAX_FIELD_BYTES)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise InputError(f"not a form this call takes: {error.detail}") from error
    try:
        files = [value for name, value in form.multi_items() if not isinstance(value, str)]
        names = [name for name, value in form.multi_items() if not isinstance(value, str)]
        if names != ["file"]:
            raise InputError("give the CSV as one file in the form field `file`", field="file")
        options = _flat((name, value) for name, value in form.multi_items() if isinstance(value, str))
        return await run_in_threadpool(_from_file, here, options, files[0].file, key)
    finally:
        await form.close()


def _from_file(here: Context, options: Mapping[str, Any], file: BinaryIO, key: str | None) -> Response:
    try:
        body = PipelineBody.model_validate(options)
    except ValidationError as error:
        raise problems.BodyError(error.errors(include_url=False, include_input=False)) from error
    with tempfile.TemporaryDirectory(prefix="leadmill-upload-") as folder:
        path = Path(folder) / "companies.csv"
        file.seek(0)
        with path.open("wb") as target:
            shutil.copyfileobj(file, target, 1 << 20)
        _check_csv(path)
        return accept(here, pipeline_submission(body, path), key)


def _check_csv(path: Path) -> None:
    """Refuse at once what cannot be read at all; bad lines become error rows of the job."""
    if path.stat().st_size > MAX_UPLOAD:
        raise InputError(f"the file is larger than {MAX_UPLOAD // 1_000_000} MB", field="file")
    try:
        first = next(iter(CompanyList(path)), None)
    except InputError as error:
        raise InputError(str(error), field="file") from error
    if first is None:
        raise InputError("the file names no company", field="file")


async def _save(request: Request, file: BinaryIO) -> None:
    async for chunk in request.stream():
        await run_in_threadpool(file.write, chunk)


def _flat(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A body from form fields or query parameters: `options` is JSON, the others are given one by one."""
    found: dict[str, Any] = {}
    for name, text in fields:
        if name == "options":
            whole = _json(text, name)
            if not isinstance(whole, dict):
                raise InputError("a JSON object is wanted", field="options")
            found = {**whole, **found}
        elif name in _LISTS:
            values = _json(text, name) if text.lstrip().startswith("[") else _split(name, text)
            found[name] = [*found.get(name, []), *values] if isinstance(values, list) else values
        elif name in found:
            raise InputError("given twice", field=name)
        else:
            found[name] = _number_or_object(name, text)
    return found


def _split(name: str, text: str) -> list[str]:
    """Stages and tags may share a field; a query or a URL may hold a comma itself."""
    return [part.strip() for part in text.split(",")] if name in ("stages", "tags") else [text]


def _number_or_object(name: str, text: str) -> Any:
    if name not in _JSON:
        return text
    try:
        return _json(text, name)
    except InputError:
        if name in ("deadline", "icp"):  # a time; a name
            return text
        raise


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {str(error)[:100]}", field=name) from error
