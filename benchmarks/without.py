"""Takes single guarantees out of a worker, to show what each costs. For the benchmark alone: nothing else imports this.

fencing   no claim before a run, no check of epoch and owner at the commit
leases    no lease in the due set, no thread that renews it
events    no stream of events
fsync     files are written, but not made durable
rename    files are written where readers look, before the commit
guard     (control) nothing is taken out
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from data.jobs import LIMITS, Grant, JobStore, script
from data.storage import Run
from pipelines.stages import PIPELINE

#: Pieces of the script, as it is sent, and what stands in their place.
_FENCED = """  if not mine or (args.epoch and unit["e"] ~= args.epoch) then return nil, 'stale', unit end
"""
_UNFENCED = """  if not unit then return nil, 'gone' end
  if unit["s"] == "h" then unit["s"] = "r" end
  if job.status == 'pending' then set_status(job, 'running') set(job, 'started', now) end
"""
_EVENT = "local function event(kind, data)\n"
_LEASED = f"    due(args.unit, now + {LIMITS['LEASE_MS']})\n"


def _nothing(*_: Any, **__: Any) -> None:
    """Stands in for what is taken out."""


def _change_script(operation: str, old: str, new: str) -> None:
    """Have every store of this process load a changed script of one operation."""
    original = script.of
    if original(operation).count(old) != 1:
        raise SystemExit(f"the script of {operation} has changed; there is no longer one {old!r}")
    script.of = lambda name: original(name).replace(old, new) if name == operation else original(name)  # type: ignore[assignment]


def _fencing() -> None:
    _change_script("commit", _FENCED, _UNFENCED)
    known: dict[str, tuple[dict[str, Any], int]] = {}

    def begin(self: JobStore, job_id: str, unit: str, epoch: int, index: int, owner: str) -> Grant:
        """What `begin` would tell, from the record as it was when this process first met the job."""
        if unit == "launch" or job_id not in known:
            record = self.redis.hgetall(self.key(f"job:{job_id}"))
            known[job_id] = (self.asked(job_id)[1], int(record.get("pn") or 0))
        spec, partitions = known[job_id]
        if unit == "launch":
            del known[job_id]
        return Grant(
            job_id, unit, epoch, index, owner, "pipeline", 1, 0, PIPELINE, spec, (), 0.0, partitions, (), ""
        )  # fmt: skip

    JobStore.begin = begin  # type: ignore[method-assign]


def _leases() -> None:
    import pipelines.execution.lease

    _change_script("begin", _LEASED, "")

    class Nobody:
        """Renews nothing."""

        leases: ClassVar[set[Any]] = set()

    pipelines.execution.lease._renewer = lambda pid: Nobody  # type: ignore[assignment]


def _events() -> None:
    for operation in (name for name in script.OPERATIONS if _EVENT in script.of(name)):
        _change_script(operation, _EVENT, f"{_EVENT}  if true then return end\n")


def _fsync() -> None:
    import os

    from data.local_storage import LocalStorage

    LocalStorage.sync = _nothing  # type: ignore[method-assign]
    os.fsync = _nothing


def _rename() -> None:
    from data.local_storage import LocalStorage

    def direct(self: LocalStorage, run: Run, name: str) -> Path:
        path = self.root / "jobs" / run.job_id / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    LocalStorage.expose = lambda self, run: []  # type: ignore[method-assign]
    LocalStorage._staged_path = direct  # type: ignore[method-assign]


GUARANTEES: dict[str, Callable[[], None]] = {
    "fencing": _fencing,
    "leases": _leases,
    "events": _events,
    "fsync": _fsync,
    "rename": _rename,
}


def take_out(*names: str) -> None:
    """Take these out of this process.

    Raises:
        SystemExit: there is no such guarantee, or the code it lies in has changed.
    """
    for name in names:
        if name not in GUARANTEES:
            raise SystemExit(f"no guarantee named {name!r}; there are: {', '.join(GUARANTEES)}")
        GUARANTEES[name]()
