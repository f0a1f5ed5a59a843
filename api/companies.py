"""GET /companies, as a page, as counts of values and as tables; /companies/{id or domain}."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query
from fastapi import Path as PathName
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from api import problems
from api.company_answers import CompanyDetail
from api.company_columns import FACETS
from api.company_export import company_table
from api.company_facets import facets
from api.company_rows import MAX_PAGE, CompanyFilter, company, company_page
from api.context import Context, Here
from api.explanation import explain
from api.fields import Blank, Has, Size, Tag
from api.report_files import file_answers, passing_file
from api.routing import Router
from leadmill.access import Role
from leadmill.answers import CompanyFacets, CompanyPage, Explanation
from leadmill.errors import ConfigError, InputError
from leadmill.ids import JOB_ID, parse_company_url
from leadmill.suggest import unknown
from pipelines.execution.filtered import jobs_with
from pipelines.intake.report_on_demand import ReportForm
from pipelines.scoring.vocabulary import country_codes
from reports.layout_choice import check_choice
from reports.layouts import DEFAULT
from reports.lead_filter import LeadFilter
from reports.lead_order import BEST_FIRST, ORDERS

router = Router("/companies", "companies")

TIERS = ("A", "B", "C", "D")
#: Values of a field that one call counts.
MAX_VALUES = 100
Word = Annotated[str, Query(min_length=1, max_length=100)]
Words = Annotated[list[Word], Query(max_length=200)]
Sort = Annotated[
    Literal[*ORDERS],  # type: ignore[valid-type]
    Query(description="A column, with `-` in front the other way round; what is not known comes last either way"),
]
Layout = Annotated[str, Query(max_length=100, description="Which columns, under which headers")]
Bom = Annotated[bool, Query(description="The CSV begins with a byte-order mark")]


def _wanted(
    here: Here,
    job: Annotated[
        Annotated[str, Field(max_length=60)] | None, Blank, Query(description="Rows of this job, and of no other")
    ] = None,
    tag: Annotated[Tag | None, Blank, Query(description="Rows of jobs that have it, and of no other job")] = None,
    domain: Annotated[
        Annotated[str, Field(max_length=2_000)] | None,
        Blank,
        Query(description="A company's domain, or an address of it"),
    ] = None,
    country: Annotated[
        Words, Query(description="Codes or names, also of regions: DE, Germany, DACH; one has to match")
    ] = [],  # noqa: B006
    tier: Annotated[Words, Query(description="Several, also as A,B: one has to match")] = [],  # noqa: B006
    industry: Annotated[Words, Query(description="One of several has to match")] = [],  # noqa: B006
    technology: Annotated[Words, Query(description="One of several has to match")] = [],  # noqa: B006
    min_score: Annotated[Annotated[float, Field(ge=0, le=100)] | None, Blank, Query()] = None,
    text: Annotated[str, Query(max_length=200, description="Part of name, domain or description")] = "",
    language: Annotated[Words, Query(description="As sites declare it (de, pt-BR); one has to match")] = [],  # noqa: B006
    size: Annotated[list[Size], Query(description="Number of people; one has to match")] = [],  # noqa: B006
    has: Annotated[list[Has], Query(description="How it can be reached; each is needed")] = [],  # noqa: B006
) -> tuple[CompanyFilter, str]:
    """The filter, and it in words."""
    for name in (tiers := _split(tier)):
        if name.upper() not in TIERS:
            raise InputError(unknown("tier", name, TIERS), field="tier")
    try:
        countries = country_codes(_split(country))
    except ValueError as error:
        raise InputError(str(error), field="country") from error
    lead = LeadFilter(
        tag, tiers, countries, tuple(industry), tuple(technology), min_score, text, tuple(language), tuple(size),
        tuple(has),
    )  # fmt: skip
    words = [lead.told, *(f"{name} {value}" for name, value in (("job", job), ("domain", domain)) if value)]
    if domain is not None:
        try:
            domain = parse_company_url(domain).domain
        except InputError as error:
            raise InputError(str(error), field="domain") from error
    return CompanyFilter(lead, _jobs(here, job, tag), domain), "; ".join(filter(None, words))


def _split(values: list[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _jobs(here: Context, job: str | None, tag: str | None) -> list[str] | None:
    if job is not None and not JOB_ID.match(job):
        raise InputError("not the id of a job", field="job")
    tagged = None if tag is None else jobs_with(here.store, here.lake, tag)
    if job is None or tagged is None:
        return tagged if job is None else [job]
    return [one for one in tagged if one == job]


Wanted = Annotated[tuple[CompanyFilter, str], Depends(_wanted)]


@router.get("", role=Role.VIEWER, response_model=CompanyPage, summary="Companies by their newest row, best first")
def list_companies(
    here: Here,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    sort: Sort = BEST_FIRST,
) -> Response:
    items, following = company_page(here.companies, wanted[0], limit, cursor, sort)
    return JSONResponse({"items": items, "next_cursor": following})


@router.get(
    "/facets",
    role=Role.VIEWER,
    response_model=CompanyFacets,
    summary="How many companies match, and how many have each value",
)
def company_facets(
    here: Here,
    wanted: Wanted,
    field: Annotated[list[Literal[FACETS]], Query(description="Several may be named; none: all")] = [],  # type: ignore[valid-type]  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=MAX_VALUES, description="Values of each field, most frequent first")] = 20,
) -> Response:
    return JSONResponse(facets(here.companies, wanted[0], list(dict.fromkeys(field)) or FACETS, limit))


_REFUSED = problems.refusals(404, 507)


@router.get(
    ".csv",
    role=Role.VIEWER,
    responses={200: file_answers("csv"), **_REFUSED},
    response_class=Response,
    summary="Every company that matches, as CSV",
)
def companies_csv(
    here: Here, wanted: Wanted, layout: Layout = DEFAULT, bom: Bom = True, sort: Sort = BEST_FIRST
) -> Response:
    return _file(here, wanted, ReportForm("csv", "leads", layout, bom), sort)


@router.get(
    ".xlsx",
    role=Role.VIEWER,
    responses={200: file_answers("xlsx"), **_REFUSED},
    response_class=Response,
    summary="Every company that matches, as XLSX",
)
def companies_xlsx(here: Here, wanted: Wanted, layout: Layout = DEFAULT, sort: Sort = BEST_FIRST) -> Response:
    return _file(here, wanted, ReportForm("xlsx", "leads", layout), sort)


@router.get(
    ".json",
    role=Role.VIEWER,
    responses={200: file_answers("json"), **_REFUSED},
    response_class=Response,
    summary="The same as an array of whole rows",
)
def companies_json(here: Here, wanted: Wanted, sort: Sort = BEST_FIRST) -> Response:
    return _file(here, wanted, ReportForm("json", "leads"), sort)


def _file(here: Context, wanted: tuple[CompanyFilter, str], form: ReportForm, sort: str) -> Response:
    try:
        check_choice(form.layout, (form.format,))
    except (InputError, ConfigError) as error:
        raise InputError(str(error), field="layout") from error
    path = company_table(here.companies, wanted[0], form, wanted[1], sort)
    layout = "" if form.layout == DEFAULT else f"{form.layout}-"
    return passing_file(path, f"leadmill-{layout}companies.{form.format}", form)


@router.get(
    "/{company_id}",
    role=Role.VIEWER,
    response_model=CompanyDetail,
    summary="One company by its id or its domain, with its facts and its history",
)
def one_company(
    company_id: Annotated[str, PathName(description="Or its domain, or an address of it")], here: Here
) -> Response:
    return JSONResponse(company(here.companies, company_id))


@router.get(
    "/{company_id}/explain",
    role=Role.VIEWER,
    response_model=Explanation,
    responses=problems.refusals(404),
    summary="Where a field's value comes from, and why it is that one",
)
def explain_field(
    company_id: Annotated[str, PathName(description="Or its domain, or an address of it")],
    here: Here,
    field: Annotated[str, Query(max_length=100, description="A column, or the field of a fact: `email`, `social:x` …")],
    job: Annotated[str | None, Query(description="Only rows of this job count")] = None,
) -> Response:
    if job is not None and not JOB_ID.match(job):
        raise InputError("not the id of a job", field="job")
    return JSONResponse(explain(here.companies, company_id, field, job))
