"""Bodies of the submissions and of their answer. JSON types are strict, unknown fields are refused.

What one field may be: `api.fields`; what fields may be together: here, and `Submission.check`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationInfo,
)

from api.fields import (
    DEFAULT_FORMATS,
    Bom,
    Column,
    CompanyIds,
    Deadline,
    Formats,
    Fraction,
    Has,
    Icp,
    KindName,
    LayoutName,
    MailTo,
    ModelName,
    Notify,
    PerQuery,
    Queries,
    ReportType,
    Size,
    StageName,
    Stages,
    Tag,
    Time,
    Url,
    Urls,
)
from data.jobs import Status
from leadmill.declared import PIPELINE
from leadmill.errors import InputError
from pipelines.intake.bulk import Action
from pipelines.intake.submission import MAX_TAGS
from pipelines.queues import Priority
from pipelines.request.asked import CRAWL_LIMITS
from pipelines.scoring.vocabulary import country_codes
from reports.layouts import DEFAULT as DEFAULT_LAYOUT


def _read_by(stage: StageName) -> AfterValidator:
    """Refuses a field, where it is given, of a job without the stage that alone reads it."""

    def check(value: Any, given: ValidationInfo) -> Any:
        if stage not in (given.data.get("stages") or PIPELINE):
            raise ValueError(
                f"the job has no stage {stage}, which alone reads it: leave it out, or add {stage} to stages"
            )
        return value

    return AfterValidator(check)


def _has_queries(value: int, given: ValidationInfo) -> int:
    if not given.data.get("search_queries", True):
        raise ValueError("the job has no search_queries, whose results it limits: leave it out, or add some")
    return value


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid")


class Common(Body):
    """What every submission accepts."""

    priority: Literal["high", "normal", "low"] = "normal"
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS)] = []
    min_coverage: Annotated[Fraction | None, Field(description="Below this share of good companies the job fails")] = (
        None
    )
    deadline: Deadline = None
    run_at: Annotated[Time | None, Field(description="Not before this time")] = None
    notify: Notify = []
    callback_url: Annotated[Url | None, Field(description="Told of the job's end by a signed webhook")] = None

    def common(self) -> dict[str, Any]:
        """These as arguments of a `Submission`."""
        now = datetime.now(UTC)
        at = self.deadline if isinstance(self.deadline, datetime) else None
        if at is not None and at <= now:
            raise InputError("the deadline has passed already", field="deadline")
        return {
            "priority": Priority.parse(self.priority),
            "tags": tuple(dict.fromkeys(self.tags)),
            "min_coverage": self.min_coverage,
            "deadline_s": None if isinstance(self.deadline, datetime) else self.deadline,
            "deadline_at": None if at is None else at.timestamp(),
            "run_at": None if self.run_at is None else self.run_at.timestamp(),
            "notify": tuple(self.notify),
            "callback_url": self.callback_url,
        }

    def given(self) -> dict[str, Any]:
        """Of these only what the caller named."""
        field_of = {"deadline_s": "deadline", "deadline_at": "deadline"}
        return {
            name: value for name, value in self.common().items() if field_of.get(name, name) in self.model_fields_set
        }


def _limit(name: str, about: str) -> Any:
    low, high = CRAWL_LIMITS[name]
    return Field(ge=low, le=high, strict=True, description=about)


def table_options(report: Report | ReportBody) -> dict[str, Any]:
    """What a report asks for its tables and its mail, where that is not the default."""
    layout = {} if report.layout == DEFAULT_LAYOUT else {"layout": report.layout}
    mail = {"mail_to": report.mail_to} if report.mail_to else {}
    return layout | ({} if report.bom else {"bom": False}) | mail


class Crawl(Body):
    """How far a crawl goes into each site, and how long it may take."""

    max_pages: Annotated[StrictInt, _limit("max_pages", "Pages of a company at most; usually 6")] | None = None
    max_depth: Annotated[StrictInt, _limit("max_depth", "Links away from the home page; usually 2")] | None = None
    respect_robots: Annotated[StrictBool, Field(description="Obey robots.txt; usually true")] | None = None
    respect_signals: (
        Annotated[
            StrictBool,
            Field(
                description="Obey what sites ask of all robots beside it: noindex, nofollow, Content-Signal search=no; "
                "usually false, or as the operator says (LEADMILL_RESPECT_SIGNALS)"
            ),
        ]
        | None
    ) = None
    deadline_s: (
        Annotated[
            float,
            _limit("deadline_s", "Seconds after which a company's site is left with what it gave; usually 60"),
        ]
        | None
    ) = None
    timeout_s: (
        Annotated[float, _limit("timeout_s", "Seconds for one page, from dialling to its last byte; usually 15")] | None
    ) = None
    user_agent: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=300,
                pattern=r"^[\x20-\x7e]+$",
                description="The name that is sent, and by which robots.txt addresses the crawl; needs the operator's "
                "LEADMILL_ALLOW_USER_AGENT",
            ),
        ]
        | None
    ) = None


class Extract(Body):
    """What is looked for on the pages beside the company itself."""

    people: Annotated[
        StrictBool, Field(description="Persons, too: name, role, mail, phone. Personal data, told by GET /people alone")
    ] = False

    def options(self) -> dict[str, Any]:
        """What the stages read; what is left as it was is not kept in the record."""
        return {"extract": {"people": True}} if self.people else {}


class Report(Body):
    """Which report, in which formats."""

    type: ReportType = "comprehensive"
    formats: Formats = DEFAULT_FORMATS
    layout: LayoutName = DEFAULT_LAYOUT
    bom: Bom = True
    mail_to: MailTo = []

    def options(self) -> dict[str, Any]:
        """What the stages read; what is left as it was is not kept in the record."""
        return self.model_dump(include={"type", "formats"}) | table_options(self)


class PipelineBody(Common):
    """The main call: companies by URL, search, id or file, through all stages or some."""

    company_urls: Urls = []
    search_queries: Queries = []
    max_results_per_query: Annotated[PerQuery, AfterValidator(_has_queries)] = 20
    company_ids: CompanyIds = []
    column: Column | None = None
    stages: Stages | None = None
    report: Annotated[Report, _read_by("report")] = Report()
    crawl: Annotated[Crawl, _read_by("scrape")] = Crawl()
    extract: Annotated[Extract, _read_by("process")] = Extract()
    scoring_model: ModelName | None = None
    icp: Icp | None = None

    def options(self) -> dict[str, Any]:
        """What the stages read."""
        found: dict[str, Any] = {"report": self.report.options()}
        if crawl := self.crawl.model_dump(exclude_none=True):
            found["crawl"] = crawl
        return found | self.extract.options() | scoring(self)


class RerunBody(Common):
    """What a rerun does otherwise than the job it repeats."""

    extract: Extract | None = None
    scoring_model: ModelName | None = None
    icp: Icp | None = None

    def options(self) -> dict[str, Any]:
        """What takes the place of the old job's."""
        extract = {} if self.extract is None else {"extract": self.extract.model_dump()}
        return extract | scoring(self)


def scoring(body: PipelineBody | RerunBody | ScoreBody) -> dict[str, Any]:
    """What of a body says how to score: the names of a model and of a profile, or a profile itself."""
    given = {"scoring_model": body.scoring_model, "icp": body.icp}
    return {name: value for name, value in given.items() if value is not None}


class ScrapeBody(Common):
    """Fetch these companies' pages."""

    company_urls: Annotated[Urls, Field(min_length=1)]
    crawl: Crawl = Crawl()


class ScrapeOneBody(Common):
    """Fetch one company's pages."""

    company_url: Url
    crawl: Crawl = Crawl()


class ScrapeBatchBody(Common):
    """Fetch the pages of what a search finds."""

    search_queries: Annotated[Queries, Field(min_length=1)]
    max_results_per_query: PerQuery = 20
    crawl: Crawl = Crawl()


class CompaniesBody(Common):
    """Work on companies already in the lake."""

    company_ids: Annotated[CompanyIds, Field(min_length=1)]


class ScoreBody(CompaniesBody):
    """Score companies already in the lake."""

    scoring_model: ModelName | None = None
    icp: Icp | None = None


class AnalysisBody(Common):
    """Analyse companies of the lake; none named: all."""

    company_ids: CompanyIds = []
    report_type: ReportType = "comprehensive"


Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200)]


def _codes(words: list[str]) -> list[str]:
    return list(country_codes(words))


class LeadFilterBody(Body):
    """Which companies of the lake, by the newest scored row of each; one of the values of each field has to match."""

    tag: Annotated[Tag | None, Field(description="Rows of jobs that have it, and of no other job")] = None
    tier: Annotated[list[Literal["A", "B", "C", "D"]], Field(max_length=4)] = []
    country: Annotated[
        Words, Field(description="Codes or names, also of regions: DE, Germany, DACH"), AfterValidator(_codes)
    ] = []
    industry: Words = []
    technology: Words = []
    min_score: Annotated[float | None, Field(ge=0, le=100, strict=True, allow_inf_nan=False)] = None
    text: Annotated[str, Field(max_length=200, description="Part of name, domain or description")] = ""
    language: Words = []
    size: Annotated[list[Size], Field(description="Number of people")] = []
    has: Annotated[list[Has], Field(description="How it can be reached; each is needed")] = []

    def given(self) -> dict[str, Any]:
        """What is not left out."""
        return {name: value for name, value in self.model_dump().items() if value not in (None, [], "")}


class ReportBody(AnalysisBody):
    """Report on companies of the lake; none named and no filter: all."""

    filter: LeadFilterBody = LeadFilterBody()
    formats: Formats = DEFAULT_FORMATS
    layout: LayoutName = DEFAULT_LAYOUT
    bom: Bom = True
    mail_to: MailTo = []


class FilterBody(Body):
    """Which jobs; what is left out matches all. Times like 2027-01-31T08:00:00Z."""

    status: Status | None = None
    kind: KindName | None = None
    tag: Tag | None = None
    since: Annotated[Time | None, Field(description="Created at or after")] = None
    text: Annotated[str, Field(max_length=200, description="Part of the id, a tag, the error or the message")] = ""


class BulkBody(Body):
    """Act on every job that matches. With `dry_run` nothing is done; a `cursor` goes on behind an earlier answer."""

    action: Action
    filter: FilterBody
    dry_run: StrictBool = False
    cursor: Annotated[str | None, Field(max_length=200)] = None
