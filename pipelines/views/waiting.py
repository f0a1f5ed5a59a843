"""Why a job stands still, in words: no worker, a retry's time, a later start, jobs ahead of it.

Asks Redis at most five times for a whole page of jobs, and only for those that have not ended.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data.jobs import JobStore, Status
from data.jobs.entries import count_of, unit_state
from leadmill.errors import DamagedRecordError
from pipelines.stages import BY_UNIT, partition_number, partition_stages, stage_of
from pipelines.views.view import Record, is_terminal, iso

#: Units of a job with more partitions than this are not all read: only those handed out last.
_ALL_UNITS = 1_000
_LAST_UNITS = 200
#: Jobs that stand before one are counted up to this.
MAX_AHEAD = 200

Units = dict[str, dict[str, Any]]


def reasons(store: JobStore, records: Sequence[Record]) -> dict[str, str]:
    """Job id → what it waits for; jobs that move on or have ended are absent.

    Raises:
        UnavailableError: Redis does not answer.
    """
    still = [record for record in records if not is_terminal(record)]
    if not still:
        return {}
    live = dict(zip((record["id"] for record in still), _live_units(store, still), strict=True))
    still = [record for record in still if not _runs(live[record["id"]])]
    if not still:
        return {}
    listeners = {queue for worker in store.workers().values() for queue in worker["queues"]}
    due, ahead = _times(store, still, live)
    found = {}
    for record in still:
        job = record["id"]
        if reason := _reason(record, live[job], listeners, due[job], ahead[job]):
            found[job] = reason
    return found


def _runs(units: Units) -> bool:
    return any(unit["s"] == "r" for unit in units.values())


def _reason(record: Record, units: Units, listeners: set[str], due: float | None, ahead: int) -> str | None:
    handed = [BY_UNIT[stage_of_unit(record, name, unit)] for name, unit in units.items() if unit["s"] == "h"]
    if not handed:
        if record["status"] == Status.PENDING and record.get("run_at"):
            return f"starts at {iso(record['run_at'])}"
        return _retry(units, due) if due else None
    missing = sorted({stage.queue.value for stage in handed} - listeners)
    if missing:
        command = f"leadmill worker -Q {','.join(missing)}"
        return f"no worker listens on {', '.join(f'`{name}`' for name in missing)}; start one: `{command}`"
    queues = ", ".join(sorted({f"`{stage.queue.value}`" for stage in handed}))
    if record["status"] == Status.PENDING and ahead:
        number = f"more than {MAX_AHEAD}" if ahead > MAX_AHEAD else str(ahead)
        return f"{number} job{'s' if ahead > 1 else ''} ahead of it in {queues}"
    return f"a free process on {queues}"


def _retry(units: Units, due: float) -> str:
    at = datetime.fromtimestamp(due / 1000, UTC).strftime("%H:%M:%S")
    why = next((unit["m"][1] for unit in units.values() if unit["s"] == "w" and unit.get("m")), "")
    return f"retry at {at} UTC" + (f" after: {why[:200]}" if why else "")


def stage_of_unit(record: Record, name: str, unit: Mapping[str, Any]) -> str:
    """The stage (as the record names it) at which a unit is."""
    if partition_number(name) is None:
        return stage_of(name).unit_name
    return partition_stages(tuple(record["stages"].split(",")))[unit["k"]]


def _live_units(store: JobStore, records: Sequence[Record]) -> list[Units]:
    """The units of each job that are handed out, run or wait (of a very large job, the last ones)."""
    wanted = [_names(record) for record in records]
    with store.redis.pipeline(transaction=False) as pipe:
        for record, names in zip(records, wanted, strict=True):
            key = store.key(f"units:{record['id']}")
            if names:
                pipe.hmget(key, names)
            else:
                pipe.hgetall(key)
        answers = store.answers(pipe)
    found: list[Units] = []
    for record, names, answer in zip(records, wanted, answers, strict=True):
        if isinstance(answer, DamagedRecordError):  # nothing is known of it; its own status says why
            found.append({})
            continue
        raw = dict(zip(names, answer, strict=True)) if names else answer
        units = {name: unit for name, text in raw.items() if text and (unit := unit_state(text))}
        found.append(
            {name: unit for name, unit in units.items() if unit["s"] in "hrw" and is_unit_of(record, name, unit)}
        )
    return found


def is_unit_of(record: Record, name: str, unit: Mapping[str, Any]) -> bool:
    """Whether a unit and its stage are any that such a job has."""
    if not name or (partition_number(name) is None and name.partition(":")[0] not in BY_UNIT):
        return False
    return partition_number(name) is None or unit["k"] < len(partition_stages(tuple(record["stages"].split(","))))


def _names(record: Record) -> list[str]:
    """Which units to read; empty for all."""
    if int(record.get("pn") or 0) <= _ALL_UNITS:
        return []
    next_one = int(record.get("px") or 0)
    close = [unit for unit in record.get("close", "").replace(";", ",").split(",") if unit]
    return ["launch", *close, *(f"p{i}" for i in range(max(0, next_one - _LAST_UNITS), next_one))]


def _times(
    store: JobStore, records: Sequence[Record], live: Mapping[str, Units]
) -> tuple[dict[str, float | None], dict[str, int]]:
    """When the first waiting unit of each job is due (ms), and how many jobs stand before a pending one."""
    waits = [(record["id"], name) for record in records for name, u in live[record["id"]].items() if u["s"] == "w"]
    with store.guarded(), store.redis.pipeline(transaction=False) as pipe:
        for job, name in waits:
            pipe.zscore(store.key("due"), f"{job}|{name}")
        pipe.zrange(store.key("idx:s:pending"), 0, MAX_AHEAD)
        *answers, pending = pipe.execute()
    due: dict[str, float | None] = dict.fromkeys(live)
    for (job, _), at in zip(waits, answers, strict=True):
        if at is not None:
            due[job] = min(at, due[job] or at)
    queue = _queue(store, pending) if any(record["status"] == Status.PENDING for record in records) else []
    return due, {record["id"]: bisect_left(queue, _place(record)) for record in records}


def _queue(store: JobStore, pending: Sequence[str]) -> list[tuple[int, int]]:
    """Places of the pending jobs in the order in which they start, without those that wait for their time."""
    with store.redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for job in pending:
            pipe.hmget(store.key(f"job:{job}"), "prio", "created", "run_at")
        (seconds, _), *rows = store.answers(pipe)
    now = seconds * 1000
    sound = (row for row in rows if not isinstance(row, DamagedRecordError))
    return sorted(
        (count_of(prio), int(created))
        for prio, created, run_at in sound
        if created and created.isdecimal() and (not run_at or count_of(run_at) <= now)
    )


def _place(record: Record) -> tuple[int, int]:
    return int(record.get("prio") or 1), int(record["created"])
