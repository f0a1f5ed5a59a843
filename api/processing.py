"""POST /jobs/process/scores: score companies already in the lake."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api import problems
from api.bodies import AcceptedBody, ScoreBody
from api.context import Here
from api.submitting import IdempotencyHeader, accept, simple

router = APIRouter(prefix="/jobs/process", tags=["submissions"], responses=problems.RESPONSES)


@router.post("/scores", status_code=202, response_model=AcceptedBody, summary="Score enriched rows")
def score(body: ScoreBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    submission = simple(
        "score",
        body.common(),
        company_ids=body.company_ids,
        options={"scoring_model": body.scoring_model},
    )
    return accept(here, submission, idempotency_key)
