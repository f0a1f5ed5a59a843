"""POST /jobs/process/scores: score companies already in the lake."""

from __future__ import annotations

from fastapi.responses import Response

from api.bodies import ScoreBody, scoring
from api.context import Here
from api.routing import Router
from api.submitting import IdempotencyHeader, accept, simple
from leadmill.access import Role
from leadmill.answers import Accepted

router = Router("/jobs/process", "submissions")


@router.post("/scores", role=Role.OPERATOR, status_code=202, response_model=Accepted, summary="Score enriched rows")
def score(body: ScoreBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    submission = simple(
        "score",
        body.common(),
        company_ids=body.company_ids,
        options=scoring(body),
    )
    return accept(here, submission, idempotency_key)
