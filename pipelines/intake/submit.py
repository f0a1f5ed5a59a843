"""Submit: record a job, then send its launch message. Accepted means recorded."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data import history
from data.ending import check_open, open_folder
from data.jobs import HandOut, JobStore, NewJob
from data.lake import Lake
from data.parts import MANIFEST
from leadmill import tracing
from leadmill.errors import InputError, StorageError, StoreRefusedError, UnavailableError
from leadmill.ids import new_job_id
from leadmill.log import get_logger
from leadmill.pause import pause_point
from leadmill.settings import get_settings
from pipelines.execution.canvas import Dispatch, try_dispatch
from pipelines.intake.bounds import of_submission
from pipelines.queues import Priority
from pipelines.request import accepted
from pipelines.request.asked import SIGNALS_OBEYED, USER_AGENT_REFUSED, RecordError, check_options
from pipelines.request.inputs import (
    LONG_LIST,
    MAX_COLUMN,
    MAX_QUERIES,
    MAX_UPLOAD,
    UPLOAD,
    WORKBOOK,
    check_company_ids,
    check_urls,
)
from pipelines.request.known_before import is_later
from pipelines.request.lists.decoding import is_workbook
from pipelines.scoring.chosen import Chosen, choose
from pipelines.scoring.models import Models
from pipelines.stages import KINDS, OPTION_READERS, PIPELINE, partition_stages

log = get_logger(__name__)

#: Inputs up to this size lie in the record itself (bytes of JSON); larger ones in `jobs/<id>/input/`.
INLINE_BYTES = 64_000
MAX_TAGS = 20
#: A deadline in seconds, and a time to start at or to end by, lie at most so far ahead (seconds).
MAX_DEADLINE_S = 365 * 86_400
MAX_AHEAD_S = 3_653 * 86_400


@dataclass(frozen=True)
class Submission:
    """What a caller asks for, already of the right types; `check` holds the rules between the fields."""

    #: One of `leadmill.declared.KINDS`.
    kind: str
    company_urls: Sequence[str] = ()
    search_queries: Sequence[str] = ()
    max_results_per_query: int = 20
    company_ids: Sequence[str] = ()
    #: An uploaded CSV or XLSX file, on this machine until the submit returns.
    file: Path | None = None
    #: The header of the column in it that names the companies; None: it is found.
    column: str | None = None
    #: A job whose companies (and, for the stages before the first asked for, rows) are taken.
    parent: str | None = None
    #: Which companies of the lake (`reports.lead_filter.LeadFilter.given`); for a report over them.
    filter: Mapping[str, Any] = field(default_factory=dict)
    stages: Sequence[str] = ()
    #: crawl, report, scoring_model, icp and what maintenance calls take.
    options: Mapping[str, Any] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    tags: Sequence[str] = ()
    min_coverage: float | None = None
    deadline_s: float | None = None
    #: The deadline as a time (seconds since the epoch) instead; a repeated request then has the same body.
    deadline_at: float | None = None
    run_at: float | None = None
    idempotency_key: str | None = None
    #: Who is told of its end: channels by name, mail addresses; and a URL, by a signed webhook.
    notify: Sequence[str] = ()
    callback_url: str | None = None
    #: The id of the request that it came by, where its caller has named it.
    request_id: str | None = None

    def checked_stages(self) -> tuple[str, ...]:
        """The job's stages in their order.

        Raises:
            InputError: an unknown stage, or none.
        """
        if self.kind != "pipeline":
            return KINDS[self.kind].stage_names
        for i, name in enumerate(self.stages):
            if name not in PIPELINE:
                raise InputError(f"no stage {name[:40]!r}; there are: {', '.join(PIPELINE)}", field=f"stages[{i}]")
        wanted = tuple(name for name in PIPELINE if not self.stages or name in self.stages)
        gap = PIPELINE[PIPELINE.index(wanted[0]) : PIPELINE.index(wanted[-1]) + 1]
        if wanted != gap:
            missing = ", ".join(sorted(set(gap) - set(wanted)))
            raise InputError(f"stages must follow one another; missing between: {missing}", field="stages")
        return wanted

    def seconds_left(self) -> float | None:
        """From now to the deadline, or None without one."""
        return self.deadline_s if self.deadline_at is None else max(0.001, self.deadline_at - time.time())

    def check(self) -> None:
        """Raise InputError for the first rule that is broken."""
        if self.kind not in KINDS:
            raise InputError(f"no kind {self.kind[:40]!r}; there are: {', '.join(KINDS)}", field="kind")
        check_urls(self.company_urls)
        check_company_ids(self.company_ids)
        if self.column is not None and self.file is None:
            raise InputError("a column is one of an uploaded file; there is none", field="column")
        if self.column is not None and not 0 < len(self.column) <= MAX_COLUMN:
            raise InputError(f"a header has 1 to {MAX_COLUMN} characters", field="column")
        if len(self.search_queries) > MAX_QUERIES:
            raise InputError(f"more than {MAX_QUERIES} search queries", field="search_queries")
        for i, query in enumerate(self.search_queries):
            if not query.strip() or len(query) > 500:
                raise InputError("a search query has 1 to 500 characters", field=f"search_queries[{i}]")
        if len(self.tags) > MAX_TAGS or any(not tag or len(tag) > 60 for tag in self.tags):
            raise InputError(f"at most {MAX_TAGS} tags of 1 to 60 characters", field="tags")
        if self.min_coverage is not None and not 0 <= self.min_coverage <= 1:
            raise InputError("a share between 0 and 1", field="min_coverage")
        self._check_times()
        if self.filter and self.company_ids:
            raise InputError("give company_ids or a filter, not both", field="filter")
        self._check_options()
        self._check_manners()
        self._check_mail_to()
        self.chosen()
        if self.kind == "pipeline" and not (
            self.company_urls or self.search_queries or self.company_ids or self.file or self.parent
        ):
            raise InputError(
                "give company_urls, search_queries, company_ids or a CSV or XLSX file", field="company_urls"
            )

    def _check_options(self) -> None:
        try:
            check_options(dict(self.options))
        except RecordError as error:
            raise InputError(f"{error.field}: {error.what}", field=error.field) from error
        for name, readers in OPTION_READERS.items():
            if self.options.get(name) is not None and set(readers).isdisjoint(self.checked_stages()):
                raise InputError(f"the job has no stage {' or '.join(readers)}, which alone reads it", field=name)

    def chosen(self) -> Chosen:
        """The options as the record holds them, and what is kept of the scoring that they name.

        Raises:
            InputError: no such scoring model or profile, or no stage that reads them.
            ModelFileError: the operator's file of it is wrong.
        """
        if "score" in self.checked_stages():
            return choose(self.options, Models.of(get_settings()))
        for name in ("scoring_model", "icp"):
            if self.options.get(name) is not None:
                raise InputError("the job has no stage score, which alone reads it", field=name)
        return Chosen(dict(self.options), {})

    def _check_mail_to(self) -> None:
        if addresses := (self.options.get("report") or {}).get("mail_to"):
            from pipelines.notices.report_mail import check_mail_to

            # The call for a report alone has no object `report` around it.
            check_mail_to(get_settings(), addresses, "mail_to" if self.kind == "report" else "report.mail_to")

    def _check_manners(self) -> None:
        """Under which name to crawl, and what to leave aside, is the operator's affair.

        A rerun that fetches nothing may have inherited either.
        """
        crawl, settings = self.options.get("crawl") or {}, get_settings()
        if self.parent and "scrape" not in self.checked_stages():
            return
        if crawl.get("user_agent") and not settings.allow_user_agent:
            raise InputError(USER_AGENT_REFUSED, field="crawl.user_agent")
        if crawl.get("respect_signals") is False and settings.respect_signals:
            raise InputError(SIGNALS_OBEYED, field="crawl.respect_signals")

    def _check_times(self) -> None:
        if self.deadline_s is not None and not 0 < self.deadline_s <= MAX_DEADLINE_S:
            raise InputError(f"more than 0 and at most {MAX_DEADLINE_S:,} seconds (a year)", field="deadline")
        for name, at in (("deadline", self.deadline_at), ("run_at", self.run_at)):
            if at is not None and not 0 <= at <= time.time() + MAX_AHEAD_S:
                raise InputError("give a time since 1970 and within ten years from now", field=name)


@dataclass(frozen=True)
class Accepted:
    """A recorded job. `replayed`: an earlier request with the same key made it."""

    job_id: str
    replayed: bool
    send: list[HandOut]
    #: Elements of the audit's stream, where the record's script has added the entry to it; 0: it has not.
    audited: int = 0


def record(
    store: JobStore,
    lake: Lake,
    submission: Submission,
    job_id: str | None = None,
    audit: Callable[[str], str] | None = None,
) -> Accepted:
    """Check a submission and write its record; the caller dispatches `send`, after answering if it likes.

    `audit` makes the audit entry of the job with this id (`data.audit.Entry.text`).

    Raises:
        InputError: a field is wrong (named).
        ConflictError: the idempotency key stood for another body, or the project is being removed.
        UnavailableError: Redis does not answer; carries the job's id, which a repeat may name.
        OverloadedError, QuotaError: it would be too much; nothing was kept.
        StorageError: the input could not be kept.
    """
    with traced_submit(submission.kind) as span:
        made = _record(store, lake, submission, job_id, audit)
        span.set(job=made.job_id, project=store.project, replayed=made.replayed or None)
        return made


def _record(
    store: JobStore, lake: Lake, submission: Submission, job_id: str | None, audit: Callable[[str], str] | None
) -> Accepted:
    submission.check()
    check_told(store.project, submission)
    stages = submission.checked_stages()
    bounds = of_submission(
        store,
        lake,
        stages,
        company_urls=submission.company_urls,
        company_ids=submission.company_ids,
        parent=submission.parent,
        file=submission.file,
    )
    open_folder(lake.data, lake.project)
    fresh = job_id is None
    job_id = job_id or new_job_id()
    source = _source(submission)
    body_hash = _hash(submission, source)
    options, files = submission.chosen()
    folder = lake.job_dir(job_id) / "input"
    if submission.file is not None:
        store.now_ms()  # nothing is kept of a list for a Redis that is away: whether it has counted would be unknown
    try:
        source = _kept(lake, submission, source, folder)
        for name, text in files.items():
            lake.storage.put(folder / name, text)
        job = NewJob(
            job_id=job_id,
            kind=str(submission.kind),
            stages=stages,
            partition_stages=partition_stages(stages),
            spec=options,
            source=source,
            priority=int(submission.priority),
            tags=tuple(submission.tags),
            parent=submission.parent,
            min_coverage=submission.min_coverage,
            deadline_s=submission.seconds_left(),
            run_at=submission.run_at,
            idempotency_key=submission.idempotency_key,
            body_hash=body_hash,
            trace=tracing.current().traceparent,
            notify=tuple(submission.notify),
            callback_url=submission.callback_url,
            request_id=submission.request_id,
        )
        job = replace(job, later=is_later(job))
        if submission.run_at is not None or not source.keys().isdisjoint(("file", "json")):
            accepted.keep(lake, job)
    except OSError as error:
        if fresh:
            _forget(lake, job_id)
        raise StorageError.of(error) or error from error
    try:
        check_open(lake.data, lake.project)  # once more: a list may have taken its time
        answer = store.submit(job, bounds, audit and audit(job_id))
    except Exception as error:
        may_count = isinstance(error, UnavailableError) and not isinstance(error, StoreRefusedError)
        if fresh and not may_count:
            _forget(lake, job_id)
        raise
    pause_point("recorded")
    recorded = str(answer.body["job"])
    if recorded != job_id:
        _forget(lake, job_id)
    if answer.body.get("lost") and not _archived(lake, recorded):
        return replace(_record(store, lake, submission, recorded, audit), replayed=True)
    return Accepted(recorded, bool(answer.body.get("replayed")), answer.send, answer.body.get("audited") or 0)


def traced_submit(kind: str) -> AbstractContextManager[tracing.Span]:
    """The span of a submission: within that of its request, else (a schedule, a program) the first of a trace."""
    within = tracing.current()
    if within is not tracing.NO_SPAN:
        return within.child("submit", kind=kind)
    if not get_settings().traces:
        return nullcontext(tracing.NO_SPAN)
    from leadmill.tracing import spans

    return spans.begun("submit", kind=kind)


def check_told(project: str, submission: Submission) -> None:
    """Whether whoever a job asks to be told can be.

    Raises:
        InputError: there is no such channel, or nothing may be sent there.
        NoticesUnreadableError: that cannot be told.
    """
    if submission.notify or submission.callback_url:
        from pipelines.notices.rules import Rules

        rules = Rules()
        rules.check_notify(project, submission.notify)
        if submission.callback_url:
            rules.check_callback(project, submission.callback_url)


def _forget(lake: Lake, job_id: str) -> None:
    """Remove the input of a job that was not recorded; cleanup finds what stays."""
    with suppress(OSError):
        lake.storage.remove_all(lake.job_dir(job_id))


def _archived(lake: Lake, job_id: str) -> bool:
    """Whether the lake tells of a job that has no record any more: cleanup took it out, or it will be restored."""
    return lake.storage.stat(lake.job_dir(job_id) / MANIFEST) is not None or history.find(lake, job_id) is not None


def submit(store: JobStore, lake: Lake, dispatch: Dispatch, submission: Submission) -> Accepted:
    """Record a job and send its launch message. When that fails the job is accepted all the same."""
    made = record(store, lake, submission)
    try_dispatch(dispatch, made.send)
    return made


def _source(submission: Submission) -> dict[str, Any]:
    source: dict[str, Any] = {}
    if submission.company_urls:
        source["company_urls"] = list(submission.company_urls)
    if submission.search_queries:
        source["search_queries"] = list(submission.search_queries)
        source["max_results_per_query"] = submission.max_results_per_query
    if submission.company_ids:
        source["company_ids"] = list(submission.company_ids)
    if submission.column:
        source["column"] = submission.column
    if submission.parent:
        source["parent"] = submission.parent
    if submission.filter:
        source["filter"] = dict(submission.filter)
    return source


def _hash(submission: Submission, source: Mapping[str, Any]) -> str:
    """What makes two bodies the same for an idempotency key."""
    body = [
        submission.kind, source, list(submission.stages), dict(submission.options), int(submission.priority),
        list(submission.tags), submission.min_coverage, submission.deadline_s, submission.deadline_at,
        submission.run_at,
    ]  # fmt: skip
    if submission.notify or submission.callback_url:
        body += [list(submission.notify), submission.callback_url]
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode())
    if submission.file is not None:
        digest.update(submission.file.read_bytes())
    return digest.hexdigest()[:32]


def _kept(lake: Lake, submission: Submission, source: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The source as the record holds it: a file and a long list lie in the job's folder."""
    if submission.file is not None:
        return {**source, "file": _keep_upload(lake, submission.file, folder)}
    text = json.dumps(source)
    if len(text) <= INLINE_BYTES:
        return source
    lake.storage.put(folder / LONG_LIST, text.encode())
    return {"json": LONG_LIST}


def _keep_upload(lake: Lake, file: Path, folder: Path) -> str:
    if file.stat().st_size > MAX_UPLOAD:
        raise InputError(f"the file is larger than {MAX_UPLOAD // 1_000_000} MB", field="file")
    name = WORKBOOK if is_workbook(file) else UPLOAD
    with lake.storage.create(folder / name) as path:
        shutil.copyfile(file, path)
    return name
