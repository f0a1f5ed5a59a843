"""Files in requests: a list as a form's `file` or as the body itself, with fields beside it or in the query."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from api import problems
from leadmill.errors import InputError
from pipelines.request.inputs import MAX_UPLOAD

Model = TypeVar("Model", bound=BaseModel)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Media types of a body that is the list itself.
LISTS = ("text/csv", "text/tab-separated-values", XLSX)
#: Fields that a form or a query may give as `a,b,c`, or several times.
_SEVERAL = frozenset({"company_urls", "search_queries", "company_ids", "stages", "tags", "notify"})
#: Fields whose text is JSON.
JSON = frozenset({"report", "crawl", "extract", "icp", "max_results_per_query", "min_coverage", "deadline"})
_MAX_FORM_FIELDS = 200
_MAX_FIELD_BYTES = 4_000_000
_FILE = {
    "type": "string",
    "format": "binary",
    "description": "CSV or XLSX, as people export it; the column of the websites is found, or named by `column`",
}


@dataclass
class Upload:
    """A list and the fields that came with it."""

    fields: Mapping[str, Any]
    file: BinaryIO

    def body(self, model: type[Model]) -> Model:
        """The fields as a checked body.

        Raises:
            BodyError: a field is wrong.
        """
        try:
            return model.model_validate(self.fields)
        except ValidationError as error:
            raise problems.BodyError(error.errors(include_url=False, include_input=False), model) from error

    @contextmanager
    def path(self) -> Iterator[Path]:
        """The list as a file on this machine, for the block.

        Raises:
            InputError: it is too large.
        """
        with tempfile.TemporaryDirectory(prefix="leadmill-upload-") as folder:
            path = Path(folder) / "companies"
            self.file.seek(0)
            with path.open("wb") as target:
                shutil.copyfileobj(self.file, target, 1 << 20)
            if path.stat().st_size > MAX_UPLOAD:
                raise InputError(f"the file is larger than {MAX_UPLOAD // 1_000_000} MB", field="file")
            yield path


@asynccontextmanager
async def uploaded(request: Request) -> AsyncIterator[Upload]:
    """The list that a request brings.

    Raises:
        InputError: a form without a file, or fields that are none.
        HTTPException: 415, another media type.
    """
    media = media_type(request)
    if media in LISTS:
        with tempfile.TemporaryFile() as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
            yield Upload(_flat(request.query_params.multi_items()), file)
    elif media == "multipart/form-data":
        async with _form(request) as upload:
            yield upload
    else:
        raise HTTPException(415, f"send multipart/form-data with a `file`, or the list as {', '.join(LISTS)}")


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def openapi(form: Mapping[str, Any], query: Iterable[Mapping[str, Any]] = (), **json_body: Any) -> dict[str, Any]:
    """What OpenAPI says of a call that takes a list: the form's other fields, the query's, a JSON body beside them."""
    schema = {"type": "object", "required": ["file"], "properties": {"file": _FILE, **form}}
    content = {**json_body, "multipart/form-data": {"schema": schema}}
    content |= {media: {"schema": {"type": "string", "format": "binary"}} for media in LISTS}
    return {"parameters": list(query), "requestBody": {"required": True, "content": content}}


@asynccontextmanager
async def form_of(
    request: Request, files: int = 1, fields: int = _MAX_FORM_FIELDS, field_bytes: int = _MAX_FIELD_BYTES
) -> AsyncIterator[FormData]:
    """The fields of a form, for the block; the numbers are the most that there may be.

    Raises:
        InputError: it is too large, or no form.
    """
    _, parameters = parse_options_header(request.headers.get("content-type"))
    # By another charset its sender would choose which of Python's codecs reads it; some fail, or make what is no text.
    if parameters.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise InputError("not a form this call takes: its charset is not UTF-8")
    if media_type(request) == "application/x-www-form-urlencoded":
        # The parser counts fields alone, and takes seconds for megabytes of nothing but what stands between them.
        body = await request.body()
        if body.count(b"&") + body.count(b";") > fields:
            raise InputError(f"not a form this call takes: it has more than {fields} fields")
    try:
        form = await request.form(max_files=files, max_fields=fields, max_part_size=field_bytes)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise InputError(f"not a form this call takes: {error.detail}") from error
    try:
        yield form
    finally:
        await form.close()


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[Upload]:
    async with form_of(request) as form:
        files = [(name, value) for name, value in form.multi_items() if not isinstance(value, str)]
        if [name for name, _ in files] != ["file"]:
            raise InputError("give the list as one file in the form field `file`", field="file")
        fields = _flat((name, value) for name, value in form.multi_items() if isinstance(value, str))
        yield Upload(fields, files[0][1].file)


def _flat(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A body from form fields or query parameters: `options` is JSON, the others are given one by one."""
    found: dict[str, Any] = {}
    for name, text in fields:
        if name == "options":
            whole = _json(text, name)
            if not isinstance(whole, dict):
                raise InputError("a JSON object is wanted", field="options")
            found = {**whole, **found}
        elif name in _SEVERAL:
            values = _json(text, name) if text.lstrip().startswith("[") else _split(name, text)
            found[name] = [*found.get(name, []), *values] if isinstance(values, list) else values
        elif name in found:
            raise InputError("given twice", field=name)
        else:
            found[name] = _number_or_object(name, text)
    return found


def _split(name: str, text: str) -> list[str]:
    """Stages, tags and who is told may share a field; a query or a URL may hold a comma itself."""
    return [part.strip() for part in text.split(",")] if name in ("stages", "tags", "notify") else [text]


def _number_or_object(name: str, text: str) -> Any:
    if name not in JSON:
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
