"""The dead-letter view: units that failed for good, newest first, with the reason; a resume of the job replays them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.jobs import DAMAGED, JobStore, newest_first
from data.jobs.entries import unit_state
from data.lake import DamagedPartError, Lake
from leadmill.errors import InputError
from pipelines.stages import BY_UNIT, partition_number
from pipelines.views import cursors
from pipelines.views.view import API, Record, iso
from pipelines.views.waiting import is_unit_of, stage_of_unit

#: Most entries in one page, and most that one call looks at: those of jobs that moved on are passed over.
MAX_PAGE = 200
MAX_LOOKED_AT = 2_000
#: Longest reason told, characters; the job's errors have it whole.
_REASON_CHARS = 500
_BATCH = 200

Entry = tuple[str, float]


@dataclass(frozen=True)
class DeadPage:
    """Entries, newest first, and where the next page begins."""

    items: list[dict[str, Any]]
    next_cursor: str | None


def dead_letters(store: JobStore, lake: Lake, limit: int = 50, cursor: str | None = None) -> DeadPage:
    """One page of failed units: job_id, kind, status (of the job), unit, stage, category, reason, at, companies, links.

    `companies` is how many the unit held, None when the plan is gone. Entries whose job is gone are removed; those
    whose unit runs again since are passed over.

    Raises:
        InputError: not a cursor of ours.
        UnavailableError: Redis does not answer.
    """
    limit = min(limit, MAX_PAGE)
    last = _read_cursor(cursor) if cursor else None
    items: list[dict[str, Any]] = []
    sizes: dict[str, Counter[int]] = {}
    looked_at = 0
    while True:
        entries = _entries(store, last, min(_BATCH, limit + 1))
        for entry, item in zip(entries, _told(store, entries), strict=True):
            if len(items) == limit or looked_at >= MAX_LOOKED_AT:
                return DeadPage(items, last and cursors.encode(int(last[1]), last[0]))
            last = entry
            looked_at += 1
            if item is not None:
                items.append({**item, "companies": _companies(lake, item, sizes)})
        if len(entries) < min(_BATCH, limit + 1):
            return DeadPage(items, None)


def _entries(store: JobStore, after: Entry | None, size: int) -> list[Entry]:
    """Entries behind one, in the order of the set: newest first, then by name."""
    with store.guarded("dead"):
        place = None if after is None else (after[1], after[0])
        return newest_first.behind(store.redis, [store.key("dead")], place, size)[0]


def _told(store: JobStore, entries: Sequence[Entry]) -> list[dict[str, Any] | None]:
    names = [(job, unit) for job, _, unit in (member.partition("|") for member, _ in entries)]
    jobs = list(dict.fromkeys(job for job, _ in names))
    records = dict(zip(jobs, store.read_many(jobs), strict=True)) if jobs else {}
    with store.redis.pipeline(transaction=False) as pipe:
        for job, unit in names:
            pipe.hget(store.key(f"units:{job}"), unit)
        states = store.answers(pipe)
    gone = [member for (member, _), (job, _) in zip(entries, names, strict=True) if records[job] is None]
    if gone:
        with store.guarded("dead"):
            store.redis.zrem(store.key("dead"), *gone)
    return [
        _item(record, unit, state, at)
        if (record := records[job]) and record["status"] != DAMAGED and (state := unit_state(text))
        else None
        for (_, at), (job, unit), text in zip(entries, names, states, strict=True)
    ]


def _item(record: Record, unit: str, state: dict[str, Any], at: float) -> dict[str, Any] | None:
    if state["s"] != "f" or not is_unit_of(record, unit, state):
        return None
    category, reason = state.get("m") or ("system", "unknown")
    return {
        "job_id": record["id"],
        "kind": record["kind"],
        "status": record["status"],
        "unit": unit,
        "stage": BY_UNIT[stage_of_unit(record, unit, state)].name,
        "category": category,
        "reason": reason[:_REASON_CHARS],
        "at": iso(at),
        "links": {
            "self": f"{API}/jobs/status/{record['id']}",
            "errors": f"{API}/jobs/{record['id']}/errors",
            "replay": f"{API}/jobs/{record['id']}/replay",
        },
    }


def _companies(lake: Lake, item: dict[str, Any], sizes: dict[str, Counter[int]]) -> int | None:
    """Companies of a partition, of any other unit all of the job; one column of the plan, read once a job."""
    job, unit = item["job_id"], item["unit"]
    if job not in sizes:
        try:
            column = lake.plan_column(job, "partition")
        except DamagedPartError:  # the job's own error says so
            column = []
        sizes[job] = Counter(number for number in column if number is not None)
    if not sizes[job]:
        return None
    number = partition_number(unit)
    return sum(sizes[job].values()) if number is None else sizes[job][number]


def _read_cursor(text: str) -> Entry:
    at, member = cursors.decode(text)
    if "|" not in member:
        raise InputError(cursors.REFUSED, field="cursor")
    return member, float(at)
