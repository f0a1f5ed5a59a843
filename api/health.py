"""/healthz (this process lives), /readyz (work would be done) and /metrics, at the root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from api.company_view import Seen as TableSeen
from api.context import Everything, Here, Installation, PerhapsWho
from api.metrics.requests import RequestMeter
from api.metrics.scrape import scrape, written
from api.probing import Seen
from api.routing import Router
from data.notice_channels import notice_channels
from data.probes import Warned
from data.project_quotas import project_quotas
from data.projects import damages_everywhere
from leadmill import answers
from leadmill.access import Caller, Role
from leadmill.errors import ForeignLakeError, NoticesUnreadableError, QuotasUnreadableError, UnavailableError
from leadmill.redaction import redacted
from pipelines.queues import Queue
from pipelines.settings_check import setting_faults

router = Router("", "health")

#: Damaged files named.
_NAMED = 5


@router.get(
    "/healthz",
    role=None,
    response_model=answers.Health,
    responses={503: {"model": answers.Health, "description": "The job store is another lake's"}},
    summary="200 while this process lives; `status` is warn when something threatens jobs, fail when disk or Redis "
    "take no writes or damaged files lie in the lake, and fail, with 503, when the job store is another lake's",
)
def healthz(here: Everything, who: PerhapsWho) -> Response:
    found = look(here)
    seen, warnings = found.seen, [str(one) for one in found.warnings]
    if seen.foreign:
        wait = {"Retry-After": str(ForeignLakeError(warnings[0]).retry_after_s)}
        told = _told(who, "fail", **seen.shown, warnings=warnings, detail=warnings[0])
        return JSONResponse(told, status_code=503, headers=wait)
    companies = {project: _table_told(table) for project, table in found.tables.items()}
    return JSONResponse(_told(who, found.status, **seen.shown, companies=companies, warnings=warnings))


@dataclass(frozen=True)
class Found:
    """How this process and what it writes to are."""

    #: ok, warn or fail.
    status: str
    seen: Seen
    #: The reason first.
    warnings: tuple[Warned, ...]
    #: By project: what its lists of companies come from.
    tables: Mapping[str, TableSeen]


def look(here: Installation) -> Found:
    """All that is known of it; who may be told what is for the caller to decide."""
    seen = here.prober.look()
    if seen.foreign:
        return Found("fail", seen, seen.warnings, {})
    damaged = [f"{one.file} is damaged and set aside: {one.error}" for one in damages_everywhere(here.lake)[:_NAMED]]
    mistaken = [fault.text for fault in setting_faults(here.settings)]
    unknown = _unknown_quotas(here)
    untold = _unknown_channels(here)
    tables = here.views.seen()
    scanned = [
        f"lists of companies of {project} scan the lake, and the API builds their table anew: {table.error}"
        for project, table in tables.items()
        if table.state == "failed"
    ]
    warnings = *map(Warned, (*damaged, *unknown, *untold, *mistaken, *scanned)), *seen.warnings
    closed = unknown or untold or not here.keyring.is_readable
    status = "fail" if seen.faults or damaged or closed else "warn" if warnings else "ok"
    return Found(status, seen, warnings, tables)


def _table_told(seen: TableSeen) -> dict[str, Any]:
    age = None if seen.age_s is None else round(seen.age_s, 1)
    return {"state": seen.state, "companies": seen.companies, "age_seconds": age}


def _unknown_quotas(here: Installation) -> list[str]:
    """Why nothing is taken though disk and Redis take writes."""
    try:
        project_quotas(here.lake.data).own()
    except QuotasUnreadableError as error:
        return [str(error)]
    return []


def _unknown_channels(here: Installation) -> list[str]:
    """Why nobody hears of anything."""
    try:
        notice_channels(here.lake.data).table()
    except NoticesUnreadableError as error:
        return [str(error)]
    return []


def _told(who: Caller | None, status: str, **more: Any) -> Any:
    """All of it for who administers the installation; for everybody else whether it is well."""
    if who is not None and who.administers_all:
        return redacted.within({"status": status, **more})
    return {"status": "fail" if status == "fail" else "ok"}


@router.get(
    "/readyz",
    role=None,
    response_model=answers.Readiness,
    summary="200 once every queue has a listener, and disk and Redis take writes",
)
def readyz(here: Everything, who: PerhapsWho) -> Response:
    tells = who is not None and who.administers_all
    try:
        here.keyring.table()
        workers = _working(here)
    except UnavailableError as error:
        if tells:
            raise
        raise UnavailableError("not ready") from error
    return JSONResponse({"status": "ready", **({"workers": workers} if tells else {})})


def _working(here: Installation) -> int:
    """How many workers there are, where every queue has one and everything takes writes.

    Raises:
        UnavailableError: it is not so; says what is missing.
    """
    seen = here.prober.look()
    if seen.foreign:
        raise ForeignLakeError(str(seen.warnings[0]))
    for fault in seen.faults:
        raise UnavailableError(f"{fault.text}; {fault.remedy}")
    project_quotas(here.lake.data).own()
    workers = here.store.workers()
    heard = {queue for worker in workers.values() for queue in worker.queues}
    missing = [queue.value for queue in Queue if queue.value not in heard]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise UnavailableError(f"no worker listens on {names}; start one: `leadmill worker -Q {','.join(missing)}`")
    return len(workers)


@router.get(
    "/metrics",
    role=Role.VIEWER,
    summary="All metrics, for Prometheus",
    response_class=PlainTextResponse,
    responses={200: {"content": {"application/openmetrics-text": {"schema": {"type": "string"}}}}},
)
def metrics(here: Here, everything: Everything, request: Request) -> Response:
    meter: RequestMeter = request.app.state.meter
    meter.add_to(everything.store)
    text, media_type = written(scrape(here, everything.prober), request.headers.get("accept", ""))
    return Response(text, media_type=media_type)
