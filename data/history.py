"""The history: one row for each job whose record cleanup took out of Redis, as Parquet by month of creation.

`job_history/month=YYYY-MM/history-*.parquet`, sorted by job id; files are only ever added. A job may stand in two of
them (a cleanup that was killed and ran again): readers take the row archived last. `record` holds the whole record as
JSON, so that whoever describes a job from Redis can describe it from here alike.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.damage import DamagedPartError, enduring, mend
from data.duck import connection
from data.jobs import RECORD_STATUSES, JobRecord
from data.jobs.entries import object_of, record_fault
from data.lake import Lake
from data.mounts import addresses
from data.reading import read_table
from data.schemas import SCHEMA_VERSION, TEXTS, TIME
from leadmill.errors import DamagedRecordError
from leadmill.ids import JOB_ID, job_time

#: Columns of the history. `took_ms`, `bucket`: what the duration counters of live statistics hold.
HISTORY = pa.schema(
    [
        pa.field("job_id", pa.string(), False),
        pa.field("kind", pa.string(), False),
        pa.field("status", pa.string(), False),
        pa.field("priority", pa.int8()),
        pa.field("tags", TEXTS),
        pa.field("parent", pa.string()),
        pa.field("stages", TEXTS),
        pa.field("created_at", TIME, False),
        pa.field("started_at", TIME),
        pa.field("finished_at", TIME),
        pa.field("duration_s", pa.float64()),
        pa.field("took_ms", pa.int64()),
        pa.field("bucket", pa.int16()),
        pa.field("companies", pa.int32()),
        pa.field("coverage", pa.float64()),
        pa.field("attempt", pa.int16(), False),
        pa.field("error_category", pa.string()),
        pa.field("error", pa.string()),
        pa.field("result", pa.string()),  # JSON
        pa.field("record", pa.string(), False),  # JSON of the record as it is stored
        pa.field("archived_at", TIME, False),
        pa.field("schema_version", pa.int16(), False),
    ]
)
#: What has a column of its own and may be long.
_NOT_IN_RECORD = ("id", "result", "error")
_LATEST = "QUALIFY row_number() OVER (PARTITION BY job_id ORDER BY archived_at DESC) = 1"


def row(record: JobRecord, now: datetime) -> dict[str, Any]:
    """The history's row of an ended job."""
    took = record.took_ms
    return {
        "job_id": record.job_id,
        "kind": record.kind,
        "status": record.status.value,
        "priority": record.priority,
        "tags": list(record.tags),
        "parent": record.parent,
        "stages": list(record.stages),
        "created_at": _time(record.created_ms),
        "started_at": _time(record.started_ms),
        "finished_at": _time(record.finished_ms),
        "duration_s": None if took is None else took / 1000,
        "took_ms": took,
        "bucket": record.duration_bucket,
        "companies": record.companies,
        "coverage": record.coverage,
        "attempt": record.attempt,
        "error_category": record.error_category,
        "error": record.error or None,
        "result": record.result_json or None,
        "record": json.dumps({name: value for name, value in record.stored.items() if name not in _NOT_IN_RECORD}),
        "archived_at": now,
        "schema_version": SCHEMA_VERSION,
    }


def record(found: Mapping[str, Any]) -> JobRecord:
    """The record of a history row, `archived`; DamagedRecordError when it holds none."""
    stored = object_of(found["record"])
    fault = "is no JSON object" if stored is None else record_fault(stored, RECORD_STATUSES)
    if stored is None or fault:
        raise DamagedRecordError(f"the record of job {found['job_id']} in the history cannot be read: {fault}")
    long = {"result": found["result"] or "", "error": found["error"] or ""}
    return JobRecord(found["job_id"], {**stored, **long}, archived=True)


def append(lake: Lake, records: Iterable[JobRecord], now: datetime) -> int:
    """Add ended jobs; how many were added. One that stands there as it is now is left out."""
    by_month: dict[str, list[dict[str, Any]]] = {}
    for one in records:
        made = row(one, now)
        by_month.setdefault(f"{made['created_at']:%Y-%m}", []).append(made)
    added = 0
    for month, all_rows in by_month.items():
        there = _attempts(lake, [month], [one["job_id"] for one in all_rows])
        rows = [one for one in all_rows if there.get(one["job_id"]) != (one["attempt"], one["finished_at"])]
        if not rows:
            continue
        added += len(rows)
        rows.sort(key=lambda one: str(one["job_id"]))
        name = f"history-{now:%Y%m%d%H%M%S}-{secrets.token_hex(4)}.parquet"
        write(lake, pa.Table.from_pylist(rows, schema=HISTORY), lake.history / f"month={month}" / name)
    return added


def write(lake: Lake, content: pa.Table, target: Path) -> None:
    """Write a Parquet file whole or not at all."""
    with lake.storage.create(target) as path:
        pq.write_table(content, path, compression="zstd", row_group_size=1_000)


def drop_unfinished(lake: Lake) -> None:
    """Remove what a killed `append` left. Only while no other process appends."""
    for month in _months(lake):
        lake.storage.drop_unfinished(lake.history / f"month={month}")


def find(lake: Lake, job_id: str) -> dict[str, Any] | None:
    """The row of one job (columns of `HISTORY`), or None. Looks into the month that the id tells first."""
    if not JOB_ID.match(job_id):
        return None
    likely = _months_of(job_id)
    months = _months(lake)
    for group in ([name for name in months if name in likely], [name for name in months if name not in likely]):
        rows = _rows_of(lake, group, [job_id], None)
        if rows:
            return max(rows, key=lambda one: one["archived_at"])
    return None


def archived(lake: Lake, job_ids: Sequence[str]) -> set[str]:
    """Which of these jobs the history holds."""
    return set(attempts(lake, job_ids))


def attempts(lake: Lake, job_ids: Sequence[str]) -> dict[str, int]:
    """The attempt that the history holds, of those of these jobs that it knows."""
    likely = {month for job_id in job_ids for month in _months_of(job_id)}
    found = _attempts(lake, [month for month in _months(lake) if month in likely], job_ids)
    return {job_id: attempt for job_id, (attempt, _) in found.items()}


def page(
    lake: Lake,
    *,
    status: str | None = None,
    kind: str | None = None,
    tag: str | None = None,
    since: datetime | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Rows, newest creation first. `before` is `<ms>:<id>` of the last one seen, as with `JobStore.ids`.

    A job whose cleanup is under way stands here and in Redis; who merges both takes the one in Redis.
    """
    conditions, given = _conditions(status, kind, tag, since, before)
    last = f"{_time(int(before.partition(':')[0])):%Y-%m}" if before else "9999-12"
    first = f"{since:%Y-%m}" if since else ""
    found: list[dict[str, Any]] = []
    for month in reversed(_months(lake)):
        if not (first <= month <= last):
            continue
        query = f"""
            SELECT * FROM (SELECT * FROM read_parquet($files, union_by_name => true) {_LATEST})
            {conditions} ORDER BY created_at DESC, job_id DESC LIMIT $limit
        """  # noqa: S608 - the conditions are those of this module, values are parameters
        parameters = {**given, "limit": limit - len(found)}
        found += enduring(lake, partial(_listed, lake, [month]), partial(_query, query, parameters))
        if len(found) >= limit:
            break
    return found


def _query(query: str, parameters: Mapping[str, Any], files: Mapping[str, Sequence[Path]]) -> list[dict[str, Any]]:
    names = addresses(files["history"])
    if not names:
        return []
    rows: pa.Table = connection().cursor().sql(query, params={**parameters, "files": names}).to_arrow_table()
    return list(rows.to_pylist())


def _conditions(
    status: str | None, kind: str | None, tag: str | None, since: datetime | None, before: str | None
) -> tuple[str, dict[str, Any]]:
    parts: list[str] = []
    given: dict[str, Any] = {}
    for name, value, text in (
        ("status", status, "status = $status"),
        ("kind", kind, "kind = $kind"),
        ("tag", tag, "list_contains(tags, $tag)"),
        ("since", since, "created_at >= $since"),
    ):
        if value is not None:
            parts.append(text)
            given[name] = value
    if before:
        at, _, job_id = before.partition(":")
        parts.append("(created_at < $at OR (created_at = $at AND job_id < $last))")
        given |= {"at": _time(int(at)), "last": job_id}
    return ("WHERE " + " AND ".join(parts) if parts else ""), given


def tally(lake: Lake, without: Iterable[str] = ()) -> list[tuple[str, str, int, int, int]]:
    """Jobs counted by (kind, status, duration bucket): those three, how many, and their milliseconds together.

    `without` names jobs that are counted elsewhere (their record is still in Redis).
    """
    return enduring(lake, lambda: _listed(lake, _months(lake)), lambda files: _tally(files["history"], without))


def _tally(files: Sequence[Path], without: Iterable[str]) -> list[tuple[str, str, int, int, int]]:
    if not files:
        return []
    con = connection().cursor()
    con.register("counted_elsewhere", pa.table({"job_id": pa.array(list(without), pa.string())}))
    query = f"""
        SELECT kind, status, bucket, count(*), sum(coalesce(took_ms, 0))::BIGINT FROM (
            SELECT job_id, kind, status, coalesce(bucket, 0) AS bucket, took_ms
            FROM read_parquet($files, union_by_name => true) {_LATEST}
        ) ANTI JOIN counted_elsewhere USING (job_id) GROUP BY ALL
    """  # noqa: S608 - no user text
    try:
        return list(con.execute(query, {"files": addresses(files)}).fetchall())
    finally:
        con.unregister("counted_elsewhere")


# ---- files ----------------------------------------------------------------------------------------


def _months(lake: Lake) -> list[str]:
    names = lake.storage.names(lake.history)
    return sorted(name.removeprefix("month=") for name in names if name.startswith("month="))


def _listed(lake: Lake, months: Iterable[str]) -> dict[str, list[Path]]:
    folders = [lake.history / f"month={month}" for month in months]
    return {"history": [file for folder in folders for file in _files_of(lake, folder)]}


def _files_of(lake: Lake, folder: Path) -> list[Path]:
    names = lake.storage.names(folder)
    return [folder / name for name in sorted(names) if name.startswith("history-") and name.endswith(".parquet")]


def _rows_of(
    lake: Lake, months: Iterable[str], job_ids: Sequence[str], columns: list[str] | None
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for file in _listed(lake, months)["history"]:
        try:
            rows += read_table(file, columns, filters=[("job_id", "in", list(job_ids))]).to_pylist()
        except DamagedPartError:  # what the other files know counts; the job's manifest is still there
            mend(lake, [file])
    return rows


def _attempts(lake: Lake, months: Iterable[str], job_ids: Sequence[str]) -> dict[str, tuple[int, datetime | None]]:
    columns = ["job_id", "attempt", "finished_at", "archived_at"]
    rows = _rows_of(lake, months, job_ids, columns)
    rows.sort(key=lambda one: one["archived_at"])
    return {one["job_id"]: (one["attempt"], one["finished_at"]) for one in rows}


def _months_of(job_id: str) -> set[str]:
    """Months that a job may stand under: its id tells the time within the skew of two clocks."""
    made = datetime.fromtimestamp(min(job_time(job_id), 4_102_444_800), UTC)
    return {f"{made + timedelta(days=days):%Y-%m}" for days in (-1, 0, 1)}


def _time(ms: int | None) -> datetime | None:
    return datetime.fromtimestamp(ms / 1000, UTC) if ms else None
