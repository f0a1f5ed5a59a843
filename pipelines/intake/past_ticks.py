"""Jobs that a schedule submitted, found in the lake by the schedule's tag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from data.job_files import JobFiles
from data.lake import Lake
from leadmill.errors import LeadmillError
from leadmill.ids import job_time
from leadmill.log import get_logger
from pipelines.request import accepted

log = get_logger(__name__)

_MAX_TAG = 60
#: Tag of a schedule's jobs that somebody asked for beside its planned times.
RUN_NOW = "run now"


def schedule_tag(name: str) -> str:
    """The tag of every job that came of a schedule."""
    return f"schedule:{name}"[:_MAX_TAG]


def jobs_since(lake: Lake, since: datetime, tag: str) -> Iterator[str]:
    """Jobs of the lake that were made at or after a time and have a tag, newest first; none of those `RUN_NOW`."""
    young = [name for name in lake.job_ids() if job_time(name) >= since.timestamp()]
    for name in sorted(young, reverse=True):
        try:
            tags = _tags(lake, name)
            if tag in tags and RUN_NOW not in tags:
                yield name
        except (ValueError, KeyError, TypeError, AttributeError, OSError, LeadmillError) as error:
            log.warning("a manifest cannot be read", job=name, error=str(error))


def _tags(lake: Lake, job_id: str) -> list[str]:
    manifest = JobFiles.unrecorded(lake, job_id).manifest()
    tags = accepted.tags(lake, job_id) if manifest is None else json.loads(manifest["record"].get("tags") or "[]")
    return list(tags)
