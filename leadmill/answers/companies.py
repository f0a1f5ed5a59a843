"""Companies of the lake."""

from __future__ import annotations

from typing import Any, Literal

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class Company(TypedDict):
    """The newest row of a company, as lists show it."""

    company_id: str
    domain: str
    url: str | None
    name: str | None
    description: str | None
    emails: list[str] | None
    phones: list[str] | None
    """E.164."""
    country: str | None
    """ISO 3166, two letters."""
    language: str | None
    """BCP 47."""
    industry: str | None
    technologies: list[str] | None
    employees_min: int | None
    employees_max: int | None
    quality: float | None
    """0 to 1: how much was found."""
    score: float | None
    """0 to 100."""
    tier: str | None
    """A to D."""
    fit: float | None
    """0 to 100: how well it fits the profile that was asked for; null without one."""
    reach: float | None
    """0 to 100: how easily it is reached."""
    probability: float | None
    """Null until a model was learned from outcomes."""
    job_id: str
    """The job that found this row."""
    seen_at: str | None


class CompanyPage(TypedDict):
    """Companies, best score first."""

    items: list[Company]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""


class Person(TypedDict):
    """A person of a company: personal data, found for jobs that ask for it."""

    company_id: str
    domain: str
    person_id: str
    """The same in every job."""
    name: str
    role: str | None
    """In the page's words."""
    role_class: str | None
    """owner, management, sales …; `other`: of none."""
    email: str | None
    phone: str | None
    """E.164."""
    source: str
    """Address of the page."""
    page_hash: str
    method: str
    """How it was read."""
    confidence: float
    """0 to 1."""
    quote: str | None
    """The page's own words."""
    seen_at: str
    job_id: str


class PersonPage(TypedDict):
    """Persons by company, surest first."""

    items: list[Person]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""


class LedgerEntry(TypedDict):
    """A request of a crawl, or an address that it did not ask."""

    company_id: str
    domain: str
    """The company's, for which it was asked."""
    host: str
    url: str
    kind: str
    """home, contact, imprint … of a page; robots, sitemap."""
    at: str
    outcome: Literal["answered", "failed", "refused", "left_out"]
    """No answer came: failed; it must not be asked: refused; it was met and not worth a request: left_out."""
    status: int | None
    bytes: int | None
    """Of the body, as they came."""
    took_ms: int | None
    robots: str | None
    """Which rule of robots.txt spoke: allowed, no rules, not known, or what forbids it, with what it says its pages may
    not be used for (allowed; Content-Signal: ai-train=no); null: not looked at."""
    reason: str | None
    """Why there was no answer, or no request; of a page what it asks of robots."""
    job_id: str


class LedgerPage(TypedDict):
    """Entries of the ledger, the latest first."""

    items: list[LedgerEntry]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""


class CompanyHistory(TypedDict):
    """What one job found of a company."""

    job_id: str
    stage: str
    at: str | None
    quality: float | None
    score: float | None
    tier: str | None
    model_version: str | None
    error_category: str | None
    error: str | None


class ValueCount(TypedDict):
    """A value of a field, and how many companies have it."""

    value: str
    companies: int


class CompanyFacets(TypedDict):
    """How many companies match a filter, and of each field that was asked for its most frequent values."""

    companies: int
    facets: dict[str, list[ValueCount]]


class QueryColumn(TypedDict):
    """A column of a query's result; several may have one name."""

    name: str
    type: str
    """As DuckDB has it: `VARCHAR`, `DOUBLE[]`."""


class QueryResult(TypedDict):
    """The rows of one SELECT."""

    columns: list[QueryColumn]
    rows: list[list[Any]]
    """As many as fit into the limit, and into 2 MB. Numbers that JSON would round are texts; bytes are hexadecimal."""
    total: int
    """How many rows the query has; `total_is_exact` is false where they were counted no further."""
    total_is_exact: bool
    cut_by: Literal["limit", "size"] | None
    """Why not all of them are in `rows`: the `limit` that was asked for, or 2 MB. All are in `/sql.csv`."""
    took_s: float


class Evidence(TypedDict):
    """A value that was read for a field: where, how, and why it was taken or not."""

    field: str
    value: str
    source: str
    """Address of the page."""
    page_hash: str
    method: str
    how: str
    """The method in words."""
    confidence: float | None
    """0 to 1: how often such values are right; of a candidate what it was weighed with."""
    seen_at: str | None
    quote: str | None
    """The page's own words around the value."""
    words: list[str] | None
    """What made the rule speak, where no sentence tells it."""
    line: int | None
    """Place of the quote among the lines of the visible text, from 0."""
    node: str | None
    """The node that the page declares it in."""
    place: str
    """The place in words; empty where it is not known."""
    why: str
    """Why it was taken, or not."""


class PageRead(TypedDict):
    """A page of a company that was read."""

    url: str
    kind: str
    status: int
    page_hash: str
    fetched_at: str


class PageError(TypedDict):
    """What went wrong with a page of a company, or with the company in a stage."""

    url: str | None
    scope: Literal["company", "page"]
    stage: str
    category: str
    error: str
    status: int | None
    at: str | None


class Explanation(TypedDict):
    """What a company's row says of a field, and why."""

    company_id: str
    domain: str
    job_id: str
    """The job that made the row."""
    field: str
    value: Any
    """As the row has it; of the field of a fact, the values of all its facts."""
    state: Literal["found", "not_found", "not_tried", "failed"]
    told: str
    """The state in words."""
    facts: list[Evidence]
    """Where the value comes from; empty for what no page tells, as the score."""
    candidates: list[Evidence]
    """What was read and not taken, the surest five."""
    pages: list[PageRead]
    """Of a field without value: the pages that were read."""
    errors: list[PageError]
    """Of a field without value: what went wrong."""
    links: dict[str, str]
