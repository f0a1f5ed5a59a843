"""The dead-letter view: units that failed for good, newest first, with the reason; a resume of the job replays them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data.jobs import JobRecord, JobStore, UnitState, UnitStatus
from data.jobs.dead_units import DeadUnit, dead_unit, dead_units, drop_dead_units
from data.jobs.unit_reading import states_of
from data.lake import DamagedPartError, Lake
from leadmill.answers import DeadLetter, FailedUnit
from leadmill.errors import InputError
from pipelines.committed import recorded_files
from pipelines.stages import BY_UNIT, partition_number
from pipelines.views import cursors
from pipelines.views.view import API, iso
from pipelines.views.waiting import is_unit_of, stage_of_unit

#: Most entries in one page, and most that one call looks at: those of jobs that moved on are passed over.
MAX_PAGE = 200
MAX_LOOKED_AT = 2_000
#: Longest reason told, characters; the job's errors have it whole.
_REASON_CHARS = 500
_BATCH = 200


@dataclass(frozen=True)
class DeadPage:
    """Entries, newest first, and where the next page begins."""

    items: list[DeadLetter]
    next_cursor: str | None


def dead_letters(
    store: JobStore, lake: Lake, limit: int = 50, cursor: str | None = None, *, api: str = API
) -> DeadPage:
    """One page of failed units; their links begin with `api`.

    Entries whose job is gone are removed; those
    whose unit runs again since are passed over.

    Raises:
        InputError: not a cursor of ours.
        UnavailableError: Redis does not answer.
    """
    limit = min(limit, MAX_PAGE)
    last = _read_cursor(cursor) if cursor else None
    items: list[DeadLetter] = []
    sizes: dict[str, Counter[int]] = {}
    looked_at = 0
    while True:
        entries = dead_units(store, last, min(_BATCH, limit + 1))
        for entry, item in zip(entries, _told(store, entries, api), strict=True):
            if len(items) == limit or looked_at >= MAX_LOOKED_AT:
                return DeadPage(items, cursors.encode(int(last.at_ms), last.member) if last else None)
            last = entry
            looked_at += 1
            if item is not None:
                items.append({**item, "companies": _companies(store, lake, item, sizes)})
        if len(entries) < min(_BATCH, limit + 1):
            return DeadPage(items, None)


def _told(store: JobStore, entries: Sequence[DeadUnit], api: str) -> list[FailedUnit | None]:
    jobs = list(dict.fromkeys(entry.job_id for entry in entries))
    records = dict(zip(jobs, store.records(jobs), strict=True))
    states = states_of(store, [(entry.job_id, entry.unit) for entry in entries])
    drop_dead_units(store, [entry for entry in entries if records[entry.job_id] is None])
    return [
        _item(record, entry, state, api) if isinstance(record := records[entry.job_id], JobRecord) and state else None
        for entry, state in zip(entries, states, strict=True)
    ]


def _item(record: JobRecord, entry: DeadUnit, state: UnitState, api: str) -> FailedUnit | None:
    if state.status != UnitStatus.FAILED or not is_unit_of(record, entry.unit, state):
        return None
    category, reason = state.failure or ("system", "unknown")
    return {
        "job_id": record.job_id,
        "kind": record.kind,
        "status": record.status,
        "unit": entry.unit,
        "stage": BY_UNIT[stage_of_unit(record, entry.unit, state)].name,
        "category": category,
        "reason": reason[:_REASON_CHARS],
        "at": iso(entry.at_ms),
        "links": {
            "self": f"{api}/jobs/status/{record.job_id}",
            "errors": f"{api}/jobs/{record.job_id}/errors",
            "replay": f"{api}/jobs/{record.job_id}/replay",
        },
    }


def _companies(store: JobStore, lake: Lake, item: FailedUnit, sizes: dict[str, Counter[int]]) -> int | None:
    """Companies of a partition, of any other unit all of the job; one column of the plan, read once a job."""
    job, unit = item["job_id"], item["unit"]
    if job not in sizes:
        try:
            column = recorded_files(store, lake, job).plan_column("partition")
        except DamagedPartError:  # the job's own error says so
            column = []
        sizes[job] = Counter(number for number in column if number is not None)
    if not sizes[job]:
        return None
    number = partition_number(unit)
    return sum(sizes[job].values()) if number is None else sizes[job][number]


def _read_cursor(text: str) -> DeadUnit:
    at, member = cursors.decode(text)
    if "|" not in member:
        raise InputError(cursors.REFUSED, field="cursor")
    return dead_unit(member, float(at))
