"""One run of one stage of a unit: claim, work, stage, commit, expose, send. Every task body runs inside `run_unit`.

The order is what makes it safe: files are staged under the run's epoch, the record commits it, they are exposed, the
messages that the commit handed out are sent. A crash between two of these is repaired by the next reader, or by the
reconciler.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast

from data.cleaning import clean_text
from data.damage import of_later_version
from data.job_files import Commits, JobFiles
from data.jobs import CUT_OFF_S, Answer, Grant, JobStore
from data.jobs.metrics import observed
from data.lake import DamagedPartError, Lake, UnitFiles
from data.parts import PLAN_FILE, Committed, PartKind, counts_of, short
from data.schemas import STAGE_SCHEMAS
from leadmill import tracing
from leadmill.errors import ErrorCategory, LeadmillError, UnavailableError
from leadmill.log import bind, get_logger
from leadmill.metrics import RUNS
from leadmill.pause import pause_point
from leadmill.redaction import redacted
from leadmill.retry import RETRY
from leadmill.rows import ErrorRow, PlanRow, error_row
from leadmill.settings import Settings
from pipelines.committed import recorded_files
from pipelines.execution.canvas import Dispatch, try_dispatch
from pipelines.execution.lease import Lease, RunStoppedError
from pipelines.execution.traced_run import traced_run
from pipelines.execution.what_failed import WhatFailed, what_follows
from pipelines.request.asked import RecordError, check_options, place_of
from pipelines.stages import partition_number, partition_stages, reads_in

log = get_logger(__name__)

#: Pause before a move that Redis did not answer is made again, seconds.
_INSIST_S = 0.5
#: Seconds before a unit is given back that a later version has to run.
_GIVE_BACK_S = 1.0


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
        sources = _by_source(self.companies())
        if kind == "pages" and stage != "scrape":
            # A job of process or enrich alone has no pages: they lie with the job that fetched them.
            fetched = lake.newest("scrape", [company for ids in sources.values() for company in ids])
            sources = _by_source({"company_id": row["company_id"], "source_job": row["job_id"]} for row in fetched)
        return lake.rows_from(stage, sources, kind)

    def lost(self, rows: Iterable[Mapping[str, Any]]) -> list[ErrorRow]:
        """Error rows of companies whose row in another job is damaged or gone."""
        if reads_in(self.stage, self.grant.stages) in self._own_stages():
            return []
        have = {row["company_id"] for row in rows}
        return [
            self._error(
                row, "company", f"its row in {row['source_job']} is damaged or gone; resume that job, then try again"
            )
            for row in self.companies()
            if row["source_job"] and row["company_id"] not in have
        ]

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

    def write_errors(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write companies and pages that failed; companies count as the stage's errors."""
        self.files.write(rows, "errors")
        self._tell_refused("errors")
        self.failed.add(rows)
        self.outcome.errors += sum(row["scope"] == "company" for row in rows)

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
                "page" if kind == "pages" else "company",
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

    def progress(self, fraction: float, message: str = "", pages: int = 0) -> None:
        """Tell progress; raises RunStoppedError when the job was cancelled or the unit taken over."""
        self.lease.progress(fraction, message, pages)


Body = Callable[[UnitRun], None]


def run_unit(
    runtime: Runtime,
    body: Body,
    job_id: str,
    unit: str,
    epoch: int,
    index: int,
    *,
    owner: str,
    chained: bool,
    task_stage: str | None = None,
) -> bool:
    """Run one stage of a unit if the record still asks for it. `task_stage` is the one that `body` is the work of.

    Returns whether the message's canvas may go on (the next link of the chain would find work). Never raises for a
    failed stage: its outcome is in the record. Without Redis it raises UnavailableError, and the lease decides.
    """
    began = _begin(runtime, job_id, unit, epoch, index, owner, task_stage)
    if began is None:
        return False
    grant, number, stage = began
    bind(job=job_id, unit=unit, stage=stage, partition=number)
    bind(epoch=grant.epoch, attempt=grant.attempt, project=grant.project, request_id=grant.request_id)
    with traced_run(grant, stage, on=runtime.settings.traces):
        return _run(runtime.of(grant.project), body, grant, number, stage, chained=chained)


def _run(runtime: Runtime, body: Body, grant: Grant, number: int | None, stage: str, *, chained: bool) -> bool:
    """Work, and tell the record how it ended; whether the canvas may go on."""
    stages = partition_stages(grant.stages)
    run: UnitRun | None = None
    try:
        lease = Lease(runtime.store, grant, 1 if number is None else len(stages), runtime.settings.task_memory_limit_mb)
        try:
            run = UnitRun(runtime, grant, lease, stage)
            body(run)
            lease.check()
        finally:
            lease.close()
    except RunStoppedError as stopped:
        tracing.current().event("stopped", why=str(stopped))
        _discard(run)
        return False
    except Exception as error:  # the stage's own failure, whatever it is, becomes the unit's outcome
        _discard(run)
        if isinstance(error, DamagedPartError) and of_later_version(error.file):
            _give_back(runtime, grant, error)
            return False
        again = isinstance(error, DamagedPartError) and error.file.name != PLAN_FILE
        counted = run.outcome.metrics if run else None
        if _fail(runtime, grant, error, counted, from_first_stage=again) and again and number is not None:
            runtime.lake.drop_partition(grant.job_id, stages, number, grant.epoch)
        return False
    return _commit(runtime, run, chained)


def _begin(
    runtime: Runtime, job_id: str, unit: str, epoch: int, index: int, owner: str, task_stage: str | None
) -> tuple[Grant, int | None, str] | None:
    """What the record grants, with its partition and stage; None where there is nothing to do."""
    grant = runtime.store.begin(job_id, unit, epoch, index, owner)
    if isinstance(grant, str):
        log.debug("message without work", job=job_id, unit=unit, epoch=epoch, reason=grant)
        return None
    pause_point("begun")
    runtime = runtime.of(grant.project)
    try:
        number, stage = place_of(grant)
    except RecordError as error:
        _fail(runtime, grant, error)
        return None
    if task_stage in (None, stage):
        return grant, number, stage
    # No message made of a hand-out names another stage's task. That work would do what the unit is not for.
    log.error("given back: its message named another stage's task", job=job_id, unit=unit, task=task_stage)
    try_dispatch(runtime.dispatch, _insist(lambda: runtime.store.release(job_id, unit, owner)).send)
    return None


def _give_back(runtime: Runtime, grant: Grant, error: DamagedPartError) -> None:
    """Leave a unit to a worker of the version that wrote what this one cannot read. It costs no attempt."""
    log.error("given back: a later version wrote what it reads", job=grant.job_id, unit=grant.unit, error=str(error))
    time.sleep(_GIVE_BACK_S)  # this worker is likely to be asked again at once
    answer = _insist(lambda: runtime.store.release(grant.job_id, grant.unit, grant.owner))
    try_dispatch(runtime.dispatch, answer.send)


def _discard(run: UnitRun | None) -> None:
    if run is not None:
        run.files.discard()


def _commit(runtime: Runtime, run: UnitRun, chained: bool) -> bool:
    pause_point("written")
    what, grant = run.outcome, run.grant
    arguments: dict[str, Any] = {
        "rows_in": what.rows_in,
        "rows_out": what.rows_out,
        "errors": what.errors,
        "pages": run.lease.pages_untold,
        "fields": what.fields or None,
        "doc": what.doc or None,
        "status": what.status,
        "mail_to": ",".join(what.mail_to) or None,
        "chained": chained or None,
        "files": short(run.files.counts) if run.makes_parts else None,
        "metrics": run.metrics,
    }
    answer = _insist(lambda: runtime.store.commit(grant, **arguments))
    if answer.refused:
        tracing.current().event("refused", why=answer.refused)
        run.files.discard()
        return False
    tracing.current().set(rows_in=what.rows_in, rows_out=what.rows_out, errors=what.errors)
    pause_point("committed")
    run.failed.tell()
    try:
        with tracing.span("expose files"):
            runtime.lake.expose(grant.job_id, run.stage, grant.unit, grant.epoch)
    except OSError as error:  # the commit counts; whoever reads the parts exposes them
        log.warning("files not exposed after a commit", job=grant.job_id, unit=grant.unit, error=str(error))
    pause_point("renamed")
    try_dispatch(runtime.dispatch, answer.send)
    return True


def _insist(move: Callable[[], Answer]) -> Answer:
    """Make a move that ends a run, again and again while Redis is away: what was worked for is not thrown away.

    A repeat is safe: a commit whose answer was lost gets the same answer, and after a lapse it is refused.

    Raises:
        UnavailableError: it stayed away for `CUT_OFF_S`.
    """
    until = time.monotonic() + CUT_OFF_S
    while True:
        try:
            return move()
        except UnavailableError:
            if time.monotonic() > until:
                raise
            time.sleep(_INSIST_S)


def failure_text(error: Exception) -> str:
    """What the record says of a failure: where a plug-in failed, with its name (`leadmill.plugins.at_work`).

    Without secrets before it is cut short: half of one would not be known any more.
    """
    if isinstance(error, LeadmillError):
        return redacted(str(error))
    return redacted(": ".join([*getattr(error, "__notes__", ()), type(error).__name__, str(error)]))


def _fail(
    runtime: Runtime,
    grant: Grant,
    error: Exception,
    metrics: Mapping[str, int] | None = None,
    *,
    from_first_stage: bool = False,
) -> bool:
    """Tell the record that a stage failed, and what its run counted; whether the run still held its unit."""
    category = error.category if isinstance(error, LeadmillError) else ErrorCategory.SYSTEM
    text = failure_text(error)
    tracing.current().fail(category.value)
    policy = RETRY[category]
    arguments = {
        "category": category.value,
        "max": policy.max_attempts,
        "base": policy.base_s * 1000,
        "cap": policy.cap_s * 1000,
        "jitter": random.random(),
        "restart": from_first_stage or None,
        "metrics": metrics or None,
    }
    told = clean_text(text[:500])  # the script's JSON takes no lone surrogate
    answer = _insist(lambda: runtime.store.fail(grant, error=told, **arguments))
    log.warning(
        "stage failed",
        job=grant.job_id,
        unit=grant.unit,
        category=category.value,
        error=text,
        then=what_follows(answer, grant.tries + 1, policy.max_attempts),
        exc_info=None if isinstance(error, LeadmillError) else error,
    )
    try_dispatch(runtime.dispatch, answer.send)
    return answer.refused is None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _by_source(companies: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    sources: dict[str, list[str]] = {}
    for row in companies:
        if row["source_job"]:
            sources.setdefault(row["source_job"], []).append(row["company_id"])
    return sources
