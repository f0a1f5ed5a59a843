"""Jobs as they are: status, list, statistics, errors, dead letters; cancel, resume, and both for all that match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response

from api.auditing import audited
from api.bodies import BulkBody
from api.context import Context, Here
from api.error_rows import MAX_PAGE as MAX_ERRORS_PAGE
from api.error_rows import error_page
from api.fields import KindName, Time
from api.pipelines import resume_answer
from api.routing import Router
from api.submitting import IdempotencyHeader, accepted_answer
from data.jobs import JobRecord, Status
from leadmill import answers
from leadmill.access import Role
from leadmill.errors import ErrorCode
from pipelines.committed import told_files
from pipelines.intake import bulk, control
from pipelines.views import causes, dead_letters, waiting
from pipelines.views.listing import MAX_PAGE, JobFilter
from pipelines.views.listing import list_jobs as page_of_jobs
from pipelines.views.statistics import statistics_and_alarms
from pipelines.views.view import job_json

router = Router("/jobs", "jobs")


@router.get("/status/{job_id}", role=Role.VIEWER, response_model=answers.Job, summary="One job")
def status(job_id: str, here: Here) -> Response:
    return JSONResponse(told(here, [control.known(here.store, here.lake, job_id)])[0])


def told(here: Context, records: Sequence[JobRecord]) -> list[answers.Job]:
    """Jobs as they are shown, with what each waits for."""
    waits = waiting.waits(here.store, records)
    return [job_json(record, *waits.get(record.job_id, waiting.NOTHING), api=here.api) for record in records]


@router.get("/list", role=Role.VIEWER, response_model=answers.JobPage, summary="Jobs, newest first")
def list_jobs(
    here: Here,
    status: Annotated[Status | None, Query()] = None,
    kind: Annotated[KindName | None, Query()] = None,
    tag: Annotated[str | None, Query(min_length=1, max_length=60)] = None,
    since: Annotated[Time | None, Query(description="Created at or after, like 2027-01-31T08:00:00Z")] = None,
    text: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    return JSONResponse(told_page(here, JobFilter(status, kind, tag, since, text), limit, cursor))


def told_page(here: Context, wanted: JobFilter, limit: int, cursor: str | None = None) -> answers.JobPage:
    """A page of jobs as they are shown.

    Raises:
        InputError: not a cursor of ours.
        UnavailableError: Redis does not answer.
    """
    page = page_of_jobs(here.store, here.lake, wanted, limit, cursor)
    return {"items": told(here, page.records), "next_cursor": page.next_cursor}


@router.get(
    "/statistics",
    role=Role.VIEWER,
    response_model=answers.Statistics,
    summary="Totals, durations, rates, queues, workers and alarms, at the same cost whatever their number",
)
def job_statistics(here: Here) -> Response:
    return JSONResponse(told_statistics(here))


def told_statistics(here: Context) -> answers.Statistics:
    """Figures over all jobs and what is wrong, as far as the caller may know."""
    wrong_now = here.watcher.wrong_now() if here.watcher else ()
    return statistics_and_alarms(here.store, here.broker, wrong_now)


@router.get(
    "/dead",
    role=Role.VIEWER,
    response_model=answers.DeadLetterPage,
    summary="Units that failed for good, newest first, with the reason",
)
def dead(
    here: Here,
    limit: Annotated[int, Query(ge=1, le=dead_letters.MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    page = dead_letters.dead_letters(here.store, here.lake, limit, cursor, api=here.api)
    return JSONResponse({"items": page.items, "next_cursor": page.next_cursor})


@router.post(
    "/bulk", role=Role.OPERATOR, response_model=answers.BulkAnswer, summary="Cancel or resume every job that matches"
)
def act_on_all(body: BulkBody, here: Here, request: Request) -> Response:
    with audited_bulk(request, body.action) as done:
        found = bulk.act(
            here.store,
            here.lake,
            here.dispatcher.put,
            body.action,
            JobFilter(**dict(body.filter)),
            dry_run=body.dry_run,
            cursor=body.cursor,
        )
        if not body.dry_run:
            done.append(found)
    return JSONResponse({"action": body.action, "dry_run": body.dry_run, **found.as_dict()})


@contextmanager
def audited_bulk(request: Request, action: bulk.Action) -> Iterator[list[bulk.BulkResult]]:
    """Say in the audit what one action on many jobs did; the block puts its result, where it did something."""
    name, results = f"{action}_all", list[bulk.BulkResult]()
    audited(request, action=name, count=0)
    yield results
    ids = " ".join(job for one in results for job in one.done_ids) or None
    audited(request, action=name, count=sum(one.done for one in results), id=ids)


@router.get(
    "/{job_id}/errors",
    role=Role.VIEWER,
    response_model=answers.ErrorPage,
    summary="Companies and pages that failed, with the reason",
)
def errors(
    job_id: str,
    here: Here,
    limit: Annotated[int, Query(ge=1, le=MAX_ERRORS_PAGE)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    code: Annotated[ErrorCode | None, Query(description="Only those in whose place this stands.")] = None,
) -> Response:
    if not here.lake.storage.names(here.lake.job_dir(job_id)):
        control.existing(here.store, here.lake, job_id)
    given_up = partial(causes.given_up, here.store, here.lake, job_id)
    items, following = error_page(here.lake, told_files(here.store, here.lake, job_id), limit, cursor, given_up, code)
    return JSONResponse({"items": items, "next_cursor": following})


@router.delete(
    "/cancel/{job_id}",
    role=Role.OPERATOR,
    status_code=202,
    response_model=answers.Accepted,
    summary="End a job now; what is done is kept",
)
def cancel(job_id: str, here: Here) -> Response:
    record = control.cancel(here.store, here.lake, job_id)
    return accepted_answer(here.api, job_id, record.kind, status=record.status)


@router.post(
    "/{job_id}/resume",
    role=Role.OPERATOR,
    status_code=202,
    response_model=answers.Accepted,
    summary="Hand out again what is not done",
)
def resume(job_id: str, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    return resume_answer(here, job_id, idempotency_key)


@router.post(
    "/{job_id}/replay",
    role=Role.OPERATOR,
    status_code=202,
    response_model=answers.Accepted,
    summary="Resume the job of a dead letter: what is not done of it is handed out again",
)
def replay(job_id: str, here: Here, idempotency_key: IdempotencyHeader = None) -> Response:
    return resume_answer(here, job_id, idempotency_key)
