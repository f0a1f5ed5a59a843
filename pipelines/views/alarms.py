"""What an operator must see: the newest critical events, and what the last health check found."""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

from data.jobs import JobRecord, JobStore, Status
from leadmill.answers import CriticalEvent, Finding, LastHealth
from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from pipelines.views.view import iso

log = get_logger(__name__)

#: The same event is told once in this time, seconds.
ONCE_S = 86_400
#: Critical events told.
MAX_EVENTS = 20
#: Health checks looked at for one that has ended well.
_LOOKED_AT = 5


def tell(store: JobStore, kind: str, **about: Any) -> None:
    """Log a critical event and append it to the stream; a store that does not take it is logged, too."""
    log.warning(kind, **about)
    try:
        store.critical(kind, about)
    except LeadmillError as error:
        log.warning("event not told", error=str(error))


def tell_once(store: JobStore, kind: str, **about: Any) -> None:
    """The same for what stays wrong and is seen again and again: told once a day, whoever sees it."""
    digest = hashlib.sha256(json.dumps([kind, about], sort_keys=True, default=str).encode()).hexdigest()[:16]
    try:
        fresh = store.is_first_to_tell(digest, kind, ONCE_S)
    except LeadmillError as error:
        log.warning(kind, **about, untold=str(error))
        return
    if fresh:
        tell(store, kind, **about)


def critical_events(store: JobStore, limit: int = MAX_EVENTS) -> list[CriticalEvent]:
    """The newest critical events, newest first: {at, kind, …}.

    Raises:
        UnavailableError: Redis does not answer.
    """
    return [cast("CriticalEvent", {**event, "at": iso(event["at"] * 1000)}) for event in store.criticals(limit)]


def last_health(store: JobStore) -> LastHealth | None:
    """The last health check.

    None when none has run. A check runs every 30 minutes, so this says how things were then.

    Raises:
        UnavailableError: Redis does not answer.
    """
    newest = [job for job, _ in store.ids("k:health_check", limit=_LOOKED_AT)]
    for record in store.records(newest):
        if not isinstance(record, JobRecord) or record.status != Status.COMPLETED:
            continue
        found = record.result
        if found is None or not isinstance(found.get("checks", []), list):
            continue
        checks: list[Finding] = [cast("Finding", check) for check in found.get("checks", ()) if isinstance(check, dict)]
        return {
            "status": found.get("status"),
            "checked_at": found.get("checked_at"),
            "job_id": record.job_id,
            "findings": [check for check in checks if check.get("status") != "ok"],
        }
    return None
