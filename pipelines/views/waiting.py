"""Why a job stands still, in words: no worker, a retry's time, a later start, jobs ahead of it.

Asks Redis at most five times for a whole page of jobs, and only for those that have not ended.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from data.jobs import LIMITS, JobRecord, JobStore, Status, UnitState, UnitStatus
from data.jobs.due import due_times, starting_order
from data.jobs.unit_reading import units_of
from pipelines.stages import BY_UNIT, partition_number, partition_stages, stage_of
from pipelines.views.view import iso

#: Units of a job with more partitions than this are not all read: only those handed out last.
_ALL_UNITS = 1_000
_LAST_UNITS = 200
MOST_WAVES = int(LIMITS["MOST_WAVES"])
#: Jobs that stand before one are counted up to this.
MAX_AHEAD = 200

Units = dict[str, UnitState]
_LIVE = frozenset({UnitStatus.HANDED, UnitStatus.RUNNING, UnitStatus.WAITING})


def reasons(store: JobStore, records: Sequence[JobRecord]) -> dict[str, str]:
    """Job id → what it waits for; jobs that move on or have ended are absent.

    Raises:
        UnavailableError: Redis does not answer.
    """
    still = [record for record in records if not record.is_terminal]
    if not still:
        return {}
    live = dict(zip((record.job_id for record in still), _live_units(store, still), strict=True))
    still = [record for record in still if not _runs(live[record.job_id])]
    if not still:
        return {}
    listeners = {queue for worker in store.workers().values() for queue in worker.queues}
    due, ahead = _due(store, live), _ahead(store, still)
    found = {}
    for record in still:
        job = record.job_id
        if reason := _reason(record, live[job], listeners, due[job], ahead[job]):
            found[job] = reason
    return found


def _runs(units: Units) -> bool:
    return any(unit.status == UnitStatus.RUNNING for unit in units.values())


def _reason(record: JobRecord, units: Units, listeners: set[str], due: float | None, ahead: int) -> str | None:
    handed = [
        BY_UNIT[stage_of_unit(record, name, unit)] for name, unit in units.items() if unit.status == UnitStatus.HANDED
    ]
    if not handed:
        if record.status == Status.PENDING and record.run_at_ms:
            return f"starts at {iso(record.run_at_ms)}"
        return (_deferred(record, units, due) or _retry(units, due)) if due else None
    missing = sorted({stage.queue.value for stage in handed} - listeners)
    if missing:
        command = f"leadmill worker -Q {','.join(missing)}"
        return f"no worker listens on {', '.join(f'`{name}`' for name in missing)}; start one: `{command}`"
    queues = ", ".join(sorted({f"`{stage.queue.value}`" for stage in handed}))
    if record.status == Status.PENDING and ahead:
        number = f"more than {MAX_AHEAD}" if ahead > MAX_AHEAD else str(ahead)
        return f"{number} job{'s' if ahead > 1 else ''} ahead of it in {queues}"
    return f"a free process on {queues}"


def _deferred(record: JobRecord, units: Units, due: float) -> str | None:
    """Of a job whose partitions all wait for hosts that said "later"."""
    told = [unit.deferred for unit in units.values() if unit.deferred]
    if not told or len(told) < len(units):
        return None
    companies = sum(companies for companies, _ in told)
    # How many hosts there are is known of one partition alone: two may wait for the same.
    hosts = told[0][1] if len(told) == 1 else None
    if companies == 1:
        who, asked = "1 company waits", "its host"
    elif hosts == 1:
        who, asked = f"{companies:,} companies of one host wait", "it"
    else:
        of, asked = (f" of {hosts:,} hosts", "they") if hosts else ("", "their hosts")
        who = f"{companies:,} companies{of} wait"
    first = ", the first" if len(told) > 1 else ""
    return f"{who}{first} until {_clock(due)}, as {asked} asked (wave {record.wave} of {MOST_WAVES})"


def _clock(due: float) -> str:
    return datetime.fromtimestamp(due / 1000, UTC).strftime("%H:%M:%S UTC")


def _retry(units: Units, due: float) -> str:
    waiting = (unit.failure for unit in units.values() if unit.status == UnitStatus.WAITING)
    why = next((failure[1] for failure in waiting if failure), "")
    return f"retry at {_clock(due)}" + (f" after: {why[:200]}" if why else "")


def stage_of_unit(record: JobRecord, name: str, unit: UnitState) -> str:
    """The stage (as the record names it) at which a unit is."""
    if partition_number(name) is None:
        return stage_of(name).unit_name
    return partition_stages(record.stages)[unit.stage_index]


def _live_units(store: JobStore, records: Sequence[JobRecord]) -> list[Units]:
    """The units of each job that are handed out, run or wait (of a very large job, the last ones)."""
    found = units_of(store, [(record.job_id, _names(record)) for record in records])
    return [
        {name: unit for name, unit in units.items() if unit.status in _LIVE and is_unit_of(record, name, unit)}
        for record, units in zip(records, found, strict=True)
    ]


def is_unit_of(record: JobRecord, name: str, unit: UnitState) -> bool:
    """Whether a unit and its stage are any that such a job has."""
    if not name or (partition_number(name) is None and name.partition(":")[0] not in BY_UNIT):
        return False
    return partition_number(name) is None or unit.stage_index < len(partition_stages(record.stages))


def _names(record: JobRecord) -> list[str]:
    """Which units to read; empty for all."""
    if record.partitions <= _ALL_UNITS:
        return []
    next_one = record.partitions_handed
    close = [unit for step in record.close for unit in step]
    return ["launch", *close, *(f"p{i}" for i in range(max(0, next_one - _LAST_UNITS), next_one))]


def _due(store: JobStore, live: Mapping[str, Units]) -> dict[str, float | None]:
    """When the first waiting unit of each job is due (ms)."""
    waits = [(job, name) for job, units in live.items() for name, u in units.items() if u.status == UnitStatus.WAITING]
    due: dict[str, float | None] = dict.fromkeys(live)
    for (job, _), at in zip(waits, due_times(store, waits), strict=True):
        if at is not None:
            due[job] = min(at, due[job] or at)
    return due


def _ahead(store: JobStore, records: Sequence[JobRecord]) -> dict[str, int]:
    """How many jobs stand before each; asked where one is pending, else it does not matter."""
    order = starting_order(store, MAX_AHEAD + 1) if any(one.status == Status.PENDING for one in records) else []
    return {record.job_id: bisect_left(order, (record.priority, record.created_ms)) for record in records}
