"""The job as callers see it: from a raw record to the job JSON of the API, the CLI and the dashboard.

Nothing is read here; the record is what `JobStore.read` gave. Times are ISO-8601 in UTC, durations seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data.jobs import TERMINAL, Status
from data.jobs.entries import object_of
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
#: The last second that can be told, ms.
_LAST_MS = 253_402_300_799_000
#: Longest `error.message`, characters; the whole text is `error.detail`.
_MESSAGE_CHARS = 200

Record = Mapping[str, str]


def iso(ms: str | float | None) -> str | None:
    """Milliseconds since the epoch as ISO-8601 UTC, or None for nothing."""
    if not ms:
        return None
    # Version 0.1 took times that lie behind the last year there is.
    return (
        datetime.fromtimestamp(min(float(ms), _LAST_MS) / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def is_terminal(record: Record) -> bool:
    """Completed, failed or cancelled."""
    return record["status"] in TERMINAL


def job_json(record: Record, waiting_for: str | None = None) -> dict[str, Any]:
    """The job JSON of the API. `waiting_for` comes from `pipelines.views.waiting`, which has to ask Redis."""
    stages = stage_list(record)
    return {
        "job_id": record["id"],
        "kind": record["kind"],
        "status": record["status"],
        "priority": Priority(int(record.get("prio") or 1)).label,
        "tags": json.loads(record.get("tags") or "[]"),
        "parent": record.get("parent") or None,
        "created_at": iso(record["created"]),
        "started_at": iso(record.get("started")),
        "finished_at": iso(record.get("finished")),
        "duration_s": _duration(record),
        "progress": _progress(record, stages),
        "coverage": coverage(record),
        "waiting_for": waiting_for,
        "stages": stages,
        "error": _error(record),
        "attempt": int(record.get("attempt") or 1),
        "result": object_of(record["result"]) if record.get("result") else None,
        "links": links(record["id"], record),
    }


def coverage(record: Record) -> float | None:
    """Share of companies with a good row, 0–1; None before the job has ended."""
    return float(record["coverage"]) if record.get("coverage") else None


def links(job_id: str, record: Record | None = None) -> dict[str, str]:
    """Where to go on from a job; `cancel` and `resume` only where they are legal (both unknown: cancel)."""
    found = {
        "self": f"{API}/jobs/status/{job_id}",
        "events": f"{API}/jobs/{job_id}/events",
        "errors": f"{API}/jobs/{job_id}/errors",
        "report": f"{API}/jobs/{job_id}/report",
    }
    if record is not None and "archived" in record:
        del found["events"]
    elif record is None or not is_terminal(record):
        found["cancel"] = f"{API}/jobs/cancel/{job_id}"
    elif record["status"] in _RESUMABLE or (coverage(record) or 0) < 1:
        found["resume"] = f"{API}/jobs/{job_id}/resume"
    return found


def stage_list(record: Record) -> list[dict[str, Any]]:
    """Every stage of the job in its order; launch and publish are not told.

    A partition that failed at one stage counts as failed in all later ones, since they never see it.
    """
    names = tuple(name for name in record["stages"].split(",") if name in STAGES)
    lost = 0
    out = []
    for name in names:
        if STAGES[name].scope == "partition":
            lost += _count(record, name, "f")
        out.append(_stage(record, name, lost))
    return out


def formats(record: Record) -> list[str]:
    """Report formats that the job renders; known once it is launched."""
    units = record.get("close", "").replace(";", ",").split(",")
    return [fmt for unit in units if unit and (fmt := report_format(unit))]


def _stage(record: Record, name: str, lost: int) -> dict[str, Any]:
    scope = STAGES[name].scope
    if scope == "partition":
        total, failed = int(record.get("pn") or 0), lost
    else:
        total = len(formats(record)) if scope == "format" else 1
        failed = _count(record, name, "f")
    failed = min(failed, total)
    done = min(_count(record, name, "d"), total - failed)
    status = _stage_status(record, name, total, done, failed)
    return {
        "name": name,
        "status": status,
        "partitions": {"total": total, "done": done, "failed": failed},
        "rows_in": _count(record, name, "i"),
        "rows_out": _count(record, name, "o"),
        "errors": _count(record, name, "e"),
        "started_at": iso(record.get(_field(name, "sa"))),
        "finished_at": iso(record.get(_field(name, "fa"))) if status in ("completed", "failed") else None,
    }


def _stage_status(record: Record, name: str, total: int, done: int, failed: int) -> str:
    if total and done + failed >= total:
        return "completed" if done else "failed"
    started = bool(record.get(_field(name, "sa")))
    if is_terminal(record):
        return "cancelled" if started and record["status"] == Status.CANCELLED else "skipped"
    return "running" if started and record["status"] != Status.PENDING else "pending"


def _field(stage: str, what: str) -> str:
    return f"{STAGES[stage].unit_name}:{what}"


def _count(record: Record, stage: str, what: str) -> int:
    return int(record.get(_field(stage, what)) or 0)


def _duration(record: Record) -> float | None:
    if record.get("took"):
        return int(record["took"]) / 1000
    if not record.get("started") or is_terminal(record):
        return None
    return round(max(0.0, time.time() - int(record["started"]) / 1000), 3)


def _progress(record: Record, stages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ended = sum(stage["status"] in ("completed", "failed") for stage in stages)
    status = record["status"]
    message = record.get("msg") or _share_of(record) if status == Status.RUNNING else _MESSAGES[status]
    return {
        "current_step": min(len(stages), ended + (not is_terminal(record))),
        "total_steps": len(stages),
        "percentage": int(record.get("pct") or 0) / 10,
        "message": message,
        "details": {
            "pages": int(record.get("pages") or 0),
            "partitions": int(record.get("pn") or 0),
            "partitions_done": int(record.get("pd") or 0),
            "partitions_failed": int(record.get("pf") or 0),
        },
    }


def _share_of(record: Record) -> str:
    total = int(record.get("pn") or 0)
    if not total or not partition_stages(tuple(record["stages"].split(","))):
        return "running"
    return f"{int(record.get('pd') or 0) + int(record.get('pf') or 0)} of {total} partitions"


def _error(record: Record) -> dict[str, Any] | None:
    text = record.get("error") or ""
    if not text and not record.get("category"):
        return None
    message = text.splitlines()[0] if text else "failed"
    return {
        "category": record.get("category") or "data",
        "message": message[:_MESSAGE_CHARS],
        "detail": text if len(text) > len(message[:_MESSAGE_CHARS]) else None,
    }
