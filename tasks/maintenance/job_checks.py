"""Health of jobs: whether any stands still, waits too long, or keeps failing; and temporary files that were left."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from data.jobs import LIMITS, JobRecord, JobStore, Status, UnitStatus
from data.jobs.due import DueEntry, due_entries, is_looked_after
from data.jobs.unit_reading import states_of
from data.lake import Lake
from leadmill.access import DEFAULT_PROJECT
from tasks.maintenance.ended import ended_ms
from tasks.maintenance.health_check import HealthCheck, State
from tasks.maintenance.leftovers import TEMPORARY_AGE_S, temporary_files

LIVE = (Status.PENDING, Status.RUNNING, Status.RETRY)
#: At most so many live jobs, due entries and job folders are looked at.
MAX_LOOKED_AT = 5_000
#: A job that pends longer is reported (seconds), unless its `run_at` lies ahead.
PENDING_S = 300
#: A due entry that nobody took for so long is reported (seconds): reconcilers look every second.
OVERDUE_S = 30
#: A unit that was handed out so long ago and has not begun is reported (seconds).
WAITS_S = 300
#: Lapses without a reported death before a unit is reported (ten set it aside).
LAPSES = 3
#: Critical events are shown for a day (seconds); at most so many are read.
_DAY_S = 86_400
_CRITICALS = 200
_NAMED = 5
#: Critical events of the last day that are faults by themselves: how bad, and what to do.
_TOLD: dict[str, tuple[State, str]] = {
    "job_not_restored": ("fail", "leadmill status --json    # the job and the file that cannot be read"),
    "tick_waits": ("warn", "leadmill doctor"),
    "tick_refused": ("warn", "leadmill schedules list"),
    "key_set_aside": ("warn", "leadmill status --json    # the key, and its name now"),
}


def check_jobs(store: JobStore) -> Iterable[HealthCheck]:
    """Standing still, overdue, pending long, waiting long, dying again and again, set aside today."""
    now = store.now_ms()
    due = due_entries(store, MAX_LOOKED_AT)
    live = _live_records(store)
    yield _standing_still(store, live, due)
    if store.project == DEFAULT_PROJECT:  # the entries are those of all
        yield _overdue(due, now)
    yield _pending(live, now)
    yield from _units(store, due, now)
    yield _set_aside(store, now)
    yield from _told(store, now)
    yield _damaged(store, now)


def _live_records(store: JobStore) -> list[JobRecord]:
    ids = [job_id for status in LIVE for job_id, _ in store.ids(f"s:{status}", limit=MAX_LOOKED_AT)]
    records = store.records(ids[:MAX_LOOKED_AT])
    return [record for record in records if isinstance(record, JobRecord) and not record.is_terminal]


def _standing_still(store: JobStore, live: Sequence[JobRecord], due: Sequence[DueEntry]) -> HealthCheck:
    """A live job has a due entry for each of its live units, and at least one; else nobody will look at it again."""
    looked_after = {entry.job_id for entry in due if not entry.is_deadline}
    doubtful = [record.job_id for record in live if record.job_id not in looked_after]
    broken = [job_id for job_id in doubtful if not is_looked_after(store, job_id)]  # it may have moved meanwhile
    if not broken:
        return HealthCheck("jobs stuck", "ok", f"none of {len(live)} live jobs stands still")
    text = f"{len(broken)} live jobs have no due entry, so nothing will move them: {_names(broken)}"
    return HealthCheck("jobs stuck", "fail", text, f"leadmill cancel {broken[0]} && leadmill resume {broken[0]}")


def _overdue(due: Sequence[DueEntry], now: int) -> HealthCheck:
    late = [(now - entry.at_ms) / 1000 for entry in due if now - entry.at_ms > OVERDUE_S * 1000]
    if not late:
        return HealthCheck("reconciler", "ok", f"{len(due)} due entries, none overdue")
    text = f"{len(late)} entries are overdue, the oldest by {late[0]:.0f} s: no worker looks at them"
    return HealthCheck("reconciler", "fail", text, "leadmill worker")


def _pending(live: Sequence[JobRecord], now: int) -> HealthCheck:
    waiting = [
        record.job_id
        for record in live
        if record.status == Status.PENDING
        and now - record.created_ms > PENDING_S * 1000
        and (record.run_at_ms or 0) < now - PENDING_S * 1000
        and record.attempt == 1
    ]
    if not waiting:
        return HealthCheck("jobs pending", "ok", "no job waits long for its start")
    text = f"{len(waiting)} jobs have been pending for more than {PENDING_S // 60} min: {_names(waiting)}"
    return HealthCheck("jobs pending", "warn", text, "leadmill worker -Q processing")


def _units(store: JobStore, due: Sequence[DueEntry], now: int) -> Iterable[HealthCheck]:
    units = [(entry.job_id, entry.unit) for entry in due if not entry.is_deadline]
    oldest, ages, dying = 0.0, [], []
    for (job_id, unit), state in zip(units, states_of(store, units), strict=True):
        if state is None:  # ended meanwhile, or damaged
            continue
        if state.status == UnitStatus.HANDED:
            age = (now - (state.handed_ms or now)) / 1000
            oldest = max(oldest, age)
            if age > WAITS_S:
                ages.append(f"{job_id} {unit}")
        if state.deaths or state.lapses >= LAPSES:
            dying.append(f"{job_id} {unit}")
    if ages:
        text = f"{len(ages)} units have waited more than {WAITS_S // 60} min for a process, the oldest {oldest:.0f} s: "
        yield HealthCheck("units waiting", "warn", text + _names(ages), "leadmill worker")
    else:
        yield HealthCheck("units waiting", "ok", f"the oldest handed-out unit has waited {oldest:.0f} s")
    if dying:
        text = f"{len(dying)} units keep losing their process: {_names(dying)}"
        yield HealthCheck("units dying", "warn", text, f"leadmill status {dying[0].split()[0]}")


def _set_aside(store: JobStore, now: int) -> HealthCheck:
    poison = [
        event
        for event in store.criticals(_CRITICALS)
        if event["kind"] == "poison" and now / 1000 - event["at"] < _DAY_S
    ]
    if not poison:
        return HealthCheck("units set aside", "ok", "none in the last day")
    newest = poison[0]
    text = (
        f"{len(poison)} in the last day; the newest: {newest.get('unit')} of {newest.get('job')}: {newest.get('error')}"
    )
    return HealthCheck("units set aside", "warn", text, f"leadmill status {newest.get('job')}")


def _told(store: JobStore, now: int) -> Iterable[HealthCheck]:
    """Critical events that others reported and no check here can find."""
    events = [event for event in store.criticals(_CRITICALS) if now / 1000 - event["at"] < _DAY_S]
    for kind, (state, advice) in _TOLD.items():
        found = [event for event in events if event["kind"] == kind]
        if found:
            about = ", ".join(f"{name} {value}" for name, value in found[0].items() if name not in ("at", "kind"))
            text = f"{len(found)} in the last day; the newest: {about}"
            yield HealthCheck(kind.replace("_", " "), state, text, advice)


def _damaged(store: JobStore, now: int) -> HealthCheck:
    """Jobs that the claims could not look at within the last minutes (`set_aside` in their script)."""
    since = now - LIMITS["TELL_AGAIN_MS"]
    damaged = [event for event in store.criticals(_CRITICALS) if event["kind"] == "damaged_record"]
    recent = [event for event in damaged if event["at"] * 1000 > since]
    if not recent:
        return HealthCheck("jobs damaged", "ok", "every job that is due can be looked at")
    key = recent[0].get("key") or "a key"
    text = f"{len(recent)} jobs stand still, for something else has written their keys: {key} of {recent[0].get('job')}"
    return HealthCheck("jobs damaged", "fail", text, f"redis-cli RENAME {key} {key}.damaged")


def check_temporary(store: JobStore, lake: Lake, now: datetime) -> Iterable[HealthCheck]:
    """Temporary files of jobs that ended an hour ago or have no record."""
    began = time.monotonic()
    names = list(islice((job_id for job_id in lake.job_ids() if lake.storage.leftovers(job_id)), MAX_LOOKED_AT))
    orphaned = [
        job_id
        for job_id, record in zip(names, store.records(names), strict=True)
        if record is None or (isinstance(record, JobRecord) and _ended_long_ago(record, now))
    ]
    files = sum(len(temporary_files(lake, job_id)) for job_id in orphaned)
    if files:
        text = f"{files} left by {len(orphaned)} jobs that ended: {_names(orphaned)}"
        yield HealthCheck("temporary files", "warn", text, "leadmill maintenance cleanup")
    else:
        yield HealthCheck("temporary files", "ok", f"none left over (looked for {time.monotonic() - began:.1f} s)")


def _ended_long_ago(record: JobRecord, now: datetime) -> bool:
    return record.is_terminal and now.timestamp() - ended_ms(record) / 1000 > TEMPORARY_AGE_S


def _names(ids: Sequence[str]) -> str:
    rest = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
