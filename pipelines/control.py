"""What a user does with jobs that exist: list them, cancel one, resume one, run one again from a stage."""

from __future__ import annotations

import base64
import binascii
import heapq
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data import history
from data.jobs import LIMITS, TERMINAL, HandOut, JobStore, Status
from data.lake import Lake
from leadmill.errors import ConflictError, InputError, NotFoundError
from leadmill.ids import JOB_ID
from pipelines.queues import Priority
from pipelines.stages import PIPELINE, Kind
from pipelines.submit import Submission, publish_later
from pipelines.view import Record

#: Most jobs in one page.
MAX_PAGE = 200
#: Most records looked at by one call that filters; the page then ends early and its cursor goes on.
MAX_LOOKED_AT = 2_000
_BATCH = 200

Publish = Callable[[Sequence[HandOut]], None]


@dataclass(frozen=True)
class JobFilter:
    """Which jobs; None and empty match all."""

    status: Status | None = None
    kind: Kind | None = None
    tag: str | None = None
    #: Created at or after this time.
    since: datetime | None = None
    #: Part of the id, a tag, the error or the message, any case.
    text: str = ""

    def matches(self, record: Record) -> bool:
        """True when a record fits every filter but `since`."""
        if self.status and record["status"] != self.status:
            return False
        if self.kind and record["kind"] != self.kind:
            return False
        if self.tag and self.tag not in json.loads(record.get("tags") or "[]"):
            return False
        wanted = self.text.casefold()
        return not wanted or any(wanted in record.get(name, "").casefold() for name in ("id", "tags", "error", "msg"))

    def indices(self) -> list[str]:
        """The narrowest indices that hold every match."""
        if self.tag:
            return [f"t:{self.tag}"]
        if self.status:
            return [f"s:{self.status.value}"]
        if self.kind:
            return [f"k:{self.kind.value}"]
        return [f"s:{status.value}" for status in Status]


@dataclass(frozen=True)
class Page:
    """Raw records, newest first, and where the next page begins."""

    records: list[dict[str, str]]
    next_cursor: str | None


def list_jobs(store: JobStore, lake: Lake, wanted: JobFilter, limit: int = 50, cursor: str | None = None) -> Page:
    """One page of jobs, newest first, archived ones at their time among the live. Looks at `MAX_LOOKED_AT` at most.

    Raises:
        InputError: not a cursor of ours.
        UnavailableError: Redis does not answer.
    """
    limit = min(limit, MAX_PAGE)
    before = read_cursor(cursor) if cursor else None
    live = _live_page(store, wanted, limit, before)
    # Only archived jobs that are newer than the last live one of a page that goes on belong on this page.
    until = live.next_cursor and _position(read_cursor(live.next_cursor))
    here = {record["id"] for record in live.records}
    old = _archived_page(store, lake, wanted, limit, before, since_ms=until[0] if until else None)
    merged = [*live.records, *(record for record in old.records if record["id"] not in here)]
    merged = sorted(merged, key=_place, reverse=True)
    ends = [at for at in (until, old.next_cursor and _position(read_cursor(old.next_cursor))) if at]
    found = [record for record in merged if not ends or _place(record) >= max(ends)]
    if len(found) > limit:
        return Page(found[:limit], cursor_of(*_place(found[limit - 1])))
    return Page(found, cursor_of(*max(ends)) if ends else None)


def _place(record: Record) -> tuple[int, str]:
    return int(record["created"]), record["id"]


def _position(cursor: str) -> tuple[int, str]:
    at, _, job = cursor.partition(":")
    return int(at), job


def _live_page(store: JobStore, wanted: JobFilter, limit: int, before: str | None) -> Page:
    found: list[dict[str, str]] = []
    looked_at = 0
    last = None
    for record, place in matching(store, wanted, before, min(_BATCH, limit + 1)):
        if len(found) == limit or looked_at >= MAX_LOOKED_AT:
            return Page(found, last)
        looked_at += 1
        last = cursor_of(*place)
        if record is not None:
            found.append(record)
    return Page(found, None)


def matching(
    store: JobStore, wanted: JobFilter, before: str | None = None, size: int = _BATCH
) -> Iterator[tuple[dict[str, str] | None, tuple[int, str]]]:
    """Live jobs that may match, newest first: the record where it does, else None, and its place (time, id).

    Raises:
        UnavailableError: Redis does not answer.
    """
    since = wanted.since.timestamp() * 1000 if wanted.since else 0.0
    for batch in _batches(store, wanted.indices(), before, size):
        records = store.read_many([job for job, _ in batch])
        for (job, at), record in zip(batch, records, strict=True):
            if at < since:
                return
            yield (record if record is not None and wanted.matches(record) else None), (at, job)


def _archived_page(
    store: JobStore, lake: Lake, wanted: JobFilter, limit: int, before: str | None, since_ms: int | None
) -> Page:
    """Jobs whose record is in the history, from `before` back to `since_ms`; those that Redis has too are left out."""
    since = wanted.since
    if since_ms is not None:
        end = datetime.fromtimestamp(since_ms / 1000, UTC)
        since = max(since, end) if since else end
    found: list[dict[str, str]] = []
    looked_at = 0
    while True:
        size = min(_BATCH, limit + 1)
        status, kind = wanted.status and wanted.status.value, wanted.kind and wanted.kind.value
        rows = history.page(lake, status=status, kind=kind, tag=wanted.tag, since=since, before=before, limit=size)
        records = [_from_history(row) for row in rows]
        live = store.read_many([record["id"] for record in records])
        for record, current in zip(records, live, strict=True):
            if len(found) == limit or looked_at >= MAX_LOOKED_AT:
                return Page(found, before and cursor_of(*_position(before)))
            looked_at += 1
            before = "{}:{}".format(*_place(record))
            if current is None and wanted.matches(record):
                found.append(record)
        if len(rows) < size:
            return Page(found, None)


def _from_history(row: Mapping[str, Any]) -> dict[str, str]:
    return {**history.raw(row), "archived": "1"}


def _batches(store: JobStore, indices: Sequence[str], before: str | None, size: int) -> Iterator[list[tuple[str, int]]]:
    """Ids over several indices, merged newest first; a job that moves between two reads comes once."""
    seen: set[str] = set()
    while True:
        heads = [store.ids(index, before=before, limit=size) for index in indices]
        merged = heapq.merge(*heads, key=lambda row: (-row[1], [-ord(c) for c in row[0]]))
        rows = [row for _, row in zip(range(size), merged, strict=False)]
        if not rows:
            return
        fresh = [row for row in dict.fromkeys(rows) if row[0] not in seen]
        seen.update(job for job, _ in fresh)
        yield fresh
        job, at = rows[-1]
        before = f"{at}:{job}"


def cursor_of(at: int, job: str) -> str:
    """The cursor behind a job's place."""
    return base64.urlsafe_b64encode(f"{at}:{job}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> str:
    """`<ms>:<id>` of the job that a cursor stands for; InputError when it is none of ours."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        plain = ""
    at, _, job = plain.partition(":")
    if not (at.isdigit() and len(at) < 16 and JOB_ID.match(job)):
        raise InputError("not a cursor; give the `next_cursor` of the page before", field="cursor")
    return plain


def existing(store: JobStore, lake: Lake, job_id: str) -> dict[str, str]:
    """The record of a job.

    Raises:
        NotFoundError: no such job, or only its manifest is left.
        UnavailableError: Redis does not answer.
    """
    record = known(store, lake, job_id)
    if "archived" in record:
        raise NotFoundError(f"job {job_id} has ended and its record was cleaned up; its status and report are kept")
    return record


def known(store: JobStore, lake: Lake, job_id: str) -> dict[str, str]:
    """The record of a job, else what the history or the manifest keeps of it (then with a field `archived`).

    Raises:
        NotFoundError: no such job.
        UnavailableError: Redis does not answer.
    """
    lake.job_dir(job_id)
    record = store.read(job_id)
    if record is not None:
        return record
    if row := history.find(lake, job_id):
        return _from_history(row)
    manifest = lake.manifest(job_id)
    if manifest is None:
        raise NotFoundError(f"no job {job_id}")
    return _from_manifest(manifest)


def _from_manifest(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The last state of a record that cleanup took away; the manifest was written a moment before the end."""
    record = dict(manifest["record"])
    finished = int(datetime.fromisoformat(manifest["written_at"]).timestamp() * 1000)
    took = finished - int(record.get("started") or finished)
    return {
        **record,
        "id": manifest["job_id"],
        "status": manifest["status"],
        "finished": str(finished),
        "took": str(max(0, took)),
        "coverage": str(manifest["coverage"]),
        "error": manifest.get("error") or "",
        "result": json.dumps(manifest["result"]),
        "archived": "1",
    }


def cancel(store: JobStore, lake: Lake, job_id: str) -> dict[str, str]:
    """End a job now; its record afterwards.

    Raises:
        NotFoundError: no such job.
        ConflictError: it has ended already.
        UnavailableError: Redis does not answer.
    """
    existing(store, lake, job_id)
    store.cancel(job_id)
    return existing(store, lake, job_id)


def resume(
    store: JobStore, lake: Lake, publish: Publish, job_id: str, idempotency_key: str | None = None
) -> tuple[dict[str, str], bool]:
    """Hand out again what is not done: the record afterwards, and whether an earlier request did it.

    Raises:
        NotFoundError: no such job, or its record was cleaned up.
        ConflictError: it runs, or nothing is missing; or the key stood for another request.
        UnavailableError: Redis does not answer.
    """
    existing(store, lake, job_id)
    mark = json.dumps({"job": job_id, "body": f"resume:{job_id}"})
    key = store.key(f"idem:{idempotency_key}")
    if idempotency_key:
        with store._guarded():
            known = store.redis.get(key)
        if known == mark:
            return existing(store, lake, job_id), True
        if known:
            raise ConflictError("this Idempotency-Key was used with another request; use a new key for a new request")
    with store._guarded():
        kept = store.redis.exists(store.key(f"units:{job_id}"))
    units = None if kept else (lake.manifest(job_id) or {}).get("units")
    answer = store.resume(job_id, units=units)
    if idempotency_key:
        with store._guarded():
            store.redis.set(key, mark, ex=int(LIMITS["IDEMPOTENCY_S"]))
    publish_later(publish, answer.send)
    return existing(store, lake, job_id), False


def rerun(store: JobStore, lake: Lake, job_id: str, from_stage: str, **options: Any) -> Submission:
    """A submission that runs a job's companies again from a stage on, reading the job's own parts before it.

    Raises:
        InputError: no such stage.
        NotFoundError: no such job.
        ConflictError: the job has not ended.
        UnavailableError: Redis does not answer.
    """
    if from_stage not in PIPELINE:
        raise InputError(f"no stage {from_stage[:40]!r}; there are: {', '.join(PIPELINE)}", field="from_stage")
    record = existing(store, lake, job_id)
    if record["status"] not in TERMINAL:
        raise ConflictError(f"job {job_id} is {record['status']}; wait until it has ended, or cancel it first")
    _, spec = store.asked(job_id)
    after = PIPELINE[PIPELINE.index(from_stage) :]
    last = record["stages"].split(",")[-1]
    stages = after[: after.index(last) + 1] if last in after else after
    given = {
        "options": spec,
        "priority": Priority(int(record.get("prio") or 1)),
        "tags": tuple(json.loads(record.get("tags") or "[]")),
        **options,
    }
    return Submission(Kind.PIPELINE, parent=job_id, stages=stages, **given)
