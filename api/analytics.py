"""POST /jobs/analytics/…: a report or an analysis over companies of the lake."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api import problems
from api.bodies import AcceptedBody, AnalysisBody, ReportBody, table_options
from api.context import Here
from api.submitting import IdempotencyHeader, accept, simple

router = APIRouter(prefix="/jobs/analytics", tags=["submissions"], responses=problems.RESPONSES)


@router.post("/report", status_code=202, response_model=AcceptedBody, summary="Report on companies (none named: all)")
def report(body: ReportBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    options = {"report": {"type": body.report_type, "formats": body.formats, **table_options(body)}}
    submission = simple("report", body.common(), company_ids=body.company_ids, options=options)
    return accept(here, submission, idempotency_key)


@router.post("/analyze", status_code=202, response_model=AcceptedBody, summary="Analyse companies (none named: all)")
def analyze(body: AnalysisBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    options = {"report": {"type": body.report_type}}
    submission = simple("analyze", body.common(), company_ids=body.company_ids, options=options)
    return accept(here, submission, idempotency_key)
