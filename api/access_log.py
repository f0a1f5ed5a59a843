"""A line for each request, where machines read along (logger `api.access`, `leadmill.log.ACCESS_FIELDS`).

It tells the form of an address, not what somebody put into it: of the query only the names of its parameters.
"""

from __future__ import annotations

import logging
import time
from urllib.parse import unquote_plus

from starlette.types import Message, Scope

from api.auditing.calls import job_in
from leadmill.access import Caller
from leadmill.ids import JOB_ID
from leadmill.log import ACCESS, get_logger

log = get_logger(ACCESS)
_LOGGER = logging.getLogger(ACCESS)

#: What is asked all the time, by machines: told when it goes wrong, and at level DEBUG.
_OFTEN = frozenset({"/healthz", "/readyz", "/metrics"})
#: Most names of parameters, and characters of one.
_NAMES, _NAME_CHARS = 20, 40


def speaks() -> bool:
    """Whether lines are written at all; asked before each request."""
    return _LOGGER.isEnabledFor(logging.INFO)


class Access:
    """One request, from its headers to the end of its answer."""

    def __init__(self, scope: Scope) -> None:
        self._scope, self._began = scope, time.perf_counter()
        self._start: Message | None = None

    def answered(self, start: Message) -> None:
        """The answer has begun."""
        self._start = start

    def over(self, route: str | None) -> None:
        """Nothing more of the answer will come: tell of it, and of the call that it was."""
        scope, start = self._scope, self._start
        status = None if start is None else start["status"]
        tell = log.debug if scope["path"] in _OFTEN and status is not None and status < 500 else log.info
        caller: Caller | None = scope.get("leadmill.caller")
        about = {
            "job": _job(scope, start),
            "route": route,
            "parameters": _parameters(scope["query_string"]),
            "status": status,
            "ms": round(1_000 * (time.perf_counter() - self._began), 1),
            "key": caller and caller.key_id,
            "project": caller and caller.key_id and caller.project,
            "address": (scope.get("client") or (None,))[0],
        }
        known = {name: value for name, value in about.items() if value is not None}
        tell("request", method=scope["method"][:20], **known)


def _job(scope: Scope, start: Message | None) -> str | None:
    """The job that a request was about, or has made."""
    named = (scope.get("path_params") or {}).get("job_id")
    if isinstance(named, str):
        return named if JOB_ID.match(named) else None
    return None if start is None else job_in(start["headers"])


def _parameters(query: bytes) -> str | None:
    if not query:
        return None
    names = [part.partition("=")[0] for part in query.decode("latin-1").split("&")[:_NAMES]]
    return ",".join(unquote_plus(name)[:_NAME_CHARS] for name in names if name)
