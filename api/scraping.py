"""POST /jobs/scrape/…: fetch pages only."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from api.bodies import Crawl, ScrapeBatchBody, ScrapeBody, ScrapeOneBody
from api.context import Here
from api.routing import Router
from api.submitting import IdempotencyHeader, accept, simple
from leadmill.access import Role
from leadmill.answers import Accepted
from leadmill.errors import InputError
from pipelines.request.companies import company_of

router = Router("/jobs/scrape", "submissions")


def _options(crawl: Crawl) -> dict[str, Any]:
    return {"crawl": crawl.model_dump(exclude_none=True)}


@router.post("/companies", role=Role.OPERATOR, status_code=202, response_model=Accepted, summary="Scrape companies")
def scrape_companies(body: ScrapeBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    submission = simple("scrape", body.common(), company_urls=body.company_urls, options=_options(body.crawl))
    return accept(here, submission, idempotency_key)


@router.post("/company", role=Role.OPERATOR, status_code=202, response_model=Accepted, summary="Scrape one company")
def scrape_company(body: ScrapeOneBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    try:
        company_of(body.company_url)
    except InputError as error:
        raise InputError(str(error), field="company_url") from error
    submission = simple("scrape", body.common(), company_urls=[body.company_url], options=_options(body.crawl))
    return accept(here, submission, idempotency_key)


@router.post(
    "/batch",
    role=Role.OPERATOR,
    status_code=202,
    response_model=Accepted,
    summary="Scrape what a search finds",
)
def scrape_batch(body: ScrapeBatchBody, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    submission = simple(
        "scrape",
        body.common(),
        options=_options(body.crawl),
        search_queries=body.search_queries,
        max_results_per_query=body.max_results_per_query,
    )
    return accept(here, submission, idempotency_key)
