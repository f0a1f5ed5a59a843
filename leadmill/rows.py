"""Rows as they go from room to room: dictionaries with the columns of `data.schemas`, typed here.

The lake adds `job_id` and `schema_version` when it stores a row; whoever makes one leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from leadmill.errors import ErrorCategory, ErrorCode
from leadmill.redaction import redacted


class PlanRow(TypedDict):
    """A company of a partition (`data.schemas.PLAN`; what launch refused has no partition)."""

    company_id: str
    domain: str
    url: str
    #: The caller named no scheme: https is tried first, then http.
    bare: bool
    #: URLs on other hosts that were given for it, too, those without a scheme as they were given.
    further: list[str] | None
    partition: int
    #: The job whose rows a job without scrape reads.
    source_job: str | None
    error_category: None
    error: None
    #: Line of the input.
    line: int | None


class PageRow(TypedDict):
    """A fetched page (`data.schemas.PAGES`)."""

    company_id: str
    domain: str
    #: As requested, and after redirects.
    url: str
    final_url: str
    #: home, contact, about, imprint, careers, pricing, team, products or other.
    kind: str
    #: Links away from the home page.
    depth: int
    status: int
    #: Lower-case names; cookies by name only.
    headers: dict[str, str]
    #: From the HTTP header; None when it names none.
    charset: str | None
    html: bytes
    #: 16 hex of sha256(html).
    page_hash: str
    fetched_at: datetime


class LedgerRow(TypedDict):
    """One request of a crawl, or an address that it did not ask (`data.schemas.LEDGER`)."""

    company_id: str
    domain: str
    #: Of the address: name, and its port where it is another than the scheme's.
    host: str
    url: str
    #: As of a page; also robots, sitemap and the like.
    kind: str
    #: When it was sent, or decided against.
    at: datetime
    #: answered, failed (no answer came), refused (it must not be asked), left_out (it was not worth asking).
    outcome: str
    #: HTTP status of the answer, bytes of its body as they came, and how long it took.
    status: int | None
    bytes: int | None
    took_ms: int | None
    #: Under which rule of robots.txt: allowed, no rules, not asked, or the rule that forbids it.
    robots: str | None
    #: Why there was no answer, or no request.
    reason: str | None


class ScrapedRow(TypedDict):
    """A company whose home page was fetched (`STAGE_SCHEMAS["scrape"]`)."""

    company_id: str
    domain: str
    #: Where the home page was found.
    url: str
    #: How many were fetched.
    pages: int
    #: Another domain that the home page led to, and that is the company's since; None where it stayed on its own.
    alias: str | None
    scraped_at: datetime


class Fact(TypedDict):
    """Where a value comes from: the page, the words on it, how they were read, and how sure that is (0 to 1)."""

    field: str
    value: str
    #: Address of the page, and its hash among the stored ones (`PageRow.page_hash`).
    source: str
    page_hash: str
    #: How it was read: the rule that spoke.
    method: str
    confidence: float
    seen_at: datetime
    #: The page's own words around the value, as its visible text (`extraction.document`) or the declared node has them.
    quote: str | None
    #: Where no sentence tells it: what made the rule speak, in the page's text, markup, headers or address.
    words: list[str] | None
    #: Place of the quote: the line of the visible text, from 0, or the declared node (`json-ld:3`).
    line: int | None
    node: str | None
    #: Why this one was chosen, or not, where that is not told by the confidences.
    why: str | None


class PersonRow(TypedDict):
    """A person of a company (`data.schemas.PEOPLE`): personal data, made only for jobs that ask for it."""

    company_id: str
    domain: str
    #: The same in every job: a digest of company and name.
    person_id: str
    name: str
    #: In the page's words, and its class (extraction/job_titles.toml; `other` for a declared one that is of none).
    role: str | None
    role_class: str | None
    email: str | None
    #: E.164.
    phone: str | None
    #: Where it was read, as in a `Fact`.
    source: str
    page_hash: str
    method: str
    confidence: float
    quote: str | None
    seen_at: datetime


class LookRow(TypedDict):
    """What the enrichers saw on a company's pages (`data.schemas.LOOKS`), as `extraction.looks` writes and reads it."""

    company_id: str
    domain: str
    #: Of the company's row: when the pages were fetched.
    scraped_at: datetime | None
    #: Enricher → the version of it that looked (`extraction.look_version`); empty where it saw what cannot be kept.
    versions: dict[str, str]
    looks: str
    #: Set by who reads it: the company's pages were fetched again since.
    superseded: NotRequired[bool]


class CompanyRow(TypedDict):
    """A company as its pages tell of it (`STAGE_SCHEMAS["process"]`)."""

    company_id: str
    domain: str
    url: str | None
    #: Another domain that the home page led to, and that is the company's since.
    alias: str | None
    name: str | None
    legal_name: str | None
    #: Of the turnover tax, with its prefix: `DE123456789`.
    vat_id: str | None
    #: number, court (None where the country has one register), country.
    register: dict[str, str | None] | None
    description: str | None
    emails: list[str]
    #: E.164, as `fax`.
    phones: list[str]
    fax: list[str]
    #: street, city, region, postcode, country.
    address: dict[str, str | None] | None
    #: All offices, that of `address` first: its parts, and `head_office` (bool).
    locations: list[dict[str, Any]]
    #: ISO 3166, two letters.
    country: str | None
    #: BCP 47.
    language: str | None
    #: Network → URL of the profile.
    social: dict[str, str]
    founded: int | None
    logo_url: str | None
    careers_url: str | None
    pricing_url: str | None
    contact_url: str | None
    pages: int | None
    #: Where each value of the row comes from.
    facts: list[Fact]
    #: What was read for a field and not taken, surest first; never true of the company for all that is known.
    candidates: list[Fact]
    #: 0 to 1.
    quality: float
    scraped_at: datetime | None
    processed_at: datetime


#: A `CompanyRow` with the columns that the enrichers add, which may be a plug-in's (`STAGE_SCHEMAS["enrich"]`).
EnrichedRow = dict[str, Any]


class Contribution(TypedDict):
    """What one rule added to a score, or took from it."""

    rule: str
    axis: str
    points: float
    reason: str


class InputLine(TypedDict):
    """What one line of a job's list says of a company."""

    #: Line of the input.
    line: int
    #: Header → text, of all columns but the one with the address.
    values: dict[str, str]


class Lead(CompanyRow):
    """A company of a report, with all that the stages found (`STAGE_SCHEMAS["score"]`); plug-ins may add columns.

    `address`, `country`, times and the like as in `CompanyRow`.
    """

    industry: str | None
    technologies: list[str]
    employees_min: int | None
    employees_max: int | None
    #: 0 to 100; A to D.
    score: float | None
    tier: str | None
    #: 0 to 100: how well it fits the profile that was asked for (None without one), how easily it is reached.
    fit: float | None
    reach: float | None
    probability: float | None
    contributions: list[Contribution]
    model_version: str | None
    #: The lines of the job's own list; None in rows that several jobs are asked for.
    input: list[InputLine] | None
    #: Why there is no good row.
    error_category: str | None
    error: str | None
    #: What stands in the company's place (`leadmill.errors.ErrorCode`); None for any other error.
    error_code: str | None
    enriched_at: datetime | None
    scored_at: datetime
    job_id: str
    schema_version: int


class ErrorRow(TypedDict):
    """A company or a page that failed in a stage (`data.schemas.ERRORS`)."""

    company_id: str | None
    domain: str | None
    url: str | None
    #: company: it has no good row of this stage; page: only a page is missing.
    scope: Literal["company", "page"]
    stage: str
    category: str
    error: str
    #: HTTP status where there was one.
    status: int | None
    #: What stands in the page's place (`leadmill.errors.ErrorCode`); None for any other error.
    code: str | None
    #: Line of the input.
    line: int | None
    #: Of a company whose host said "later": when the job asks it again.
    deferred_until: datetime | None
    at: datetime


def error_row(
    subject: Mapping[str, Any],
    scope: Literal["company", "page"],
    stage: str,
    category: ErrorCategory,
    reason: str,
    now: datetime,
    *,
    url: str | None = None,
    status: int | None = None,
    code: ErrorCode | None = None,
    deferred_until: datetime | None = None,
) -> ErrorRow:
    """The error of a company or a page; `subject` is its row, or whatever has company_id, domain and url."""
    return {
        "company_id": subject["company_id"],
        "domain": subject["domain"],
        "url": url or subject.get("url"),
        "scope": scope,
        "stage": stage,
        "category": category.value,
        "error": redacted(reason),
        "status": status,
        "code": code and code.value,
        "line": None,
        "deferred_until": deferred_until,
        "at": now,
    }
