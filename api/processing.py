"""POST /jobs/process/…: process, enrich or score companies already in the lake."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api import problems
from api.bodies import AcceptedBody, CompaniesBody, ScoreBody
from api.context import Here
from api.submitting import IdempotencyHeader, accept, simple
from pipelines.stages import Kind

router = APIRouter(prefix="/jobs/process", tags=["submissions"], responses=problems.RESPONSES)


@router.post("/data", status_code=202, response_model=AcceptedBody, summary="Extract rows from pages fetched before")
def process_data(body: CompaniesBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    return accept(here, simple(Kind.PROCESS, body.common(), company_ids=body.company_ids), idempotency_key)


@router.post("/enrich", status_code=202, response_model=AcceptedBody, summary="Enrich processed rows")
def enrich(body: CompaniesBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    return accept(here, simple(Kind.ENRICH, body.common(), company_ids=body.company_ids), idempotency_key)


@router.post("/scores", status_code=202, response_model=AcceptedBody, summary="Score enriched rows")
def score(body: ScoreBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    submission = simple(
        Kind.SCORE,
        body.common(),
        company_ids=body.company_ids,
        options={"scoring_model": body.scoring_model},
    )
    return accept(here, submission, idempotency_key)
