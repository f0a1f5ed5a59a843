"""One action on every job that matches, or on those that are named: how many there were, how many were acted on, and
why not the others.

Live jobs only, newest first. A call ends after `MAX_S` and then says where the next one goes on; its counts are
exact for what it looked at. A repeated call does nothing twice: what was cancelled is refused by then.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from data.jobs import TERMINAL, JobRecord, JobStore, Status
from data.lake import Lake
from leadmill.answers import BulkCounts, RefusedJob
from leadmill.errors import ConflictError, NotFoundError, OverloadedError, QuotaError
from pipelines.execution.canvas import Dispatch
from pipelines.execution.restore import note_cancelled
from pipelines.intake.control import resume
from pipelines.views import cursors
from pipelines.views.listing import JobFilter, matching, place_of

#: Refused jobs that are named; all are counted.
MAX_NAMED = 100
#: Seconds after which a call ends and tells where to go on.
MAX_S = 8.0


#: Of a result, for callers in this process alone.
_NOT_TOLD = ("done_ids", "were")


class Action(StrEnum):
    """What may be done to many jobs."""

    CANCEL = "cancel"
    RESUME = "resume"


@dataclass
class BulkResult:
    """Counts of one call. With a dry run `done` is how many it would be."""

    matched: int = 0
    done: int = 0
    #: Matched, but the action is not legal: counted, and the first `MAX_NAMED` named {job_id, status, reason}.
    refused: int = 0
    refused_jobs: list[RefusedJob] = field(default_factory=list)
    next_cursor: str | None = None
    #: The first `MAX_NAMED` on which it was done; for the audit.
    done_ids: list[str] = field(default_factory=list)
    #: What they were before, by status; for who is asked whether it shall be done.
    were: Counter[str] = field(default_factory=Counter)

    def did(self, record: JobRecord) -> None:
        """Count a job on which it was done."""
        self.done += 1
        self.were[record.status] += 1
        if len(self.done_ids) < MAX_NAMED:
            self.done_ids.append(record.job_id)

    def refuse(self, job_id: str, status: str, reason: str) -> None:
        """Count a job that could not be acted on."""
        self.refused += 1
        if len(self.refused_jobs) < MAX_NAMED:
            self.refused_jobs.append({"job_id": job_id, "status": status, "reason": reason})

    def as_dict(self) -> BulkCounts:
        """For JSON."""
        return cast("BulkCounts", {name: value for name, value in vars(self).items() if name not in _NOT_TOLD})


def act(
    store: JobStore,
    lake: Lake,
    dispatch: Dispatch,
    action: Action,
    wanted: JobFilter,
    *,
    dry_run: bool = False,
    cursor: str | None = None,
) -> BulkResult:
    """Cancel or resume all live jobs that match.

    Raises:
        InputError: not a cursor of ours.
        OverloadedError, QuotaError: as many jobs are live as may be, and no job was looked at before one that this
            keeps from being resumed. Else the call ends before that job, and the next one goes on with it.
        UnavailableError: Redis does not answer; what was done stays done, and a repeat goes on.
    """
    found, until = BulkResult(), time.monotonic() + MAX_S
    before = place_of(cursor) if cursor else None
    for record, place in matching(store, wanted, before):
        if record is not None:
            try:
                _act(store, lake, dispatch, action, record, found, dry_run=dry_run)
            except (OverloadedError, QuotaError):
                if before is None or not found.matched:
                    raise
                found.next_cursor = cursors.encode(*before)
                break
        before = place
        if time.monotonic() > until:
            found.next_cursor = cursors.encode(*place)
            break
    return found


def act_on(
    store: JobStore, lake: Lake, dispatch: Dispatch, action: Action, job_ids: Sequence[str], *, dry_run: bool = False
) -> BulkResult:
    """Cancel or resume these jobs, as many as a page of a list has.

    Raises:
        OverloadedError, QuotaError: as many jobs are live as may be; those before it were resumed.
        UnavailableError: Redis does not answer.
    """
    found = BulkResult()
    for job_id, record in zip(job_ids, store.records(job_ids), strict=True):
        if isinstance(record, JobRecord):
            _act(store, lake, dispatch, action, record, found, dry_run=dry_run)
        else:
            found.matched += 1
            found.refuse(job_id, "unknown", "its record was cleaned up, or cannot be read")
    return found


def refusal(action: Action, record: JobRecord) -> str | None:
    """Why an action is not legal for a job as its record stands, or None."""
    status = record.status
    if action is Action.CANCEL:
        return f"it is {status} already" if status in TERMINAL else None
    if status not in TERMINAL:
        return f"it is {status}; only what has ended can be resumed"
    if status == Status.COMPLETED and (record.coverage or 0) >= 1:
        return "it is completed with nothing missing"
    return None


def _act(
    store: JobStore,
    lake: Lake,
    dispatch: Dispatch,
    action: Action,
    record: JobRecord,
    found: BulkResult,
    *,
    dry_run: bool,
) -> None:
    """The record may have moved since it was read: the move itself decides."""
    reason = refusal(action, record)
    try:
        if reason or dry_run:
            pass
        elif action is Action.CANCEL:
            store.cancel(record.job_id)
            note_cancelled(lake, record.job_id, record.attempt)
        else:
            resume(store, lake, dispatch, record.job_id)
    except (ConflictError, NotFoundError) as error:
        reason = str(error)
    found.matched += 1
    if reason:
        found.refuse(record.job_id, record.status, reason)
    else:
        found.did(record)
