"""Why a job stands still, in words: no worker, a retry's time, a later start, jobs ahead; and when its turn comes.

Asks Redis at most six times for a whole page of jobs, and only for those that have not ended.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from data.jobs import LIMITS, JobRecord, JobStore, Status, UnitState, UnitStatus, Worker
from data.jobs.due import due_times, starting_order
from data.jobs.turns import InLine, Turn, turns_of
from data.jobs.unit_reading import units_of
from leadmill.answers import JobTurn
from pipelines.stages import BY_UNIT, STAGES, partition_number, partition_stages, stage_of
from pipelines.views.view import iso
from reports.wording import turn_words

#: Units of a job with more partitions than this are not all read: only those handed out last.
_ALL_UNITS = 1_000
_LAST_UNITS = 200
MOST_WAVES = int(LIMITS["MOST_WAVES"])
#: Jobs that stand before one are counted up to this.
MAX_AHEAD = 200

Units = dict[str, UnitState]
_LIVE = frozenset({UnitStatus.HANDED, UnitStatus.RUNNING, UnitStatus.WAITING})


class Wait(NamedTuple):
    """What a job waits for."""

    #: Why it stands still, in words; None where it moves, or has ended.
    reason: str | None
    #: When its next partition is handed out, where others take turns with it.
    turn: JobTurn | None


NOTHING = Wait(None, None)


def waits(store: JobStore, records: Sequence[JobRecord]) -> dict[str, Wait]:
    """Job id → what it waits for; jobs that wait for nothing, and those that have ended, are absent.

    Raises:
        UnavailableError: Redis does not answer.
    """
    going = [record for record in records if not record.is_terminal]
    if not going:
        return {}
    live = dict(zip((record.job_id for record in going), _live_units(store, going), strict=True))
    still = [record for record in going if not _runs(live[record.job_id])]
    lines = turns_of(store, [_in_line(record) for record in going if record.ring is not None])
    if not still and not lines:
        return {}
    workers = store.workers().values()
    due, ahead = _due(store, live), _ahead(store, still)
    listeners = {queue for worker in workers for queue in worker.queues}
    found = {}
    for record in going:
        job = record.job_id
        line = lines.get(job)
        turn = None if line is None else _turn(line, _processes(workers, first_queue(record)))
        reason = None
        if not _runs(live[job]):
            reason = _reason(record, live[job], listeners, due[job], ahead[job], line, turn)
        found[job] = Wait(reason, turn)
    return found


def _in_line(record: JobRecord) -> InLine:
    return InLine(record.job_id, first_queue(record), record.ring or 0)


def first_queue(record: JobRecord) -> str:
    """The queue at which a job's partitions begin; empty where it has none that this version knows."""
    stages = partition_stages(record.stages)
    return STAGES[stages[0]].queue.value if stages else ""


def _processes(workers: Iterable[Worker], queue: str) -> int:
    return sum(worker.processes for worker in workers if queue in worker.queues)


def _turn(line: Turn, processes: int) -> JobTurn | None:
    """What there is to tell of a turn: nothing where it depends on others' work, or where nobody else waits."""
    seconds = line.seconds
    is_alone = line.jobs < 2 and not line.is_shared
    if is_alone or line.is_behind_better or seconds is None or not processes:
        return None
    return {"jobs": line.jobs, "processes": processes, "place": line.place, "seconds": round(seconds, 1)}


def _runs(units: Units) -> bool:
    return any(unit.status == UnitStatus.RUNNING for unit in units.values())


def _reason(
    record: JobRecord,
    units: Units,
    listeners: set[str],
    due: float | None,
    ahead: int,
    line: Turn | None,
    turn: JobTurn | None,
) -> str | None:
    handed = [
        BY_UNIT[stage_of_unit(record, name, unit)] for name, unit in units.items() if unit.status == UnitStatus.HANDED
    ]
    if not handed and line is None:
        if record.status == Status.PENDING and record.run_at_ms:
            return f"starts at {iso(record.run_at_ms)}"
        return (_deferred(record, units, due) or _retry(units, due)) if due else None
    first = first_queue(record)
    wanted = {stage.queue.value for stage in handed} or {first}
    if missing := sorted(wanted - listeners):
        command = f"leadmill worker -Q {','.join(missing)}"
        return f"no worker listens on {', '.join(f'`{name}`' for name in missing)}; start one: `{command}`"
    queues = ", ".join(f"`{name}`" for name in sorted(wanted))
    if record.status == Status.PENDING and ahead:
        number = f"more than {MAX_AHEAD}" if ahead > MAX_AHEAD else str(ahead)
        return f"{number} job{'s' if ahead > 1 else ''} ahead of it in {queues}"
    if not handed and line is not None and line.is_behind_better:
        return f"its turn on {queues}, after jobs of higher priority"
    shared = f": {turn_words(turn['jobs'], turn['processes'], turn['seconds'])}" if turn and wanted == {first} else ""
    return f"{'a free process' if handed else 'its turn'} on {queues}{shared}"


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
