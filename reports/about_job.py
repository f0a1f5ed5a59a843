"""What a report tells of the job that it is of."""

from __future__ import annotations

import json
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
        "filter": _filter(record.finding),
    }


def _filter(finding: str) -> str | None:
    """Which companies of the lake it is of, and of how many, as its launch found them."""
    found = json.loads(finding) if finding else {}
    if "filter" not in found:
        return None
    return f"{found['filter']} ({found['matched']:,} of {found['of']:,} companies)"
