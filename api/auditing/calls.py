"""The call that a request is, as an audit entry names it: its action, its address without values, and what it is on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fastapi.routing import RouteContext
from starlette.routing import compile_path

from leadmill.ids import COMPANY_ID, JOB_ID
from pipelines.intake.cron import NAME

#: Where a request reached no call.
NO_CALL = "no_such_call"
#: The job that an answer is about, in its `Location`.
_JOB = re.compile(rb"(?:https?://[^/]+)?/api/v1/jobs/status/(job_[0-9a-z]{20})")
#: Parameters of addresses with a form that nothing else has; what has not that form is not kept.
_FORMS: Mapping[str, re.Pattern[str]] = {
    "job_id": JOB_ID,
    "company_id": COMPANY_ID,
    "key_id": re.compile(r"[0-9a-z]{8}\Z"),
    "name": NAME,
    "delivery_id": re.compile(r"ntc_[0-9a-f-]{1,40}(\|[!-{}~]{1,100})?\Z"),
}


class Call(NamedTuple):
    """A call of the API."""

    #: Its name, with which its `operationId` in the OpenAPI document begins.
    action: str
    #: The address with names of parameters in the place of their values.
    route: str | None


class Calls:
    """Every call of an application."""

    def __init__(self, routes: Iterable[RouteContext]) -> None:
        self._of_route: dict[int, Call] = {}
        self._all: list[tuple[frozenset[str], re.Pattern[str], Call]] = []
        for one in routes:
            if one.path is not None:
                call = Call(one.name or NO_CALL, one.path_format)
                self._of_route[id(one.original_route)] = call
                self._all.append((frozenset(one.methods or ()), compile_path(one.path)[0], call))

    def of(self, scope: Mapping[str, Any]) -> tuple[Call, str | None]:
        """The call of a request, and the id in its address; also where it was refused before it came that far."""
        found = self._of_route.get(id(scope.get("route")))
        if found is not None:
            return found, _id_in(scope.get("path_params") or {})
        for methods, form, call in self._all:
            if scope["method"] in methods and (match := form.match(scope["path"])):
                return call, _id_in(match.groupdict())
        return Call(NO_CALL, None), None


def _id_in(parameters: Mapping[str, Any]) -> str | None:
    """The first parameter of an address that has the form of an id."""
    for name, value in parameters.items():
        form = _FORMS.get(name)
        if form is not None and form.match(str(value)):
            return str(value)
    return None


def job_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The job that an answer's headers name."""
    for name, value in headers:
        if name == b"location" and (found := _JOB.fullmatch(value)):
            return found[1].decode()
    return None
