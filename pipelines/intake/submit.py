"""Submit: record a job, then send its launch message. Accepted means recorded."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
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
from pipelines.intake.submission import Submission
from pipelines.request import accepted
from pipelines.request.inputs import LONG_LIST, MAX_UPLOAD, UPLOAD, WORKBOOK
from pipelines.request.known_before import is_later
from pipelines.request.lists.decoding import is_workbook
from pipelines.stages import partition_stages

log = get_logger(__name__)

#: Inputs up to this size lie in the record itself (bytes of JSON); larger ones in `jobs/<id>/input/`.
INLINE_BYTES = 64_000


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
