"""Statistics: once an hour the counters are checked, cancelled jobs sealed, and one row of totals kept for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pyarrow as pa

from data import history
from data.damage import DamagedPartError, mend
from data.jobs import JobStore
from data.lake import Lake
from data.message_queues import MessageQueues
from data.reading import read_table
from data.schemas import ORIGIN, SCHEMA_VERSION, TIME
from pipelines.views.statistics import statistics
from tasks.maintenance.recount import RecountResult, recount
from tasks.maintenance.sealing import seal_ended

#: Seconds that one job of this kind waits for another.
_LOCK_S = 60.0
#: Columns of `job_history/statistics/statistics-YYYY-MM.parquet`, a row an hour: jobs that there ever were, by status
#: and by kind; `queues`: waiting messages.
STATISTICS = pa.schema(
    [
        pa.field("at", TIME, False),
        pa.field("by_status", pa.map_(pa.string(), pa.int64())),
        pa.field("by_kind", pa.map_(pa.string(), pa.int64())),
        pa.field("queues", pa.map_(pa.string(), pa.int64())),
        pa.field("workers", pa.int32()),
        pa.field("processes", pa.int32()),
        pa.field("drift", pa.int32(), False),  # counters that had to be mended
        *ORIGIN,
    ]
)


class StatisticsResult(TypedDict):
    """What the hourly job did: jobs sealed, the recount, the row of totals that was kept."""

    sealed: int
    counters: RecountResult
    totals: dict[str, Any]
    #: Taken from the stream into files, where there were some.
    audit_entries: NotRequired[int]


def take_statistics(
    store: JobStore,
    lake: Lake,
    *,
    job_id: str,
    now: datetime,
    broker: MessageQueues | None = None,
    check: Callable[[], None] = lambda: None,
) -> StatisticsResult:
    """Seal, recount, and keep a row of totals.

    `broker` is the Redis that holds the queues; without one the row tells nothing of queues and workers.

    Raises:
        UnavailableError: Redis does not answer.
    """
    sealed = seal_ended(store, lake, now, check)
    counters = recount(store, lake, check)
    check()
    row = totals(store, broker)
    _keep(
        lake, {**row, "at": now, "drift": counters["drift_total"], "job_id": job_id, "schema_version": SCHEMA_VERSION}
    )
    return {"sealed": sealed, "counters": counters, "totals": row}


def totals(store: JobStore, broker: MessageQueues | None) -> dict[str, Any]:
    """Jobs by status and kind (those in the history too), waiting messages by queue, workers and their processes."""
    figures = statistics(store, broker)
    workers = figures["workers"]
    return {
        "by_status": figures["totals"]["by_status"],
        "by_kind": figures["totals"]["by_kind"],
        "queues": {queue: row["waiting"] for queue, row in figures["queues"].items()},
        "workers": None if workers is None else len(workers),
        "processes": None if workers is None else sum(worker["processes"] for worker in workers),
    }


def _there(lake: Lake, path: Path) -> pa.Table | None:
    """The month's rows so far; a damaged file is set aside and the month begun anew."""
    if lake.storage.stat(path) is None:
        return None
    try:
        return read_table(path)
    except DamagedPartError:
        mend(lake, [path])
        return None


def _keep(lake: Lake, row: Mapping[str, Any]) -> None:
    """Add a row to its month's file, once a job."""
    path = lake.history / "statistics" / f"statistics-{row['at']:%Y-%m}.parquet"
    with lake.storage.lock(path.with_name(".lock"), _LOCK_S, 0.1):
        added = pa.Table.from_pylist([dict(row)], schema=STATISTICS)
        if (there := _there(lake, path)) is not None:
            if row["job_id"] in there["job_id"].to_pylist():
                return
            added = pa.concat_tables([there, added], promote_options="default")
        history.write(lake, added, path)
