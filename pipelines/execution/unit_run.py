"""One run of one stage of a unit, as its stage sees it: what to read, where to write, what to tell. What happens
before and behind the stage's work is in `running.py`.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import takewhile
from typing import Any, Literal, cast

from data.commits import Commits
from data.damage import DamagedPartError, mend
from data.job_files import JobFiles
from data.jobs import Grant, JobStore
from data.jobs.metrics import observed
from data.lake import Lake, UnitFiles
from data.parts import OF_STAGE, Committed, PartKind, counts_of
from data.schemas import STAGE_SCHEMAS
from leadmill.declared import ROW_STAGES
from leadmill.errors import ErrorCategory
from leadmill.log import get_logger
from leadmill.metrics import RUNS
from leadmill.rows import ErrorRow, PlanRow, error_row
from leadmill.settings import Settings
from leadmill.traffic import Traffic
from pipelines.committed import recorded_files
from pipelines.execution.canvas import Dispatch
from pipelines.execution.lease import Lease
from pipelines.execution.what_failed import WhatFailed
from pipelines.request.asked import asks_for, check_options
from pipelines.stages import STAGES, partition_number, partition_stages, reads_in

log = get_logger(__name__)


@dataclass(frozen=True)
class Runtime:
    """What a process needs to run units: one a process, made after the fork. It is seen from one project (`of`)."""

    settings: Settings
    store: JobStore
    lake: Lake
    #: Sends what a transition handed out; raises UnavailableError when the broker is away.
    dispatch: Dispatch

    def of(self, project: str) -> Runtime:
        """The same for the jobs of a project."""
        if project == self.store.project:
            return self
        store = self.store.of(project)
        return replace(self, store=store, lake=self.lake.of(project, store.critical))


@dataclass
class UnitResult:
    """What a stage says of its work beyond the rows it wrote; goes into the commit."""

    rows_in: int = 0
    rows_out: int = 0
    errors: int = 0
    #: Companies whose hosts said "later", which launch plans again.
    deferred: int = 0
    #: Launch alone: of each partition of such companies, the last ones of the plan, [when (ms), companies, hosts].
    waves: Sequence[tuple[int, int, int]] | None = None
    #: Short values for the record's hash, and long ones for its document.
    fields: dict[str, Any] = field(default_factory=dict)
    doc: dict[str, str] = field(default_factory=dict)
    #: Publish alone: how the job ends, and to whom its report is mailed.
    status: str | None = None
    mail_to: tuple[str, ...] = ()
    #: By how much metrics grow, by field (data/jobs/metrics.py); told of a failed run, too.
    metrics: Counter[str] = field(default_factory=Counter)


class UnitRun:
    """The run as its stage sees it: what to read, where to write, how to tell progress."""

    def __init__(self, runtime: Runtime, grant: Grant, lease: Lease, stage: str) -> None:
        self.runtime, self.grant, self.lease = runtime, grant, lease
        self.stage = stage
        self.job_id = grant.job_id
        self.partition = partition_number(grant.unit)
        self.files = UnitFiles(runtime.lake, grant.job_id, stage, grant.unit, grant.epoch, self.partition or 0)
        #: The whole job's files: its plan, and what every unit committed.
        self.job = recorded_files(runtime.store, runtime.lake, grant.job_id)
        self._own = JobFiles(runtime.lake, grant.job_id, self._own_commits)
        self.now = datetime.now(UTC)
        self._began = time.monotonic()
        self.outcome = UnitResult()
        self.failed = WhatFailed()

    @property
    def makes_parts(self) -> bool:
        """Whether the stage's output is rows, so that its commit says how many files there are."""
        return self.stage in STAGE_SCHEMAS

    @property
    def options(self) -> dict[str, Any]:
        """The job's options: crawl, report, scoring_model …; RecordError where the record holds none that can be."""
        return check_options(self.grant.spec)

    @property
    def also(self) -> list[PartKind]:
        """The other kinds of rows that the stage makes in this job: an option asks for them, or a stage reads them."""
        wanted = {kind for name in self.grant.stages for kind in STAGES[name].reads_also}
        also = STAGES[self.stage].also.items()
        return [
            cast("PartKind", kind)
            for kind, option in also
            if (asks_for(self.options, option) if option else kind in wanted)
        ]

    def companies(self) -> list[PlanRow]:
        """Plan rows of this partition."""
        return cast("list[PlanRow]", self.job.plan(self.partition))

    def read(self, kind: PartKind = "rows") -> Iterator[dict[str, Any]]:
        """Rows that the stage before committed: of this partition, or (a job without that stage) of source jobs."""
        stage = reads_in(self.stage, self.grant.stages)
        assert stage is not None, f"{self.stage} reads no rows"
        lake, own = self.runtime.lake, self._own_stages()
        if stage in own:
            # Pages are written by scrape, whoever reads them.
            source = "scrape" if kind == "pages" else stage
            if source in own:
                return lake.iter_rows(self._own.valid(source, kind))
        return lake.rows_from(stage, self._crawls() if kind == "pages" else _by_source(self.companies()), kind)

    def kept(self, kind: PartKind) -> list[dict[str, Any]]:
        """Rows of another kind that its stage kept of the companies, errors those of the crawl; a damaged file costs
        them alone.

        Those of another job are `superseded` where the company's pages were fetched again since.
        """
        stage, lake = OF_STAGE.get(kind, "scrape"), self.runtime.lake
        if stage in self._own_stages():
            files = self._own.valid(stage, kind)
            try:
                return list(lake.iter_rows(files))
            except DamagedPartError as error:
                log.warning("read without a damaged file", job=self.job_id, kind=kind, error=str(error))
                lost = mend(lake, files)
                return list(lake.iter_rows([file for file in files if file not in lost]))
        if stage == "scrape":
            return list(lake.rows_from(stage, self._crawls(), kind))
        fetched = {row["company_id"]: row["at"] for row in self._fetched}
        rows = list(lake.rows_from(stage, _by_source(self.companies()), kind))
        for row in rows:
            at, since = row["scraped_at"], fetched.get(row["company_id"])
            row["superseded"] = bool(at and since and since > at)
        return rows

    def _crawls(self) -> dict[str, list[str]]:
        """For a job that fetches nothing: the jobs that fetched its companies' pages, with these companies."""
        if reads_in(self.stage, self.grant.stages) == "scrape":
            return _by_source(self.companies())
        return _by_source({"company_id": row["company_id"], "source_job": row["job_id"]} for row in self._fetched)

    @cached_property
    def _fetched(self) -> list[dict[str, Any]]:
        """For a job that reads another one's rows: where the newest pages of the companies lie."""
        return self.runtime.lake.newest("scrape", [row["company_id"] for row in self.companies() if row["source_job"]])

    def lost(self, rows: Iterable[Mapping[str, Any]]) -> list[ErrorRow]:
        """Error rows of companies without a row in another job: why they failed there; else it is damaged or gone."""
        if reads_in(self.stage, self.grant.stages) in self._own_stages():
            return []
        have = {row["company_id"] for row in rows}
        lost = [row for row in self.companies() if row["source_job"] and row["company_id"] not in have]
        failed = self._failed_before(lost) if lost else {}
        return [
            failed.get(row["company_id"])
            or self._error(
                row, "company", f"its row in {row['source_job']} is damaged or gone; resume that job, then try again"
            )
            for row in lost
        ]

    def _failed_before(self, companies: Sequence[PlanRow]) -> dict[str, ErrorRow]:
        """How companies failed in the jobs that their rows should come from, by company."""
        found: dict[str, ErrorRow] = {}
        for stage in takewhile(lambda name: name != self.stage, ROW_STAGES):
            for row in self.runtime.lake.rows_from(stage, _by_source(companies), "errors"):
                if row["scope"] == "company":
                    error = {name: row.get(name) for name in ErrorRow.__annotations__}
                    found[row["company_id"]] = cast("ErrorRow", {**error, "deferred_until": None})
        return found

    def _error(self, subject: Mapping[str, Any], scope: Literal["company", "page"], reason: str) -> ErrorRow:
        return error_row(subject, scope, self.stage, ErrorCategory.SYSTEM, reason, self.now)

    def _own_commits(self) -> Commits:
        """What earlier stages of this unit committed, as `begin` told: that and nothing else is read of them."""
        grant, stages = self.grant, self._own_stages() if self.partition is not None else ()
        told = zip(stages, grant.epochs, (*grant.files, *[None] * len(stages)), strict=False)
        return {(stage, grant.unit): Committed(epoch, counts_of(files)) for stage, epoch, files in told}

    def _own_stages(self) -> tuple[str, ...]:
        return partition_stages(self.grant.stages)

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write good rows; one that cannot be stored becomes an error row."""
        self.outcome.rows_out += self.files.write(rows)
        self._tell_refused("rows")

    def write_pages(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write raw pages; one that cannot be stored becomes an error row."""
        self.files.write(rows, "pages")
        self._tell_refused("pages")

    def write_also(self, kind: PartKind, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows of another kind (`leadmill.stages.Stage.also`); one that cannot be stored becomes an error row."""
        self.files.write(rows, kind)
        self._tell_refused(kind)

    def write_errors(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write companies and pages that failed; companies count as the stage's errors.

        Those that are asked again later count with the partition that asks them.
        """
        self.files.write(rows, "errors")
        self._tell_refused("errors")
        self.failed.add(rows)
        deferred = sum(row.get("deferred_until") is not None for row in rows)
        self.outcome.deferred += deferred
        self.outcome.rows_in -= deferred
        self.outcome.errors += sum(row["scope"] == "company" for row in rows) - deferred

    def _tell_refused(self, kind: PartKind) -> None:
        refused = self.files.refused.pop(kind, [])
        if not refused:
            return
        for one in refused:
            log.warning(
                "row not stored", job=self.job_id, stage=self.stage, kind=kind, column=one.column, why=one.reason
            )
        rows = [
            self._error(
                {name: _text(one.row.get(name)) for name in ("company_id", "domain", "url")},
                "page" if kind in OF_STAGE else "company",
                f"its row could not be stored: column {one.column}: {one.reason}",
            )
            for one in refused
        ]
        self.files.write(rows, "errors")
        if kind == "rows":  # an error row was counted by its writer
            self.outcome.errors += len(rows)

    def set_result(self, found: Mapping[str, Any], rows: int = 1) -> None:
        """What the job found, as JSON can say it: becomes its `result`. A list `failed` in it counts as errors."""
        self.outcome.rows_out = rows
        self.outcome.errors = len(found.get("failed", ()))
        self.outcome.doc["finding"] = json.dumps(found, default=str)

    @property
    def metrics(self) -> dict[str, int]:
        """By how much its commit lets metrics grow."""
        took = observed("unit_duration_seconds", RUNS, time.monotonic() - self._began, self.stage)
        written = {
            f"lake_written_parts:{self.stage}": sum(self.files.counts.values()),
            f"lake_written_bytes:{self.stage}": self.files.bytes,
        }
        every = {**self.outcome.metrics, **took, **(written if self.makes_parts else {})}
        return {field: number for field, number in every.items() if number}

    def progress(self, fraction: float, message: str = "", pages: int = 0, traffic: Traffic | None = None) -> None:
        """Tell progress; raises RunStoppedError when the job was cancelled or the unit taken over."""
        self.lease.progress(fraction, message, pages, traffic)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _by_source(companies: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    sources: dict[str, list[str]] = {}
    for row in companies:
        if row["source_job"]:
            sources.setdefault(row["source_job"], []).append(row["company_id"])
    return sources
