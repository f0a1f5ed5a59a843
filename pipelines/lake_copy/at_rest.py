"""Whether a lake is at rest, as far as its job store knows: while something works on it no copy of it is whole."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from data.identity import is_bound
from data.jobs import JobStore
from data.jobs.usage import used
from data.lake import Lake
from data.presence import StackProcess, living
from leadmill.errors import ConflictError, UnavailableError

#: Seconds within which a job store answers, if there is one.
_QUICK_S = 2.0


def check_at_rest(root: Path, url: str, prefix: str, *, move: bool) -> bool:
    """Whether the job store at `url` is this lake's and answers; nothing is written to it.

    Raises:
        ConflictError: jobs of the lake live; of a `move` also: processes of its stack do.
    """
    if not is_bound(root, url, prefix):
        return False
    try:
        with closing(JobStore.connect(url, prefix, _QUICK_S, lake=root)) as store:
            live = sum(used(store.of(project))["live_jobs"] for project in {*store.projects(), *Lake(root).projects()})
            if live:
                raise ConflictError(f"jobs of it wait or run ({live}): let them end, or cancel them, and copy it then")
            processes = [*store.workers(), *living(store, StackProcess.API), *living(store, StackProcess.BEAT)]
    except UnavailableError:
        return False
    if move and processes:
        raise ConflictError(f"processes of its stack run ({len(processes)}): stop them first (leadmill down)")
    return True
