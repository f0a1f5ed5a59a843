"""News of many jobs at once: what their event streams get, by one blocking read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import event_of

#: Id, kind and data of one event.
Event = tuple[str, str, dict[str, Any]]


def stream_of(store: StoreConnection, job_id: str) -> str:
    """The name of a job's stream among those of all projects; a job of another project has none of this name."""
    return store.key(keys.events(job_id))


def log_of(store: StoreConnection, job_id: str) -> str:
    """The same of a job's own log."""
    return store.key(keys.log(job_id))


def news(store: StoreConnection, read_to: Mapping[str, str], *, most: int, wait_ms: int) -> dict[str, list[Event]]:
    """Events behind the id that each stream was read to, at most so many a stream; empty when none came in time.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: one of the streams is none (`damaged_streams` tells which).
    """
    with store.guarded():
        rows = cast("Any", store.redis.xread(dict[Any, Any](read_to), count=most, block=wait_ms))
    found = rows.items() if isinstance(rows, dict) else rows or ()
    return {stream: [(entry, *event_of(fields)) for entry, fields in entries] for stream, entries in found}


def damaged_streams(store: StoreConnection, streams: Sequence[str]) -> list[str]:
    """Those of these streams whose key is of another type."""
    with store.guarded():
        types = [store.redis.type(stream) for stream in streams]
    return [stream for stream, kind in zip(streams, types, strict=True) if kind not in ("stream", "none")]
