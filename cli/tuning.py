"""What `leadmill doctor --tune` measures of a running stack, for a few seconds: its record, its Redis, this machine."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from data.jobs import JobRecord, JobStore, UnitStatus, Worker
from data.jobs.dead_units import dead_units
from data.jobs.due import due_entries
from data.jobs.metrics import counted
from data.jobs.unit_reading import states_of
from data.lake import Lake
from data.presence import StackProcess, living
from leadmill.errors import LeadmillError, StoreRefusedError
from leadmill.machine import room
from leadmill.settings import Settings
from pipelines.committed import recorded_files
from pipelines.queues import Queue
from pipelines.stages import BY_UNIT, partition_number
from pipelines.views.tuning import Measured, QueueLoad, RedisLoad
from pipelines.views.waiting import is_unit_of, stage_of_unit

#: How long it looks, and how often meanwhile, seconds.
LOOKS_S, EVERY_S = 3.0, 0.5
#: Live units, and units that failed, that are looked at.
_MOST = 2_000
#: Partitions whose companies are counted.
_MOST_PARTITIONS = 200
#: What Redis counts of waits (`api.metrics.stored`).
_WAIT = "unit_wait_seconds"
#: How a task that took too much memory is told of (`pipelines.execution.lease`).
_OVER_MEMORY = "over its limit of"


@dataclass
class _Look:
    """The live units at one moment."""

    waiting: Counter[str] = field(default_factory=Counter)
    running: Counter[str] = field(default_factory=Counter)
    timed: int = 0
    #: Job and partition of what is fetched.
    fetched: list[tuple[JobRecord, int]] = field(default_factory=list)


def measure(store: JobStore, lake: Lake, settings: Settings, seconds: float = LOOKS_S) -> Measured:
    """Look at a stack.

    Raises:
        UnavailableError: Redis does not answer.
    """
    here = socket.gethostname()
    workers = store.workers()
    children = _children([worker.pid for worker in workers.values() if worker.host == here])
    apis = _processes([pid for host, pid in living(store, StackProcess.API) if host == here])
    own = [*children, *_processes([worker.pid for worker in workers.values() if worker.host == here]), *apis]
    waited_before = _waits(store)
    before, api_before, own_before = _info(store), [_cpu_s(api) for api in apis], [_cpu_s(one) for one in own]
    psutil.cpu_percent()
    began, looks = time.monotonic(), []
    while time.monotonic() - began < seconds:
        looks.append(_look(store))
        time.sleep(EVERY_S)
    took, cpu, after = time.monotonic() - began, psutil.cpu_percent() / 100, _info(store)
    waits = _waits(store) - waited_before
    cores = room().cores
    own_s = sum(max(0.0, _cpu_s(one) - since) for one, since in zip(own, own_before, strict=True))
    return Measured(
        seconds=round(took, 1),
        cores=cores,
        cpu=cpu,
        own_cpu=round(own_s / took / cores, 3),
        queues=[_load(queue.value, looks, workers, waits) for queue in Queue],
        server=_redis(before, after, took, store),
        hosts=_hosts(store, lake, looks),
        timed=looks[-1].timed,
        api_cpu=[round(max(0.0, _cpu_s(api) - since) / took, 3) for api, since in zip(apis, api_before, strict=True)],
        process_mb=[mb for child in children if (mb := _held_mb(child))],
        max_memory_mb=settings.max_memory_mb,
        over_memory=_over_memory(store),
        elsewhere=sorted({worker.host for worker in workers.values()} - {here}),
    )


def _load(queue: str, looks: list[_Look], workers: Mapping[str, Worker], waits: Counter[str]) -> QueueLoad:
    began = waits[f"{queue}:units"]
    return QueueLoad(
        queue,
        waiting=min(look.waiting[queue] for look in looks),
        running=round(sum(look.running[queue] for look in looks) / len(looks), 1),
        processes=sum(worker.processes for worker in workers.values() if queue in worker.queues),
        waited_s=round(waits[f"{queue}:ms"] / began / 1000, 1) if began else None,
    )


def _waits(store: JobStore) -> Counter[str]:
    """From hand-out to begin, of all units that ever began: `<queue>:ms` in all, `<queue>:units` of them."""
    found: Counter[str] = Counter()
    for fields in counted(store, store.projects()).of.values():
        for name, number in fields.items():
            metric, _, labels = name.partition(":")
            stage, _, last = labels.partition(":")
            if metric == _WAIT and stage in BY_UNIT:
                found[f"{BY_UNIT[stage].queue.value}:{'ms' if last == 'ms' else 'units'}"] += number
    return found


def _look(store: JobStore) -> _Look:
    look = _Look()
    entries = [entry for entry in due_entries(store, _MOST) if not entry.is_deadline]
    units = [(entry.job_id, entry.unit) for entry in entries]
    for project in store.projects():
        own = store.of(project)
        ids = sorted({job for job, _ in units})
        records = {one.job_id: one for one in own.records(ids) if isinstance(one, JobRecord)}
        found = [(job, unit) for job, unit in units if job in records]
        for (job, unit), state in zip(found, states_of(own, found), strict=True):
            if state is None or not is_unit_of(records[job], unit, state):
                continue
            stage = BY_UNIT[stage_of_unit(records[job], unit, state)]
            if state.status == UnitStatus.HANDED:
                look.waiting[stage.queue.value] += 1
            elif state.status == UnitStatus.RUNNING:
                look.running[stage.queue.value] += 1
                number = partition_number(unit)
                if stage.queue == Queue.SCRAPING and number is not None:
                    look.fetched.append((records[job], number))
            elif state.status == UnitStatus.WAITING:
                look.timed += 1
    return look


def _hosts(store: JobStore, lake: Lake, looks: list[_Look]) -> int:
    """Companies of the partitions that were fetched at the last look that saw any."""
    seen = next((look.fetched for look in reversed(looks) if look.fetched), [])
    domains: set[str] = set()
    for record, number in seen[:_MOST_PARTITIONS]:
        with suppress(LeadmillError, OSError):
            own = store.of(record.project)
            files = recorded_files(own, lake.of(record.project, own.critical), record.job_id)
            domains |= {row["domain"] for row in files.plan(number)}
    return len(domains)


def _over_memory(store: JobStore) -> int:
    """Units that were set aside because they took too much memory."""
    found = 0
    for project in store.projects():
        own = store.of(project)
        dead = dead_units(own, None, _MOST)
        states = states_of(own, [(one.job_id, one.unit) for one in dead])
        found += sum(state is not None and _OVER_MEMORY in (state.failure or ("", ""))[1] for state in states)
    return found


def _info(store: JobStore) -> dict[str, Any]:
    """The server's answer to INFO; empty where it is not told."""
    try:
        return store.server_info()[1]
    except StoreRefusedError:
        return {}


def _redis(before: Mapping[str, Any], after: Mapping[str, Any], seconds: float, store: JobStore) -> RedisLoad:
    def grown(*names: str) -> float:
        return sum(float(after.get(name, 0)) - float(before.get(name, 0)) for name in names)

    return RedisLoad(
        cpu=round(grown("used_cpu_sys", "used_cpu_user") / seconds, 3),
        memory_bytes=int(after.get("used_memory", 0)),
        max_bytes=int(after.get("maxmemory", 0)) or None,
        fsync=store.server_setting("appendfsync") if int(after.get("aof_enabled", 0)) else None,
        delayed_writes=int(grown("aof_delayed_fsync")),
    )


def _children(parents: list[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for parent in _processes(parents):
        with suppress(psutil.Error):
            found += parent.children()
    return found


def _processes(pids: list[int]) -> list[psutil.Process]:
    found = []
    for pid in pids:
        with suppress(psutil.Error):
            found.append(psutil.Process(pid))
    return found


def _cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _held_mb(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss // 1_000_000)
    return 0
