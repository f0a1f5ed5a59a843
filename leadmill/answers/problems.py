"""Errors: what every call may answer."""

from __future__ import annotations

from typing import NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class FieldError(TypedDict):
    """One fault of a request."""

    field: str
    """Where: `company_urls[17]`."""
    message: str


class Problem(TypedDict):
    """An error, as RFC 9457 has it. `code` is stable."""

    type: str
    """`urn:leadmill:problem:` and the code."""
    title: str
    status: int
    detail: str
    """What is wrong, and where it helps, what to do."""
    code: str
    request_id: str
    """The log has the error under it; also the header `X-Request-ID`."""
    field: NotRequired[str]
    """The first field that is wrong: `company_urls[17]`."""
    errors: NotRequired[list[FieldError]]
    """All fields that are wrong, at most 20."""
    job_id: NotRequired[str]
    """Of a submit that was answered 503: the job that may have been recorded."""
    available: NotRequired[list[str]]
    """With 410: what is left."""
