"""What the calls of the API answer: the one definition of each, for who makes it, for OpenAPI and for the client.

Times are ISO 8601 in UTC, durations seconds, shares 0 to 1. The text below a field is its description in OpenAPI
(`api/openapi.py`). All of a company, columns of plug-ins too, is described by the lake's columns
(`api/company_answers.py`).
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict

JobStatus = Literal["pending", "running", "retry", "completed", "failed", "cancelled"]
StageStatus = Literal["pending", "running", "completed", "failed", "cancelled", "skipped"]
PriorityName = Literal["high", "normal", "low"]


class FieldError(TypedDict):
    """One fault of a request."""

    field: str
    """Where: `company_urls[17]`."""
    message: str


class Problem(TypedDict):
    """An error, as RFC 9457 has it. `code` is stable."""

    type: str
    """`urn:leadmill:problem:` and the code."""
    title: str
    status: int
    detail: str
    """What is wrong, and where it helps, what to do."""
    code: str
    request_id: str
    """The log has the error under it; also the header `X-Request-ID`."""
    field: NotRequired[str]
    """The first field that is wrong: `company_urls[17]`."""
    errors: NotRequired[list[FieldError]]
    """All fields that are wrong, at most 20."""
    job_id: NotRequired[str]
    """Of a submit that was answered 503: the job that may have been recorded."""
    available: NotRequired[list[str]]
    """With 410: what is left."""


class Links(TypedDict):
    """Where to go on from a job; `cancel` and `resume` where they are legal."""

    self: str
    events: NotRequired[str]
    errors: str
    report: NotRequired[str]
    cancel: NotRequired[str]
    resume: NotRequired[str]
    replay: NotRequired[str]


class Accepted(TypedDict):
    """Where a job is that was accepted. Accepted means recorded."""

    job_id: str
    kind: str
    status: str
    links: Links
    input: NotRequired[ListRead]
    """How the uploaded list is read."""


class ListRead(TypedDict):
    """How an uploaded list is read."""

    format: Literal["csv", "xlsx"]
    column: str
    """Header of the column of websites."""
    further_columns: NotRequired[list[str]]
    """Read, in this order, where that names no company."""
    header_line: NotRequired[int]
    """Missing where the list has no header."""
    delimiter: NotRequired[str]
    """Of CSV with more than one column."""
    encoding: NotRequired[str]
    """Of CSV."""
    sheet: NotRequired[str]
    """Of XLSX: the first that holds a list."""


class ListCounts(TypedDict):
    """What the lines of a list came to; each is counted once, but those merged are repeated, too."""

    lines: int
    companies: int
    without_address: int
    refused: int
    """By a reason that the job's errors tell."""
    repeated: int
    """Name a company that another line named before."""
    merged: int
    """Of those, by another address."""


class ListTold(ListRead, ListCounts):
    """How a job's list was read, and what its lines came to."""


class LineExample(TypedDict):
    """A line of a list without a company."""

    line: int
    text: str


class LineReason(TypedDict):
    """Why lines of a list name no company."""

    reason: str
    count: int
    examples: list[LineExample]


class LineShown(TypedDict):
    """A line of a list that names a company."""

    line: int
    domain: str
    url: str
    values: dict[str, str]
    """Its other columns, filled ones, by their headers."""


class ListPreview(ListRead, ListCounts):
    """What would be understood of a list."""

    other_columns: list[str]
    """Come back with the leads, as `input`."""
    complete: bool
    """False: only the first lines were read."""
    reasons: list[LineReason]
    first: list[LineShown]


# ---- jobs ----------------------------------------------------------------------------------------------


class Partitions(TypedDict):
    """How many of a stage's units there are, and ended; of a stage that runs once, or once a format, those."""

    total: int
    done: int
    failed: int


class JobStage(TypedDict):
    """One stage of a job."""

    name: str
    status: StageStatus
    partitions: Partitions
    rows_in: int
    rows_out: int
    errors: int
    started_at: str | None
    finished_at: str | None


class ProgressDetails(TypedDict):
    """What a job has done so far."""

    pages: int
    partitions: int
    partitions_done: int
    partitions_failed: int


class Progress(TypedDict):
    """How far a job is."""

    current_step: int
    total_steps: int
    percentage: float
    """0 to 100."""
    message: str
    details: ProgressDetails


class JobError(TypedDict):
    """Why a job failed."""

    category: str
    message: str
    """One line."""
    detail: str | None
    """The whole text, where it is longer."""


class Cause(TypedDict):
    """Why companies are missing, and how many."""

    category: str
    error: str
    """The message, with the company's own domain taken out."""
    count: int
    example: str
    """The domain of one of them."""


class JobResult(TypedDict, total=False):
    """What came of a job. Kinds without companies tell what they found in fields of their own."""

    companies: int
    good: int
    """Companies with a row without error."""
    missing: list[Cause]
    """Why the others are missing, most frequent cause first."""
    merged: Any
    """Addresses of the input that led to the same company."""
    input: ListTold
    """How its list was read, and what came of the lines."""
    formats: list[str]
    """Reports that were written."""
    failed_formats: dict[str, str]
    """Reports that could not be written, and why."""
    filter: str
    """Of a report over companies of the lake: which of them, in words."""
    matched: int
    of: int
    """How many companies the filter fits, and of how many that have a score."""


class Job(TypedDict):
    """A job as the API, the CLI and the dashboard show it."""

    job_id: str
    kind: str
    status: JobStatus
    priority: PriorityName
    tags: list[str]
    parent: str | None
    """The job that it was made from."""
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    duration_s: float | None
    progress: Progress
    coverage: float | None
    """The share of companies that have a row without error."""
    waiting_for: str | None
    """Why it stands still, in words."""
    stages: list[JobStage]
    error: JobError | None
    attempt: int
    result: JobResult | None
    links: Links


class JobPage(TypedDict):
    """Jobs, newest first."""

    items: list[Job]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""


class ErrorEntry(TypedDict):
    """A company or a page that failed."""

    company_id: str | None
    domain: str | None
    url: str | None
    scope: Literal["company", "page"]
    """company: it has no good row of this stage; page: only a page is missing."""
    stage: str
    category: str
    error: str
    status: int | None
    """HTTP status, where there was one."""
    line: int | None
    """Of the input."""
    at: str | None


class ErrorPage(TypedDict):
    """What failed in a job, oldest first."""

    items: list[ErrorEntry]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""


class FailedUnit(TypedDict):
    """A unit that failed for good, as its job's record tells of it."""

    job_id: str
    kind: str
    status: str
    """Of the job."""
    unit: str
    """`p17` is a partition; else `launch`, `score`, `render:csv`, `publish` …"""
    stage: str
    category: str
    reason: str
    at: str | None
    links: Links


class DeadLetter(FailedUnit):
    """A unit that failed for good."""

    companies: int | None
    """How many it held; null: the plan is gone."""


class DeadLetterPage(TypedDict):
    """Units that failed for good, newest first."""

    items: list[DeadLetter]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""


class RefusedJob(TypedDict):
    """A job on which a bulk action was not legal."""

    job_id: str
    status: str
    reason: str


class BulkTotals(TypedDict):
    """How many jobs there were, and what became of them."""

    matched: int
    done: int
    """With `dry_run`: how many it would be."""
    refused: int
    refused_jobs: list[RefusedJob]
    """The first 100 of them."""


class BulkCounts(BulkTotals):
    """What one call did."""

    next_cursor: str | None
    """Call again with it as `cursor`; null: all were looked at."""


class BulkAction(BulkTotals):
    """What a bulk action did."""

    action: Literal["cancel", "resume"]
    dry_run: bool


class BulkAnswer(BulkCounts, BulkAction):
    """What one call of a bulk action did."""


# ---- events --------------------------------------------------------------------------------------------


class StatusEvent(TypedDict):
    """`status`: the job has another status."""

    status: str


class StageEvent(TypedDict):
    """`stage`: a stage has begun."""

    stage: str
    state: str


class UnitEvent(TypedDict):
    """`unit`: something happened to a unit; what is told beside depends on `state`."""

    unit: str
    state: Literal["waiting", "failed", "died", "lapsed"]
    stage: NotRequired[str]
    category: NotRequired[str]
    error: NotRequired[str]
    retry_at: NotRequired[int]
    """Milliseconds since 1970."""
    attempt: NotRequired[int]
    deaths: NotRequired[int]
    lapses: NotRequired[int]
    page: NotRequired[str]


class ProgressEvent(TypedDict):
    """`progress`: how far the job is."""

    pct: int
    """Tenths of a percent: 466 is 46.6 %."""
    message: NotRequired[str]
    pages: int
    done: int
    """Partitions."""
    total: int


# ---- statistics ----------------------------------------------------------------------------------------


class Totals(TypedDict):
    """Jobs that there are or were. Null: its counter cannot be read."""

    jobs: int | None
    by_status: dict[str, int | None]
    by_kind: dict[str, int | None]


class Durations(TypedDict):
    """Of the ended jobs of a kind; quantiles from buckets 10 % wide."""

    count: int
    mean_s: float | None
    p50_s: float | None
    p95_s: float | None


class Rates(TypedDict):
    """Shares of the jobs that ended by themselves; null: none has."""

    success: float | None
    failure: float | None


class QueueState(TypedDict):
    """A queue; null: it cannot be read."""

    waiting: int | None
    oldest_s: float | None
    """Age of the oldest message."""
    workers: int | None
    processes: int | None


class WorkerState(TypedDict):
    """A worker that listens."""

    name: str
    queues: list[str]
    processes: int
    host: str
    pid: int
    started_at: str | None
    seen_at: str | None


class UnitsBegun(TypedDict):
    """Units of a stage that were begun."""

    begun: int
    per_minute: float | None
    """Null before there are two samples."""


class Finding(TypedDict):
    """What a health check found wrong."""

    name: NotRequired[str]
    status: NotRequired[str]
    message: NotRequired[str]
    advice: NotRequired[str | None]
    """A command that mends it."""


class LastHealth(TypedDict):
    """The last health check: its worst state, and the checks that are not ok."""

    status: str | None
    checked_at: str | None
    job_id: str
    findings: list[Finding]


class CriticalEvent(TypedDict):
    """What an operator must see; each kind has fields of its own beside these."""

    at: str | None
    kind: NotRequired[str]


class Figures(TypedDict):
    """Figures over all jobs, from counters alone."""

    at: str | None
    totals: Totals
    durations: dict[str, Durations]
    """By kind."""
    rates: Rates
    queues: dict[str, QueueState]
    workers: list[WorkerState] | None
    stages: dict[str, UnitsBegun]
    unreadable: list[str]
    """Keys of Redis that something else has written; what they count is null or absent."""


class Statistics(Figures):
    """Figures over all jobs, the newest critical events, and the last health check."""

    critical_events: list[CriticalEvent] | None
    health: LastHealth | None
    """Null: none has run."""


# ---- companies -----------------------------------------------------------------------------------------


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


# ---- schedules -----------------------------------------------------------------------------------------


class LastTick(TypedDict):
    """The last planned time that was dealt with."""

    planned: str
    job_id: str | None


class Schedule(TypedDict):
    """A pipeline that is submitted again and again."""

    name: str
    cron: str
    timezone: str
    """In which the cron expression is meant, like `Europe/Berlin`."""
    explanation: str
    """The cron expression in words."""
    paused: bool
    next_runs: list[str]
    """None while it is paused."""
    next_runs_local: list[str]
    """The same in the schedule's time zone."""
    last_tick: LastTick | None
    created_at: str | None
    fault: str | None
    """What is wrong with an entry that cannot be read; it is never due, and can be deleted."""
    pipeline: NotRequired[dict[str, Any]]
    """What is submitted, in the words of `POST /pipelines`."""


class SchedulePage(TypedDict):
    """Schedules by name."""

    items: list[Schedule]
    next_cursor: str | None


# ---- health --------------------------------------------------------------------------------------------


class Health(TypedDict):
    """The state of this process and of what it writes to. `fail` with 503: the job store is another lake's."""

    status: Literal["ok", "warn", "fail"]
    redis: str
    redis_memory_bytes: NotRequired[int]
    disk: str
    disk_free_bytes: int
    warnings: list[str]
    """The reason first, each with the command that mends it."""
    detail: NotRequired[str]


class Readiness(TypedDict):
    """Work would be done: every queue has a listener, disk and Redis take writes."""

    status: Literal["ready"]
    workers: int
