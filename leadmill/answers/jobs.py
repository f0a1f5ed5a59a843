"""Jobs, and what failed in them."""

from __future__ import annotations

from typing import Any, Literal

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict

from leadmill.answers.submissions import Links, ListTold
from leadmill.answers.words import JobStatus, PriorityName, StageStatus
from leadmill.errors import ErrorCode


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
    pages_per_second: float | None
    """On the average since the first was asked for; null while none was."""
    received_bytes: int
    """Of the bodies of all answers."""
    answers: dict[str, int]
    """By class of their status, `2xx` to `5xx`; `none`: none came, or none yet."""
    hosts_waiting: dict[str, int]
    """Hosts not asked just now, by why, of the crawl that told last: `pace` (between two requests of theirs), `quiet`
    (they asked for it), `elsewhere` (another crawl is on them)."""
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


class JobTurn(TypedDict):
    """Where a job with further partitions stands among those that take turns with it."""

    jobs: int
    """Jobs of the project that take turns, and this one; 1: with other projects' jobs alone."""
    processes: int
    """Which they share: those that do the first stage of the job's partitions."""
    place: int
    """Which of the next partitions to be handed out is its own, from 1."""
    seconds: float
    """About how long that is, by how long partitions have lately taken."""


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
    code: ErrorCode | None
    """What stands in the companies' place; null for any other cause."""
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
    warnings: list[str]
    """What somebody who reads the figures must know: that bot walls stand before most of the sites."""
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
    turn: JobTurn | None
    """When its next partition is handed out; null where nobody takes turns with it, or where that is not known."""
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
    code: ErrorCode | None
    """What stands in the page's place; null for any other error."""
    line: int | None
    """Of the input."""
    deferred_until: str | None
    """A company whose host said "later": when the job asks it again; null for any other error."""
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
