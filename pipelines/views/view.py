"""The job as callers see it: from its record to the job JSON of the API, the CLI and the dashboard.

Nothing is read here. Times are ISO-8601 in UTC, durations seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from data.jobs import JobRecord, StageCounts, Status
from leadmill.answers import Job, JobError, JobResult, JobStage, JobTurn, Links, PriorityName, Progress, StageStatus
from leadmill.traffic import ANSWERS, WAITS, Traffic
from pipelines.queues import Priority
from pipelines.stages import STAGES, partition_stages, report_format

API = "/api/v1"
#: Statuses from which `resume` is legal, whatever the coverage.
_RESUMABLE = frozenset({Status.FAILED, Status.CANCELLED})
_MESSAGES = {
    "pending": "waiting to start",
    "retry": "waiting for the next try",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
#: Of a stage.
_ENDED = frozenset({"completed", "failed"})
#: The last second that can be told, ms.
_LAST_MS = 253_402_300_799_000
#: Longest `error.message`, characters; the whole text is `error.detail`.
_MESSAGE_CHARS = 200


def iso(ms: float | None) -> str | None:
    """Milliseconds since the epoch as ISO-8601 UTC, or None for nothing."""
    if not ms:
        return None
    # Version 0.1 took times that lie behind the last year there is.
    return (
        datetime.fromtimestamp(min(ms, _LAST_MS) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def job_json(record: JobRecord, waiting_for: str | None = None, turn: JobTurn | None = None, *, api: str = API) -> Job:
    """The job JSON of the API. `waiting_for` and `turn` come from `pipelines.views.waiting`, which has to ask Redis.

    `api`: what links begin with.
    """
    stages = stage_list(record)
    return {
        "job_id": record.job_id,
        "kind": record.kind,
        "status": record.status.value,
        "priority": cast("PriorityName", Priority(record.priority).label),
        "tags": list(record.tags),
        "parent": record.parent,
        "created_at": iso(record.created_ms),
        "started_at": iso(record.started_ms),
        "finished_at": iso(record.finished_ms),
        "duration_s": _duration(record),
        "progress": _progress(record, stages),
        "coverage": record.coverage,
        "waiting_for": waiting_for,
        "turn": turn,
        "stages": stages,
        "error": _error(record),
        "attempt": record.attempt,
        "result": cast("JobResult | None", record.result),
        "links": links(record.job_id, record, api=api),
    }


def links(job_id: str, record: JobRecord | None = None, *, api: str = API) -> Links:
    """Where to go on from a job; `cancel` and `resume` only where they are legal (both unknown: cancel)."""
    found: Links = {
        "self": f"{api}/jobs/status/{job_id}",
        "events": f"{api}/jobs/{job_id}/events",
        "errors": f"{api}/jobs/{job_id}/errors",
        "report": f"{api}/jobs/{job_id}/report",
    }
    if record is not None and record.archived:
        del found["events"]
    elif record is None or not record.is_terminal:
        found["cancel"] = f"{api}/jobs/cancel/{job_id}"
    elif record.status in _RESUMABLE or (record.coverage or 0) < 1:
        found["resume"] = f"{api}/jobs/{job_id}/resume"
    return found


def stage_list(record: JobRecord) -> list[JobStage]:
    """Every stage of the job in its order; launch and publish are not told.

    A partition that failed at one stage counts as failed in all later ones, since they never see it.
    """
    lost, partitions = 0, record.partitions
    out = []
    for name in record.stages:
        if (stage := STAGES.get(name)) is None:
            continue
        counts = record.stage(stage.unit_name)
        if stage.scope == "partition":
            lost += counts.failed
            total, failed = partitions, lost
        else:
            total, failed = len(formats(record)) if stage.scope == "format" else 1, counts.failed
        out.append(_stage(record, name, counts, total, min(failed, total)))
    return out


def formats(record: JobRecord) -> list[str]:
    """Report formats that the job renders; known once it is launched."""
    return [fmt for step in record.close for unit in step if (fmt := report_format(unit))]


def _stage(record: JobRecord, name: str, counts: StageCounts, total: int, failed: int) -> JobStage:
    done = min(counts.done, total - failed)
    status = _stage_status(record, total, done, failed, started=counts.started_ms is not None)
    return {
        "name": name,
        "status": status,
        "partitions": {"total": total, "done": done, "failed": failed},
        "rows_in": counts.rows_in,
        "rows_out": counts.rows_out,
        "errors": counts.errors,
        "started_at": iso(counts.started_ms),
        "finished_at": iso(counts.finished_ms) if status in _ENDED else None,
    }


def _stage_status(record: JobRecord, total: int, done: int, failed: int, *, started: bool) -> StageStatus:
    if total and done + failed >= total:
        return "completed" if done else "failed"
    if record.is_terminal:
        return "cancelled" if started and record.status == Status.CANCELLED else "skipped"
    return "running" if started and record.status != Status.PENDING else "pending"


def _duration(record: JobRecord) -> float | None:
    if record.took_ms is not None:
        return record.took_ms / 1000
    if record.started_ms is None or record.is_terminal:
        return None
    return round(max(0.0, time.time() - record.started_ms / 1000), 3)


def _progress(record: JobRecord, stages: Sequence[JobStage]) -> Progress:
    ended = sum(stage["status"] in _ENDED for stage in stages)
    status = record.status
    traffic = record.traffic
    waits = traffic.waits if status == Status.RUNNING else Traffic().waits
    message = record.message or _share_of(record) if status == Status.RUNNING else _MESSAGES[status]
    return {
        "current_step": min(len(stages), ended + (not record.is_terminal)),
        "total_steps": len(stages),
        "percentage": record.progress / 10,
        "message": message,
        "details": {
            "pages": record.pages,
            "pages_per_second": _rate(record, stages),
            "received_bytes": traffic.received,
            "answers": _named(ANSWERS, traffic.answers),
            "hosts_waiting": _named(WAITS, waits),
            "partitions": record.partitions,
            "partitions_done": record.partitions_done,
            "partitions_failed": record.partitions_failed,
        },
    }


def _named(names: Sequence[str], numbers: Sequence[int]) -> dict[str, int]:
    return {name: number for name, number in zip(names, numbers, strict=True) if number}


def _rate(record: JobRecord, stages: Sequence[JobStage]) -> float | None:
    """Pages a second of its crawls: while they run until now, then until the last of them had ended."""
    counts = record.stage("scrape")
    if not record.pages or counts.started_ms is None:
        return None
    runs = any(stage["name"] == "scrape" and stage["status"] == "running" for stage in stages)
    until = time.time() * 1000 if runs or counts.finished_ms is None else counts.finished_ms
    return round(record.pages / max(0.001, (until - counts.started_ms) / 1000), 1)


def _share_of(record: JobRecord) -> str:
    if not record.partitions or not partition_stages(record.stages):
        return "running"
    fetched = f"{record.pages:,} {'page' if record.pages == 1 else 'pages'} fetched, " if record.pages else ""
    return f"{fetched}{record.partitions_done + record.partitions_failed} of {record.partitions} partitions"


def _error(record: JobRecord) -> JobError | None:
    text = record.error
    if not text and not record.error_category:
        return None
    message = text.splitlines()[0] if text else "failed"
    return {
        "category": record.error_category or "data",
        "message": message[:_MESSAGE_CHARS],
        "detail": text if len(text) > len(message[:_MESSAGE_CHARS]) else None,
    }
