"""Whether a lake is at rest, as far as its job store knows: while something works on it no copy of it is whole."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import redis

from data import keys
from data.identity import LakePair, connect
from data.jobs import JobStore
from data.jobs.usage import used
from data.lake import Lake
from data.presence import StackProcess, living
from leadmill.errors import ConflictError, LeadmillError, UnavailableError

#: Seconds within which a job store answers, if there is one.
_QUICK_S = 2.0


def check_at_rest(root: Path, url: str, prefix: str, *, move: bool) -> bool:
    """Whether the job store at `url` is this lake's and answers; nothing is written to it.

    Raises:
        ConflictError: jobs of the lake live; of a `move` also: processes of its stack do.
    """
    if not is_its_own(root, url, prefix):
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


def is_its_own(root: Path, url: str, prefix: str) -> bool:
    """Whether the job store at `url` answers and holds the records of this lake."""
    try:
        with connect(url, socket_timeout=_QUICK_S, socket_connect_timeout=_QUICK_S) as client:
            lake = LakePair(root, prefix, url).check(client.execute_command, bind=False)
            bound = client.get(prefix + keys.LAKE)
    except (redis.RedisError, LeadmillError):  # another lake's, none, or this one was moved away
        return False
    return lake is not None and bound == lake.encode()
