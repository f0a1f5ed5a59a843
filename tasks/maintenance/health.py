"""Health: what could lose or delay work, each check with a state, a sentence, and a command to paste.

Plain functions over the store, the lake and the queues' lengths; they change nothing. The checks of Redis itself are
in `redis_checks`, those of jobs and units in `job_checks`.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from data.jobs import JobStore, Worker
from data.lake import Lake
from data.probes import DISK, FREE_FILES, disk_fault, disk_free, existing, store_fault
from data.projects import each_project
from data.schedules import ScheduleStore
from leadmill.access import DEFAULT_PROJECT
from leadmill.declared import KINDS, periodic_in
from leadmill.errors import LeadmillError
from leadmill.places import url_of
from leadmill.settings import Settings
from leadmill.time_zones import time_zone
from pipelines.execution.thrown_away import SAME_KEY, summed_up, unsigned_among
from pipelines.intake.cron import planned_time
from pipelines.queues import Queue
from pipelines.settings_check import setting_faults
from tasks.maintenance.health_check import HealthCheck, State, worst
from tasks.maintenance.job_checks import check_jobs, check_temporary
from tasks.maintenance.lake_checks import check_damaged
from tasks.maintenance.redis_checks import check_redis

#: Waiting messages of each (queue, level), as `recovery.queue_lengths` tells them; None: no broker answers.
Lengths = Mapping[tuple[str, int], int] | None
#: What is looked at, for a look that could not be made; and the look.
Check = tuple[str, Callable[[], Iterable[HealthCheck]]]

#: Checks that say nothing while Redis is away.
_ASK_REDIS = ("redis writes", "workers", "jobs", "schedules", "temporary files", "other projects")
#: A queue with more waiting messages than this is reported (the window keeps them few, whatever a job's size).
LONG_QUEUE = 10_000
#: A tick of beat may be so late before it counts as missing.
TICK_LATE = timedelta(minutes=5)


class HealthResult(TypedDict):
    """All checks, and the worst of their states."""

    status: State
    checked_at: str
    #: name, status (ok, warn, fail), message, advice (a command, or None) of each.
    checks: list[dict[str, str | None]]


def check_health(
    store: JobStore,
    lake: Lake,
    settings: Settings,
    queue_lengths: Lengths,
    now: datetime | None = None,
) -> HealthResult:
    """Look at everything. Never raises for a fault that it looks for: of an unreachable Redis it tells.

    For the default project that is the installation with all its projects, for another one what is its own.
    """
    now = now or datetime.now(UTC)
    checks = _project_checks(store, lake, now)
    if store.project == DEFAULT_PROJECT:
        checks = [
            ("settings", lambda: _settings(settings)),
            ("redis", lambda: check_redis(store, settings.redis_url)),
            ("redis writes", lambda: _redis_writes(store, settings)),
            ("workers", lambda: _workers(store)),
            ("queues", lambda: _queues(queue_lengths)),
            ("disk", lambda: _disk(lake)),
            *checks,
            ("other projects", lambda: _other_projects(store, lake, now)),
        ]
    found: list[HealthCheck] = []
    for name, look in checks:
        if name in _ASK_REDIS and any(row.name == "redis" and row.status == "fail" for row in found):
            continue  # each would wait for an answer that does not come
        try:
            found += look()
        except (LeadmillError, OSError) as error:
            found.append(HealthCheck(name, "fail", f"could not be checked: {error}", "leadmill doctor"))
    return {
        "status": worst(check.status for check in found),
        "checked_at": now.isoformat(),
        "checks": [check.as_dict() for check in found],
    }


def _project_checks(store: JobStore, lake: Lake, now: datetime) -> list[Check]:
    return [
        ("jobs", lambda: check_jobs(store)),
        ("schedules", lambda: _schedules(store, now)),
        ("damaged files", lambda: check_damaged(lake)),
        ("temporary files", lambda: check_temporary(store, lake, now)),
    ]


def _other_projects(store: JobStore, lake: Lake, now: datetime) -> Iterable[HealthCheck]:
    """What is wrong in each of them."""
    for own_store, own_lake in each_project(store, lake):
        if own_store.project == store.project:
            continue
        for _, look in _project_checks(own_store, own_lake, now):
            for check in look():
                if check.status != "ok":
                    yield replace(check, name=f"{check.name} in project {own_store.project}")


def _settings(settings: Settings) -> Iterable[HealthCheck]:
    """Of the worker that looks: a file may have gone since it began."""
    found = setting_faults(settings)
    for fault in found:
        yield HealthCheck("settings", fault.level, fault.text, "leadmill doctor")
    if not found:
        yield HealthCheck("settings", "ok", "every variable LEADMILL_… is a setting, and every file named is there")


def _workers(store: JobStore) -> Iterable[HealthCheck]:
    workers = store.workers()
    for queue in Queue:
        listening = [worker for worker in workers.values() if queue.value in worker.queues]
        if not listening:
            text = f"no worker takes from queue {queue.value}: its jobs wait"
            yield HealthCheck(f"workers {queue.value}", "fail", text, f"leadmill worker -Q {queue.value}")
            continue
        processes = sum(worker.processes for worker in listening)
        oldest = time.time() - min(worker.seen for worker in listening)
        text = f"{len(listening)} with {processes} processes; the quietest seen {max(0.0, oldest):.0f} s ago"
        yield HealthCheck(f"workers {queue.value}", "ok", text)
    yield _thrown_away(workers.values())
    if mixed := unsigned_among(worker.signs for worker in workers.values()):
        yield HealthCheck("signing", "warn", mixed, SAME_KEY)


def _thrown_away(workers: Iterable[Worker]) -> HealthCheck:
    """What living workers threw away: none of it did anything, but somebody writes to the broker."""
    found = summed_up(worker.thrown_away for worker in workers)
    if not found:
        return HealthCheck("messages", "ok", "nothing that the broker gave was thrown away")
    text = f"workers threw away what is none of ours: {found}; somebody else writes to the broker"
    return HealthCheck("messages", "warn", text, "grep 'thrown away' worker-*.log")


def _queues(lengths: Lengths) -> Iterable[HealthCheck]:
    if lengths is None:
        yield HealthCheck("queues", "fail", "the broker does not answer", "leadmill doctor")
        return
    totals = {queue.value: sum(n for (name, _), n in lengths.items() if name == queue.value) for queue in Queue}
    text = ", ".join(f"{queue} {waiting}" for queue, waiting in totals.items())
    long = [queue for queue, waiting in totals.items() if waiting > LONG_QUEUE]
    if long:
        yield HealthCheck("queues", "warn", f"many messages wait: {text}", f"leadmill worker -Q {long[0]}")
    else:
        yield HealthCheck("queues", "ok", f"waiting messages: {text}")


def _schedules(store: JobStore, now: datetime) -> Iterable[HealthCheck]:
    """Whether each schedule can be read, and its newest planned time was submitted."""
    kept = ScheduleStore(store)
    readable, unreadable = kept.read_all()
    ticks = kept.ticks()
    if unreadable:
        text = "; ".join(f"{one.name[:60]!r} ({one.fault[:80]})" for one in unreadable[:5])
        advice = f"leadmill schedules delete {shlex.quote(unreadable[0].name)}"
        yield HealthCheck("schedules kept", "fail", f"{len(unreadable)} cannot be read and never run: {text}", advice)
    periodic = periodic_in(store.project).items()
    known: list[tuple[str, str, str, datetime | None]] = [(name, cron, "UTC", None) for name, cron in periodic]
    known += [
        (one.name, one.cron, one.timezone, datetime.fromisoformat(one.created_at)) for one in readable if not one.paused
    ]
    late = []
    for name, cron, zone, since in known:
        planned = planned_time(cron, time_zone(zone), now - TICK_LATE)
        last = ticks.get(name) or since
        if planned is not None and (last is None or last < planned):
            late.append(f"{name} of {planned:%Y-%m-%d %H:%M} UTC")
    if late:
        text = f"not submitted: {', '.join(late[:5])}; the scheduler does not run"
        yield HealthCheck("schedules", "warn", text, "leadmill beat")
    else:
        yield HealthCheck("schedules", "ok", f"the last tick of each of {len(known)} schedules was submitted")


def _disk(lake: Lake) -> Iterable[HealthCheck]:
    folder = existing(lake.root)
    free = disk_free(folder)
    state: State = "fail" if free < DISK[1] else "warn" if free < DISK[0] else "ok"
    advice = None if state == "ok" else "leadmill maintenance cleanup --older-than-days 7"
    yield HealthCheck("disk", state, f"{free / 1e9:.1f} GB free at {url_of(lake.root)}", advice)
    files = os.statvfs(folder)
    if files.f_files and files.f_favail < files.f_files * FREE_FILES:
        text = f"only {files.f_favail} more files fit on the disk of {url_of(lake.root)}"
        yield HealthCheck("disk files", "warn", text, "leadmill maintenance cleanup --older-than-days 7")
    if (fault := disk_fault(lake.root)) is not None:
        yield HealthCheck("disk access", "fail", fault.text, fault.remedy)


def _redis_writes(store: JobStore, settings: Settings) -> Iterable[HealthCheck]:
    if (fault := store_fault(store, settings.redis_url, KINDS)) is not None:
        yield HealthCheck("redis writes", "fail", fault.text, fault.remedy)
