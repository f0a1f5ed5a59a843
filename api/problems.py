"""Errors as RFC 9457 problem JSON, with a stable code, the field and the request id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from api import parameters
from api.routing import allowed
from leadmill.answers import FieldError
from leadmill.errors import GoneError, InputError, LeadmillError, QuotaError, StorageError, UnavailableError
from leadmill.log import get_logger
from leadmill.redaction import redacted
from leadmill.suggest import did_you_mean, unknown

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
#: Most faults told of one request.
MAX_ERRORS = 20
#: The code of each status where the error has none of its own.
CODES = {
    400: "bad_request",
    401: "key_refused",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    410: "gone",
    413: "too_large",
    415: "unsupported_media_type",
    421: "host_not_allowed",
    422: "invalid_input",
    429: "too_many_requests",
    431: "headers_too_large",
    500: "internal_error",
    503: "unavailable",
    507: "storage_full",
}
TITLES = {
    400: "Bad request",
    401: "No API key that counts",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Not possible in the present state",
    410: "Not there any more",
    413: "Body too large",
    415: "Media type not supported",
    421: "Host not allowed",
    422: "The request is wrong",
    429: "Too many at once",
    431: "Headers too large",
    500: "Internal error",
    503: "Not available just now",
    507: "No room to keep it",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: what one call may be refused with, beside what all may (`api.openapi`)."""
    return {status: {"description": TITLES[status]} for status in statuses}


class BodyError(LeadmillError):
    """A body with several faults, first one first."""

    code = "invalid_input"
    status = 422

    def __init__(self, errors: Sequence[Mapping[str, Any]], model: type | None = None, route: object = None) -> None:
        """`errors` as pydantic has them of a body that `model` describes, and of query parameters of a `route`."""
        self.errors = field_errors(errors, model, route)
        super().__init__(_sentence(self.errors))


class TooManyError(LeadmillError):
    """The caller holds as many of something open as one may."""

    code = "too_many_requests"
    status = 429
    retry_after_s = 5


def field_errors(errors: Sequence[Mapping[str, Any]], model: type | None, route: object = None) -> list[FieldError]:
    """Pydantic's error list as fields and messages; at most `MAX_ERRORS`."""
    return [
        {"field": _path(error["loc"]), "message": parameters.fault(route, error) or _message(error, model)}
        for error in errors[:MAX_ERRORS]
    ]


def _message(error: Mapping[str, Any], model: type | None) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        *above, name = _inside(error["loc"])
        return "; ".join(filter(None, ("no such field", did_you_mean(name, _fields(model, above)))))
    if error["type"] == "missing":
        return "is required"
    if error["type"] in ("literal_error", "enum") and "input" in error:
        known = re.findall("'([^']*)'", str((error.get("ctx") or {}).get("expected", "")))
        return unknown(_path(error["loc"]).rpartition(".")[2].partition("[")[0], error["input"], known)
    if error["type"] == "json_invalid":
        cause = (error.get("ctx") or {}).get("error", "")
        return f"not JSON: {cause}" if cause else text
    return text[:1].lower() + text[1:]


def _fields(model: Any, path: Sequence[Any]) -> set[str]:
    """What a caller may name in the part of a body that lies at `path`."""
    found = list(_models(model))
    for name in path:
        if isinstance(name, str):
            fields = [one.model_fields[name] for one in found if name in one.model_fields]
            found = [inner for field in fields for inner in _models(field.annotation)]
    return {name for one in found for name, field in one.model_fields.items() if not field.exclude}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _inside(loc: Sequence[Any]) -> list[Any]:
    """Without the place of the whole, such as the body."""
    return list(loc[1:] if len(loc) > 1 and loc[0] in ("body", "query", "path", "header") else loc)


def _path(loc: Sequence[Any]) -> str:
    """`("body", "company_urls", 17)` → `company_urls[17]`."""
    if loc and loc[0] == "query":
        return str(loc[1])[:200]  # of several values each has the name of all
    path = ""
    for part in _inside(loc):
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else str(part)
    return path[:200] or "body"


def _sentence(errors: Sequence[FieldError]) -> str:
    if not errors:
        return "the request is wrong"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0]['field']}: {errors[0]['message']}{more}"


def problem(
    status: int,
    detail: str,
    *,
    request_id: str,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """The answer for one problem; no secret is in it, whoever wrote the sentence."""
    code = code or CODES.get(status, "error")
    body = {
        "type": f"urn:leadmill:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": redacted(detail),
        "code": code,
        "request_id": request_id,
        **{name: redacted.within(value) for name, value in members.items() if value is not None},
    }
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def request_id(request: Request) -> str:
    """The id that the gate gave to this request."""
    return str(request.scope.get("leadmill.request_id", ""))


def of_error(error: LeadmillError, request_id: str) -> Response:
    """The answer for an error that was raised on purpose."""
    if isinstance(error, BodyError):
        first = error.errors[0]["field"] if error.errors else None
        return problem(422, str(error), request_id=request_id, code=error.code, field=first, errors=error.errors)
    if isinstance(error, InputError):
        listed = [{"field": error.field, "message": str(error)}] if error.field else None
        return problem(
            error.status, str(error), request_id=request_id, code=error.code, field=error.field, errors=listed
        )
    if isinstance(error, UnavailableError):
        wait = {"Retry-After": str(error.retry_after_s)}
        return problem(
            error.status, str(error), request_id=request_id, code=error.code, headers=wait, job_id=error.job_id
        )
    if isinstance(error, QuotaError):
        after = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
        about = {"quota": error.quota, "limit": error.limit, "left": error.left, "asked": error.asked}
        anew = error.resets_at and error.resets_at.isoformat()
        return problem(
            error.status, str(error), request_id=request_id, code=error.code, headers=after, **about, resets_at=anew
        )
    if isinstance(error, GoneError):
        left = list(error.available)
        return problem(error.status, str(error), request_id=request_id, code=error.code, available=left)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyError) else None
    return problem(error.status, str(error), request_id=request_id, code=error.code, headers=headers)


def of_crash(error: Exception, request_id: str, path: str) -> Response:
    """The answer for an error that nobody expected: logged with its trace, told without it."""
    log.error("request crashed", request_id=request_id, path=path, exc_info=error)
    return problem(500, f"something went wrong here; the log has it under {request_id}", request_id=request_id)


async def _leadmill_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LeadmillError)
    if error.status >= 500 and not isinstance(error, UnavailableError):
        log.error("request failed", request_id=request_id(request), path=request.url.path, error=str(error))
    return of_error(error, request_id(request))


async def _system_error(request: Request, error: Exception) -> Response:
    """A disk that is full or cannot be written is no fault of ours; anything else is a crash."""
    assert isinstance(error, OSError)
    told = StorageError.of(error)
    if told is None:
        raise error
    log.error("disk refuses", request_id=request_id(request), path=request.url.path, error=str(error))
    return of_error(told, request_id(request))


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    route = request.scope.get("route")
    body = getattr(route, "body_field", None)
    model = None if body is None else body.field_info.annotation
    return of_error(BodyError(error.errors(), model, route), request_id(request))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail, headers = error.detail, error.headers
    if error.status_code == 404 and detail == "Not Found":
        detail = f"no such address: {request.url.path[:200]}"
    elif error.status_code == 405:
        allow = ", ".join([*allowed(request), "OPTIONS"])
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allow})
        detail, headers = f"{request.method[:20]} is not possible here; possible: {allow}", {"Allow": allow}
    return problem(error.status_code, detail, request_id=request_id(request), headers=headers)


def install(app: FastAPI) -> None:
    """Give an application these handlers; unexpected exceptions are answered by the gate."""
    app.add_exception_handler(LeadmillError, _leadmill_error)
    app.add_exception_handler(OSError, _system_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
