"""POST /jobs/maintenance/…: housekeeping as jobs, whose findings are in `result`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import problems
from api.bodies import AcceptedBody, Common
from api.context import Here
from api.submitting import IdempotencyHeader, accept, simple
from pipelines.stages import Kind

router = APIRouter(prefix="/jobs/maintenance", tags=["maintenance"], responses=problems.RESPONSES)


@router.post(
    "/cleanup",
    status_code=202,
    response_model=AcceptedBody,
    summary="Archive jobs that ended long ago (default 90 days)",
)
def cleanup(
    here: Here,
    older_than_days: Annotated[int | None, Query(ge=0, le=36_500)] = None,
    body: Common | None = None,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    options = {"older_than_days": older_than_days}
    return accept(here, simple(Kind.CLEANUP, (body or Common()).common(), options=options), idempotency_key)


@router.post(
    "/health-check", status_code=202, response_model=AcceptedBody, summary="Look for faults; finding some is no failure"
)
def health_check(here: Here, body: Common | None = None, idempotency_key: IdempotencyHeader = None) -> Response:
    return accept(here, simple(Kind.HEALTH_CHECK, (body or Common()).common()), idempotency_key)


@router.post("/optimize-db", status_code=202, response_model=AcceptedBody, summary="Compact the lake")
def optimize_db(here: Here, body: Common | None = None, idempotency_key: IdempotencyHeader = None) -> Response:
    return accept(here, simple(Kind.OPTIMIZE_DB, (body or Common()).common()), idempotency_key)
