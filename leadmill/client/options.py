"""What may be given with each submission, once for both clients: an option is a line here.

A type checker refuses a wrong name or type; where none is used, `body` refuses a wrong name. A test compares all names
with those of the API.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Required, TypedDict

from leadmill.errors import InputError
from leadmill.suggest import unknown

Priority = Literal["high", "normal", "low"]
ReportType = Literal["comprehensive", "summary", "leads", "quality"]
JobStatus = Literal["pending", "running", "retry", "completed", "failed", "cancelled"]
#: By its number of people.
CompanySize = Literal["1-9", "10-49", "50-249", "250+"]
ReachedBy = Literal["email", "phone"]
#: What companies are sorted by, with `-` the other way round; those of which it is not known come last either way.
CompanySort = Literal[
    "-score", "score", "name", "-name", "country", "-country", "-employees", "employees", "-seen_at", "seen_at"
]
#: Fields of companies whose values can be counted.
Facet = Literal["tier", "country", "language", "industry", "technologies", "size", "has", "job"]
#: A time: aware, or ISO 8601 text with a zone.
Time = datetime | str


class ReportOptions(TypedDict, total=False):
    """Which report, in which formats."""

    type: ReportType
    #: html, csv, xlsx, json, parquet, or a plug-in's.
    formats: Iterable[str]
    #: Columns of CSV and XLSX (docs/layouts.md): full unless named, crm, hubspot, salesforce …
    layout: str
    #: CSV begins with a byte-order mark.
    bom: bool
    #: Addresses that it is mailed to when it is ready.
    mail_to: Iterable[str]


class CrawlOptions(TypedDict, total=False):
    """How far a crawl goes into each site."""

    #: Of each company at most (1 to 50), and links away from the home page (0 to 5).
    max_pages: int
    max_depth: int
    respect_robots: bool
    #: noindex, nofollow, Content-Signal.
    respect_signals: bool
    #: For one company, and for one request; seconds.
    deadline_s: float
    timeout_s: float
    user_agent: str


class ExtractOptions(TypedDict, total=False):
    """What is looked for on the pages beside the company itself."""

    #: Persons, too: personal data, told by `Client.people` alone.
    people: bool


class Criterion(TypedDict, total=False):
    """One question about a company."""

    #: 1 to 10; 5 unless given.
    weight: int
    #: A company that is known to be otherwise is excluded.
    must: bool


class ListedCriterion(Criterion, total=False):
    """What is wanted, and what is not."""

    wanted: Sequence[str]
    unwanted: Sequence[str]
    #: A company that has an unwanted one is excluded.
    veto: bool


class SizeCriterion(Criterion, total=False):
    """How many people work there."""

    min: int
    max: int


class HiringCriterion(Criterion):
    """Whether it looks for people."""

    wanted: Literal[True]


class IcpOptions(TypedDict, total=False):
    """An ideal customer profile (docs/scoring.md)."""

    name: str
    countries: ListedCriterion
    industries: ListedCriterion
    size: SizeCriterion
    technologies: ListedCriterion
    words: ListedCriterion
    hiring: HiringCriterion


class JobOptions(TypedDict, total=False):
    """What every job takes."""

    priority: Priority | None
    tags: Iterable[str] | None
    #: Below this share of good companies (0 to 1) the job fails.
    min_coverage: float | None
    #: Seconds from now, or a time; what is not done then is given up.
    deadline: float | Time | None
    #: Not before this time.
    run_at: Time | None
    #: Who is told of its end: channels by name, or mail addresses (docs/notices.md).
    notify: Iterable[str] | None
    #: Told of its end by a signed webhook.
    callback_url: str | None


class PipelineOptions(JobOptions, total=False):
    """What a pipeline takes."""

    search_queries: Iterable[str] | None
    max_results_per_query: int | None
    #: Companies of the lake: comp_….
    company_ids: Iterable[str] | None
    #: Header of the column of websites in the list that `csv` names; found unless given.
    column: str | None
    #: scrape, process, enrich, score, report, or a plug-in's; all unless given.
    stages: Iterable[str] | None
    report: ReportOptions | None
    crawl: CrawlOptions | None
    extract: ExtractOptions | None
    scoring_model: str | None
    #: An ideal customer profile: its name, or itself (docs/scoring.md).
    icp: str | IcpOptions | None


class KeyedOptions(JobOptions, total=False):
    """What every submission takes."""

    #: Sent twice with the same key, a submission counts once; without one each call is a job.
    idempotency_key: str | None


class SubmitOptions(PipelineOptions, KeyedOptions, total=False):
    """What `Client.submit` takes."""


class CrawlJobOptions(KeyedOptions, total=False):
    """What a job that only fetches pages takes."""

    crawl: CrawlOptions | None


class ScoreJobOptions(KeyedOptions, total=False):
    """What a job that only scores takes."""

    scoring_model: str | None
    #: An ideal customer profile: its name, or itself (docs/scoring.md).
    icp: str | IcpOptions | None


class RerunOptions(ScoreJobOptions, total=False):
    """What a rerun takes: what is not given is as in the job that it repeats."""

    extract: ExtractOptions | None


class LeadFilterOptions(TypedDict, total=False):
    """Which companies of the lake, by the newest scored row of each; one of the values of each field has to match."""

    #: Rows of jobs that have this tag, and of no other job.
    tag: str | None
    #: A, B, C, D.
    tier: Iterable[str]
    #: ISO 3166, two letters.
    country: Iterable[str]
    industry: Iterable[str]
    technology: Iterable[str]
    min_score: float | None
    #: Part of name, domain or description.
    text: str
    #: As sites declare it: de, pt-BR.
    language: Iterable[str]
    #: Number of people.
    size: Iterable[CompanySize]
    #: Each is needed.
    has: Iterable[ReachedBy]


class ReportJobOptions(KeyedOptions, total=False):
    """What a report over companies of the lake takes."""

    filter: LeadFilterOptions | None
    formats: Iterable[str] | None
    #: As in `ReportOptions`.
    layout: str | None
    bom: bool | None
    #: Addresses that it is mailed to when it is ready.
    mail_to: Iterable[str] | None


class DownloadOptions(TypedDict, total=False):
    """In which form a report is downloaded (see `JobHandle.report`); the job's own unless named."""

    type: ReportType | None
    layout: str | None
    bom: bool | None
    #: Of a job that is under way or was cancelled, what there is.
    partial: bool
    #: Called with the id of the job that makes a large one, before that is waited for.
    on_wait: Callable[[str], object]


class CompanyFilter(TypedDict, total=False):
    """Which companies of the lake; what is left out matches all. Of several values one has to match."""

    #: Rows of this job; of jobs that have this tag.
    job: str | None
    tag: str | None
    #: A company's domain, or an address of it.
    domain: str | None
    #: ISO 3166, two letters.
    country: str | Sequence[str] | None
    #: A, B, C, D.
    tier: str | Sequence[str] | None
    industry: str | Sequence[str] | None
    technology: str | Sequence[str] | None
    min_score: float | None
    #: Part of name, domain or description.
    text: str | None
    #: As sites declare it: de, pt-BR.
    language: str | Sequence[str] | None
    #: Number of people.
    size: CompanySize | Sequence[CompanySize] | None
    #: Each is needed.
    has: ReachedBy | Sequence[ReachedBy] | None


class PersonFilter(TypedDict, total=False):
    """Which persons; a job, or a company, is named."""

    #: What this job found; without one, of each company what its newest job with persons found.
    job: str | None
    #: Its id, its domain or an address of it.
    company: str | None
    #: owner, management, sales …; one of several has to match.
    role_class: str | Sequence[str] | None


class LedgerFilter(TypedDict, total=False):
    """Which entries of the ledger; a domain, or a job, is named."""

    #: Of this site: its domain, a host of it or an address.
    domain: str | None
    #: What this job asked.
    job: str | None
    #: answered, failed, refused, left_out; one of several has to match.
    outcome: str | Sequence[str] | None
    #: At or after.
    since: str | None


class JobFilter(TypedDict, total=False):
    """Which jobs; what is left out matches all."""

    status: JobStatus | None
    kind: str | None
    tag: str | None
    #: Made at or after.
    since: str | None
    #: Part of id, tag, error or message.
    text: str | None


class AuditFilter(TypedDict, total=False):
    """Which entries of the audit; what is left out matches all."""

    #: Made at or after, and before: ISO 8601.
    since: str | None
    until: str | None
    #: The visible part of a key.
    key: str | None
    project: str | None
    #: The name of a call: `submit_pipeline`, `cancel` …
    action: str | None
    #: Of a job, schedule, key …
    id: str | None
    #: HTTP status of the answer.
    status: int | None


class DeliveryFilter(TypedDict, total=False):
    """Which deliveries of notices; what is left out matches all."""

    #: A channel by name; of a job.
    channel: str | None
    job: str | None
    result: Literal["waiting", "sent", "given_up"] | None


class RuleOptions(TypedDict, total=False):
    """Which notices go to which channels (docs/notices.md); what is left out asks nothing."""

    channels: Required[Sequence[str]]
    #: Like `job.failed`, `job.*`.
    kinds: Sequence[str]
    #: It, and what is worse.
    severity: Literal["info", "warning", "critical"]
    #: One of them is a tag of the job.
    tags: Sequence[str]
    #: For rules of the default project: others, or `*`.
    projects: Sequence[str]


#: Options that have options.
_NESTED: Mapping[str, type] = {
    "crawl": CrawlOptions,
    "extract": ExtractOptions,
    "filter": LeadFilterOptions,
    "icp": IcpOptions,
    "report": ReportOptions,
}
_LISTS = frozenset({
    "company_ids", "company_urls", "country", "formats", "industry", "mail_to", "notify", "search_queries", "stages",
    "tags", "technology", "tier",
})  # fmt: skip


def body(named: Mapping[str, Any], options: Mapping[str, Any], allowed: type) -> dict[str, Any]:
    """What a call names itself and its options, as JSON takes them: lists and times as such, nothing that is None.

    Raises:
        TypeError: an option that there is not, with the one that was perhaps meant; a text where a list belongs.
        InputError: a number that is none.
    """
    check_names(options, allowed)
    return _as_json({**named, **options})


def _as_json(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{name}: not a number: {value}", field=name)
        if name in _NESTED and isinstance(value, Mapping):
            check_names(value, _NESTED[name], f"{name}: ")
            found[name] = _as_json(value)
        elif name in _LISTS:
            if isinstance(value, str):
                raise TypeError(f"{name}: a list of texts is wanted, not one text")
            found[name] = list(value)
        else:
            found[name] = value.isoformat() if isinstance(value, datetime) else value
    return found


def check_names(given: Mapping[str, Any], allowed: type, where: str = "") -> None:
    """TypeError: an option that there is not, with the one that was perhaps meant."""
    known = allowed.__annotations__
    if wrong := next((name for name in given if name not in known), None):
        raise TypeError(where + unknown("option", wrong, known))
