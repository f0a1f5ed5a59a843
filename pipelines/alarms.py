"""What an operator must see: the newest critical events, and what the last health check found."""

from __future__ import annotations

import json
from typing import Any

from data.jobs import JobStore, Status
from pipelines.stages import Kind
from pipelines.view import iso

#: Critical events told.
MAX_EVENTS = 20
#: Health checks looked at for one that has ended well.
_LOOKED_AT = 5


def critical_events(store: JobStore, limit: int = MAX_EVENTS) -> list[dict[str, Any]]:
    """The newest critical events, newest first: {at, kind, …}.

    Raises:
        UnavailableError: Redis does not answer.
    """
    return [{**event, "at": iso(event["at"] * 1000)} for event in store.criticals(limit)]


def last_health(store: JobStore) -> dict[str, Any] | None:
    """The last health check: status (ok, warn, fail), checked_at, job_id, and the findings that are not ok.

    None when none has run. A check runs every 30 minutes, so this says how things were then.

    Raises:
        UnavailableError: Redis does not answer.
    """
    newest = [job for job, _ in store.ids(f"k:{Kind.HEALTH_CHECK.value}", limit=_LOOKED_AT)]
    for record in store.read_many(newest) if newest else ():
        if record is None or record["status"] != Status.COMPLETED or not record["result"]:
            continue
        found = json.loads(record["result"])
        return {
            "status": found.get("status"),
            "checked_at": found.get("checked_at"),
            "job_id": record["id"],
            "findings": [check for check in found.get("checks", ()) if check["status"] != "ok"],
        }
    return None
