"""What a report tells of the job that it is of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.jobs import JobRecord


def about_job(job_id: str, record: JobRecord | None) -> dict[str, Any]:
    """What `reports.render.render` takes as `job`, from the job's record; its id alone where there is none any more."""
    if record is None:
        return {"job_id": job_id}
    return {
        "job_id": job_id,
        "kind": record.kind,
        "created_at": datetime.fromtimestamp(record.created_ms / 1000, UTC),
        "tags": record.tags,
    }
