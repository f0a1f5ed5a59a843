"""News of many jobs at once: what their event streams get, by one blocking read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import event_of

#: Id, kind and data of one event.
Event = tuple[str, str, dict[str, Any]]


def news(store: StoreConnection, read_to: Mapping[str, str], *, most: int, wait_ms: int) -> dict[str, list[Event]]:
    """Events behind the id that each job was read to, at most so many a job; empty when none came in time.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: one of the streams is none (`damaged_streams` tells which).
    """
    head = len(store.key(keys.events("")))
    streams: dict[Any, Any] = {store.key(keys.events(job_id)): at for job_id, at in read_to.items()}
    with store.guarded():
        rows = cast("Any", store.redis.xread(streams, count=most, block=wait_ms))
    found = rows.items() if isinstance(rows, dict) else rows or ()
    return {key[head:]: [(entry, *event_of(fields)) for entry, fields in entries] for key, entries in found}


def damaged_streams(store: StoreConnection, job_ids: Sequence[str]) -> list[str]:
    """Those of these jobs whose event stream is of another type."""
    with store.guarded():
        types = [store.redis.type(store.key(keys.events(job_id))) for job_id in job_ids]
    return [job_id for job_id, kind in zip(job_ids, types, strict=True) if kind not in ("stream", "none")]
