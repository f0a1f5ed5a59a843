"""Lists of jobs: filters, pages newest first, live and archived jobs in one order.

A cursor is the place (time of creation, id) of the last job seen, so that a page goes on rightly whatever came, ended
or was archived in between.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data import history
from data.jobs import JobRecord, JobStore, Status
from data.jobs.hashes import texts_of
from data.lake import Lake
from leadmill.errors import DamagedRecordError, InputError
from leadmill.ids import JOB_ID
from leadmill.log import get_logger
from pipelines.views import cursors

log = get_logger(__name__)

#: Most jobs in one page.
MAX_PAGE = 200
#: Most records looked at by one call that filters; the page then ends early and its cursor goes on.
MAX_LOOKED_AT = 2_000
#: A page, and the one behind it that tells whether it goes on.
_BATCH = MAX_PAGE + 1

#: Time of creation (ms) and id of a job.
Place = tuple[int, str]


@dataclass(frozen=True)
class JobFilter:
    """Which jobs; None and empty match all."""

    status: Status | None = None
    kind: str | None = None
    tag: str | None = None
    #: Created at or after this time.
    since: datetime | None = None
    #: Part of the id, a tag, the error or the message, any case.
    text: str = ""

    def matches(self, record: JobRecord) -> bool:
        """True when a record fits every filter but `since`."""
        if self.status and record.status != self.status:
            return False
        if self.kind and record.kind != self.kind:
            return False
        if self.tag and self.tag not in record.tags:
            return False
        return not self.text or any(map(self._is_in, (record.job_id, record.tags_json, record.error, record.message)))

    def may_be_in(self, job_id: str, texts: str | None) -> bool:
        """False when `text` is in no job of this id that says this in words (`texts_of`)."""
        return texts is None or self._is_in(job_id) or self._is_in(texts)

    def _is_in(self, text: str) -> bool:
        return self.text.casefold() in text.casefold()

    def indices(self) -> list[str]:
        """The narrowest indices that hold every match."""
        if self.tag:
            return [f"t:{self.tag}"]
        if self.status:
            return [f"s:{self.status.value}"]
        if self.kind:
            return [f"k:{self.kind}"]
        return [f"s:{status.value}" for status in Status]


@dataclass(frozen=True)
class Page:
    """Records, newest first, and where the next page begins."""

    records: list[JobRecord]
    next_cursor: str | None


def list_jobs(store: JobStore, lake: Lake, wanted: JobFilter, limit: int = 50, cursor: str | None = None) -> Page:
    """One page of jobs, newest first, archived ones at their time among the live. Looks at `MAX_LOOKED_AT` at most.

    Raises:
        InputError: not a cursor of ours.
        UnavailableError: Redis does not answer.
    """
    limit = min(limit, MAX_PAGE)
    before = place_of(cursor) if cursor else None
    live = _live_page(store, wanted, limit, before)
    # Only archived jobs that are newer than the last live one of a page that goes on belong on this page.
    until = live.next_cursor and place_of(live.next_cursor)
    here = {record.job_id for record in live.records}
    old = _archived_page(store, lake, wanted, limit, before, since_ms=until[0] if until else None)
    merged = [*live.records, *(record for record in old.records if record.job_id not in here)]
    merged = sorted(merged, key=_place, reverse=True)
    ends = [at for at in (until, old.next_cursor and place_of(old.next_cursor)) if at]
    found = [record for record in merged if not ends or _place(record) >= max(ends)]
    if len(found) > limit:
        return Page(found[:limit], cursors.encode(*_place(found[limit - 1])))
    return Page(found, cursors.encode(*max(ends)) if ends else None)


def _place(record: JobRecord) -> Place:
    return record.created_ms, record.job_id


def _text(place: Place | None) -> str | None:
    return place and f"{place[0]}:{place[1]}"


def place_of(cursor: str) -> Place:
    """The place that a cursor of ours stands for; InputError when it is none."""
    at, job = cursors.decode(cursor)
    if not JOB_ID.match(job):
        raise InputError(cursors.REFUSED, field="cursor")
    return at, job


def _live_page(store: JobStore, wanted: JobFilter, limit: int, before: Place | None) -> Page:
    found: list[JobRecord] = []
    last = None
    for looked_at, (record, place) in enumerate(matching(store, wanted, before, min(_BATCH, limit + 1))):
        if len(found) == limit or looked_at >= MAX_LOOKED_AT:
            return Page(found, last)
        last = cursors.encode(*place)
        if record is not None:
            found.append(record)
    return Page(found, None)


def matching(
    store: JobStore, wanted: JobFilter, before: Place | None = None, size: int = _BATCH
) -> Iterator[tuple[JobRecord | None, Place]]:
    """Live jobs that may match, newest first: the record where it does, else None, and its place (time, id).

    A damaged record matches nothing.

    Raises:
        UnavailableError: Redis does not answer.
    """
    since = wanted.since.timestamp() * 1000 if wanted.since else 0.0
    for batch in _batches(store, wanted.indices(), before, size):
        ids = [job for job, _ in batch]
        if wanted.text:
            ids = [job for job, text in zip(ids, texts_of(store, ids), strict=True) if wanted.may_be_in(job, text)]
        records = dict(zip(ids, store.records(ids), strict=True))
        for job, at in batch:
            if at < since:
                return
            record = records.get(job)
            yield (record if isinstance(record, JobRecord) and wanted.matches(record) else None), (at, job)


def _archived_page(
    store: JobStore, lake: Lake, wanted: JobFilter, limit: int, before: Place | None, since_ms: int | None
) -> Page:
    """Jobs whose record is in the history, from `before` back to `since_ms`; those that Redis has too are left out."""
    since = wanted.since
    if since_ms is not None:
        end = datetime.fromtimestamp(since_ms / 1000, UTC)
        since = max(since, end) if since else end
    found: list[JobRecord] = []
    looked_at = 0
    while True:
        size = min(_BATCH, limit + 1)
        status, kind = wanted.status and wanted.status.value, wanted.kind and str(wanted.kind)
        rows = history.page(
            lake, status=status, kind=kind, tag=wanted.tag, since=since, before=_text(before), limit=size
        )
        live = store.records([row["job_id"] for row in rows])
        for row, current in zip(rows, live, strict=True):
            if len(found) == limit or looked_at >= MAX_LOOKED_AT:
                return Page(found, before and cursors.encode(*before))
            looked_at += 1
            before = int(row["created_at"].timestamp() * 1000), row["job_id"]
            if current is None and (record := _sound(row)) and wanted.matches(record):
                found.append(record)
        if len(rows) < size:
            return Page(found, None)


def _sound(row: Mapping[str, Any]) -> JobRecord | None:
    """The record of a history row; one that cannot be read costs no other its place."""
    try:
        return history.record(row)
    except DamagedRecordError as error:
        log.warning("damaged history", job=row["job_id"], error=str(error))
        return None


def _batches(
    store: JobStore, indices: Sequence[str], before: Place | None, size: int
) -> Iterator[list[tuple[str, int]]]:
    """Ids over several indices, merged newest first; a job that moves between two reads comes once."""
    seen: set[str] = set()
    while True:
        heads = store.ids_of(indices, before=_text(before), limit=size)
        merged = heapq.merge(*heads, key=lambda row: (-row[1], [-ord(c) for c in row[0]]))
        rows = [row for _, row in zip(range(size), merged, strict=False)]
        if not rows:
            return
        fresh = [row for row in dict.fromkeys(rows) if row[0] not in seen]
        seen.update(job for job, _ in fresh)
        yield fresh
        job, at = rows[-1]
        before, size = (at, job), _BATCH  # few match: the rest comes by fewer round trips
