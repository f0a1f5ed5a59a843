"""A report as an answer: its name, its media type, what a browser may do with it, and whether the caller has it."""

from __future__ import annotations

import hashlib
import re
import shutil
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.types import Receive, Scope, Send

from data.jobs import JobRecord
from data.lake import Lake
from pipelines.intake.report_on_demand import ReportForm
from reports.formats import FORMATS
from reports.page_policy import policy_served

#: Characters of a title in a file's name.
_TITLE_CHARS = 60


def kept_file(
    request: Request, lake: Lake, path: Path, job_id: str, record: JobRecord | None, form: ReportForm
) -> Response:
    """A report that lies in the lake; 304 for a caller that has it already.

    Raises:
        FileNotFoundError: it went meanwhile.
    """
    state = lake.storage.stat(path)
    if state is None:
        raise FileNotFoundError(path)
    told = f"{path.name}:{state.size}:{state.modified_ns}"
    etag = f'"{hashlib.blake2s(told.encode(), digest_size=12).hexdigest()}"'
    headers = {**_headers(path), "ETag": etag}
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    written = formatdate(state.modified_ns / 1_000_000_000, usegmt=True)
    headers |= {"Last-Modified": written, "Accept-Ranges": "bytes"}
    first, last, status = 0, state.size - 1, 200
    if request.headers.get("if-range", etag) in (etag, written) and (part := _range(request, state.size)):
        (first, last), status = part, 206
        headers["Content-Range"] = f"bytes {first}-{last}/{state.size}"
    length = last + 1 - first
    headers |= {"Content-Length": str(length), "Content-Disposition": _saved_as(file_name(job_id, record, form), form)}
    pieces = lake.storage.chunks(path, first, length)
    return StreamingResponse(pieces, status, headers, FORMATS.load(form.format).media_type)


def file_answers(*formats: str) -> dict[str, Any]:
    """What the OpenAPI document says of an answer that is a file of one of these formats."""
    media = (FORMATS.load(name).media_type.partition(";")[0] for name in formats)
    text = {"schema": {"type": "string"}}
    return {
        "description": "The file",
        "content": {
            one: {"schema": {} if one == "application/json" else {"type": "string", "format": "binary"}}
            for one in media
        },
        "headers": {
            "Content-Disposition": {"description": "The file's name", **text},
            "ETag": {"description": "Another one: another file", **text},
            "Last-Modified": {"description": "When it was written", **text},
        },
    }


class WholeFile(FileResponse):
    """A file that is sent whole, whatever part a request asks for: the next one may find another."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in scope["headers"] if pair[0] != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


def passing_file(path: Path, name: str, form: ReportForm) -> Response:
    """A file that was made for one request: its folder goes once it was sent."""
    headers = {**_headers(path), "Accept-Ranges": "none", "Content-Disposition": _saved_as(name, form)}
    gone = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    return WholeFile(path, headers=headers, media_type=FORMATS.load(form.format).media_type, background=gone)


def file_name(job_id: str, record: JobRecord | None, form: ReportForm) -> str:
    """What a browser saves it as: the title of the job (its first tag), what is not usual of its form, and its id."""
    title = record.tags[0] if record and record.tags else ""
    words = ["leadmill", re.sub(r"[^\w.-]+", "-", title)[:_TITLE_CHARS].strip("-."), *_unusual(form), job_id]
    return f"{'-'.join(word for word in words if word)}.{form.format}"


def _unusual(form: ReportForm) -> list[str]:
    usual = ReportForm(form.format)
    return [word for word, common in ((form.type, usual.type), (form.layout, usual.layout)) if word != common]


def _headers(path: Path) -> dict[str, str]:
    return {"Content-Security-Policy": policy_served(path), "Cache-Control": "private, no-cache"}


def _range(request: Request, size: int) -> tuple[int, int] | None:
    """The first and the last byte that are asked for.

    A Range that is malformed, of several parts or beyond the end is as none: the whole file is the answer.
    """
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    first, last = (int(found[1]), min(int(found[2] or size), size - 1)) if found else (size, 0)
    return (first, last) if first <= last else None


_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})?")


def _has(told: str, etag: str) -> bool:
    """Whether an If-None-Match names this tag."""
    tags = {tag.strip().removeprefix("W/") for tag in told.split(",")}
    return etag in tags or "*" in tags


def _saved_as(name: str, form: ReportForm) -> str:
    """The header that names a file; another text than ASCII in the way of RFC 5987."""
    kind, told = "inline" if FORMATS.load(form.format).inline else "attachment", quote(name)
    return f'{kind}; filename="{name}"' if told == name else f"{kind}; filename*=utf-8''{told}"
