"""GET /companies and /companies/{id}."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from api.company_answers import CompanyDetail, CompanyPage
from api.company_rows import MAX_PAGE, CompanyFilter, company, company_page
from api.context import Here
from api.routing import Router

router = Router("/companies", "companies")

Word = Annotated[str | None, Query(min_length=1, max_length=100)]


@router.get("", response_model=CompanyPage, summary="Companies by their newest row, best score first")
def list_companies(
    here: Here,
    country: Word = None,
    tier: Word = None,
    industry: Word = None,
    technology: Word = None,
    min_score: Annotated[float | None, Query(ge=0, le=100)] = None,
    text: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    wanted = CompanyFilter(country, tier, industry, technology, min_score, text)
    items, following = company_page(here.lake, wanted, limit, cursor)
    return JSONResponse({"items": items, "next_cursor": following})


@router.get("/{company_id}", response_model=CompanyDetail, summary="One company with its facts and its history")
def one_company(company_id: str, here: Here) -> Response:
    return JSONResponse(company(here.lake, company_id))
