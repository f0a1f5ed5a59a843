"""POST /jobs/analytics/…: a report or an analysis over companies of the lake."""

from __future__ import annotations

from fastapi.responses import Response

from api.bodies import AnalysisBody, ReportBody, table_options
from api.context import Here
from api.routing import Router
from api.submitting import IdempotencyHeader, accept, simple
from leadmill.access import Role
from leadmill.answers import Accepted

router = Router("/jobs/analytics", "submissions")


@router.post(
    "/report",
    role=Role.OPERATOR,
    status_code=202,
    response_model=Accepted,
    summary="Report on companies (none named: all)",
)
def report(body: ReportBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    options = {"report": {"type": body.report_type, "formats": body.formats, **table_options(body)}}
    found = body.filter.given()
    submission = simple("report", body.common(), company_ids=body.company_ids, options=options, filter=found)
    return accept(here, submission, idempotency_key)


@router.post(
    "/analyze",
    role=Role.OPERATOR,
    status_code=202,
    response_model=Accepted,
    summary="Analyse companies (none named: all)",
)
def analyze(body: AnalysisBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    options = {"report": {"type": body.report_type}}
    submission = simple("analyze", body.common(), company_ids=body.company_ids, options=options)
    return accept(here, submission, idempotency_key)
