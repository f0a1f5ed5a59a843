"""What `leadmill status` tells of the running stack: processes, queues, newest jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cli import console, times
from cli.job_table import tell_jobs
from cli.local_stack.run_dir import RunDir
from cli.local_stack.supervisor import birth_of
from leadmill.places import url_of
from leadmill.redaction import redacted, shown

if TYPE_CHECKING:
    from leadmill.client import Client

RECENT_JOBS = 5
#: Critical events shown; the JSON has more.
SHOWN_EVENTS = 5


def living_processes(run: RunDir) -> dict[str, int | None]:
    """Pid by name of the stack's processes; None for one that is gone."""
    found: dict[str, int | None] = {}
    for name, child in dict(run.state().get("children") or {}).items():
        pid = child.get("pid")
        alive = isinstance(pid, int) and birth_of(pid) == child.get("born")
        found[name] = pid if alive else None
    return found


def stack_status(client: Client, data_dir: Path) -> dict[str, Any]:
    """All of it as one JSON object; of a stack on another folder or machine what its API tells."""
    run = RunDir.of(data_dir)
    here = run.read("api.url") == client.base_url
    state = run.state() if here else {}
    found = {
        "api": client.base_url,
        "ready": client.is_ready(),
        "data": url_of(data_dir) if here else None,
        "redis": (shown(run.read("redis.url") or "") or None) if here else None,
        "started_at": state.get("started_at"),
        "processes": living_processes(run) if here else {},
        "statistics": client.statistics(),
        "jobs": [job.raw for job in client.list_jobs(limit=RECENT_JOBS)],
    }
    return cast("dict[str, Any]", redacted.within(found))


def tell_stack(found: dict[str, Any]) -> None:
    """The same for a reader."""
    from leadmill.client.results import Job

    state = "ready" if found["ready"] else "not ready: a queue has no listener, or Redis does not answer"
    console.result(f"{found['api']}  {state}")
    if found["data"]:
        console.result(f"data   {found['data']}")
    if found["redis"]:
        console.result(f"redis  {found['redis']}")
    for name, pid in found["processes"].items():
        console.result(f"{name:<15}  {f'pid {pid}' if pid else 'gone (being started again?)'}")
    queues = found["statistics"].get("queues") or {}
    if queues:  # told to who administers the installation
        console.table(
            ["queue", "waiting", "oldest", "workers", "processes"],
            [
                [name, q["waiting"], console.duration(q["oldest_s"]), q["workers"], q["processes"]]
                for name, q in queues.items()
            ],
        )
    _tell_alarms(found["statistics"])
    _tell_thrown_away(found["statistics"])
    for name in (name for name, q in queues.items() if q["workers"] == 0):
        console.note(f"no worker listens on {name}: leadmill worker -Q {name}")
    jobs = [Job.of(raw) for raw in found["jobs"]]
    if jobs:
        tell_jobs(jobs)
    else:
        console.note("no jobs yet; begin with: leadmill run https://your-company.example")


def _tell_alarms(statistics: dict[str, Any]) -> None:
    """What is wrong now, the last health check and the newest critical events."""
    for wrong in statistics.get("wrong_now") or []:
        console.result(console.clean(f"{wrong['kind']} since {wrong['since']}: {wrong['text']}"))
        console.result(console.clean(f"  {wrong['remedy']}"))
    health = statistics.get("health")
    if health:
        console.result(console.clean(f"health {health['status']} at {times.shown(health['checked_at'])} UTC"))
        for finding in health["findings"]:
            console.result(console.clean(f"  {finding['status']}  {finding['name']}: {finding['message']}"))
            if finding.get("advice"):
                console.result(console.clean(f"        {finding['advice']}"))
    events = statistics.get("critical_events") or []
    if events:
        shown = events[:SHOWN_EVENTS]
        console.table(["critical event", "at", "about"], [[e["kind"], e["at"], _about(e)] for e in shown])
    if len(events) > SHOWN_EVENTS:
        console.note(f"{len(events) - SHOWN_EVENTS} more: leadmill status --json")


def _tell_thrown_away(statistics: dict[str, Any]) -> None:
    """What workers threw away since their start: somebody else writes to the broker."""
    from pipelines.execution.thrown_away import summed_up

    found = summed_up(worker.get("thrown_away") or {} for worker in statistics.get("workers") or [])
    if found:
        console.result(console.clean(f"thrown away by workers, being none of ours: {found}"))


def _about(event: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in event.items() if name not in ("kind", "at"))[:200]
