"""Ending a project: what it has, what stands in the way, and how all of it goes.

A project has keys in the key table, channels and rules of notices, quotas, live jobs, a folder of the lake (jobs,
companies, history, schedules), and all that Redis keeps behind its own prefix. Nothing else is of one project alone;
audit entries are the installation's, and stay.

It is marked first (`data.ending`). From then on nothing begins in it, and its keys open nothing. Each step may be done
twice, and the mark goes last: after a kill at any place it goes on where it stood.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypedDict

from data.api_keys import KeyRegistry, listed
from data.ending import Ending, drop_mark, ending, endings, put_mark
from data.jobs import TERMINAL, JobStore, Status
from data.jobs.removed_project import drop_project, forget_project
from data.jobs.usage import used
from data.lake import Lake
from data.notice_channels import notice_channels
from data.project_quotas import project_quotas
from data.schedules import ScheduleStore
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import ConflictError, DamagedRecordError, InputError, NotFoundError
from leadmill.log import get_logger
from leadmill.pause import pause_point
from leadmill.roles_by_claim import RolesByClaim

log = get_logger(__name__)

#: So long after the mark the last step waits: a request or a tick that had begun before has ended, seconds.
QUIET_S = 5.0
#: One removal waits for another for so long, seconds.
_LOCK_S = 1_500.0
_PAGE = 500


class RemovedProject(TypedDict):
    """What of a project went, as the job's result shows it; by this run, where it went on after a kill."""

    name: str
    jobs_cancelled: int
    redis_keys: int
    bytes_freed: int


def known(store: JobStore, lake: Lake) -> set[str]:
    """Every project of which there is anything.

    Raises:
        UnavailableError: Redis does not answer, or a table cannot be read.
    """
    with_keys = {key.project for key in listed(KeyRegistry(lake.data).table())}
    of_files = {*lake.projects(), *endings(lake.data), *notice_channels(lake.data).table()}
    return {*store.projects(), *of_files, *project_quotas(lake.data).own(), *with_keys}


def begin(
    store: JobStore, lake: Lake, keys: KeyRegistry, name: str, *, confirm: str | None = None, roles: str | None = None
) -> Ending:
    """Mark a project and end its keys; the mark. One that is marked already goes on.

    Args:
        store, lake: of the default project.
        confirm: the name once more: live jobs, keys and schedules go with it, too.
        roles: who has a role by an identity provider (`LEADMILL_OIDC_ROLES`).

    Raises:
        NotFoundError: there is nothing of that name.
        InputError: `confirm` is not its name.
        ConflictError: the default project; one that still works, and was not confirmed; people have a role in it.
        StorageError, UnavailableError: it cannot be told or kept.
    """
    if name == DEFAULT_PROJECT:
        raise ConflictError(f"the project {DEFAULT_PROJECT} is the installation's own and cannot be removed")
    if name not in known(store, lake):
        raise NotFoundError(f"no project {name[:40]!r}")
    if confirm not in (None, name):
        raise InputError(f"is not the project's name, {name}", field="confirm")
    if roles and name in RolesByClaim(roles).projects:
        raise ConflictError(f"LEADMILL_OIDC_ROLES gives people a role in {name}: take that out, and restart the API")
    mark = ending(lake.data, name)
    if mark is None:
        if confirm is None and (found := in_the_way(store, lake, name)):
            raise ConflictError(
                f"the project {name} still has {', '.join(found)}: end them first, or confirm by its name "
                f"(confirm={name}; as a command --confirm {name}), which cancels the jobs and ends keys and schedules"
            )
        mark = Ending(datetime.now(UTC), None)
        put_mark(lake.data, name, mark)
    keys.drop_project(name)
    return mark


def in_the_way(store: JobStore, lake: Lake, name: str) -> list[str]:
    """What a project still works with, in words.

    Raises:
        UnavailableError: Redis does not answer, or the key table cannot be read.
    """
    now, own = datetime.now(UTC), store.of(name)
    keys = sum(key.is_living(now) for key in listed(KeyRegistry(lake.data).table(), name))
    schedules, unreadable = ScheduleStore(own).read_all()
    counts = {
        "live job": used(own)["live_jobs"],
        "API key": keys,
        "active schedule": len(unreadable) + sum(not one.paused for one in schedules),
    }
    return [f"{number} {what}{'s' * (number > 1)}" for what, number in counts.items() if number]


def carry_out(
    store: JobStore, lake: Lake, check: Callable[[str], None], *, quiet_s: float = QUIET_S
) -> list[RemovedProject]:
    """Remove every project that is marked; `check` is called between steps with the name, and may raise.

    Raises:
        TimeoutError: another process is at it.
        UnavailableError, OSError: it goes on when it is asked for again.
    """
    lock = lake.data / "projects" / ".ending.lock"
    with lake.storage.lock(lock, _LOCK_S, 0.5, partial(check, "another one")):
        return [_remove(store.of(name), lake, partial(check, name), quiet_s) for name in endings(lake.data)]


def _remove(store: JobStore, lake: Lake, check: Callable[[], None], quiet_s: float) -> RemovedProject:
    name = store.project
    mark = ending(lake.data, name)
    _drop_settings(lake, name)
    pause_point("ending_marked")
    cancelled = _cancel_live(store, check)
    pause_point("ending_cancelled")
    freed = _drop_folder(lake, name, check)
    pause_point("ending_retired")
    while mark is not None and (datetime.now(UTC) - mark.since).total_seconds() < quiet_s:
        check()
        time.sleep(0.1)
    _drop_settings(lake, name)
    dropped = drop_project(store, check)
    freed += _drop_folder(lake, name, check)
    pause_point("ending_swept")
    forget_project(store)
    drop_mark(lake.data, name)
    log.info("project removed", project=name, jobs_cancelled=cancelled, bytes_freed=freed)
    return {"name": name, "jobs_cancelled": cancelled, "redis_keys": dropped, "bytes_freed": freed}


def _drop_settings(lake: Lake, name: str) -> None:
    """What files of all projects say of it: channels, quotas, and keys, should any have been left."""
    KeyRegistry(lake.data).drop_project(name)
    notice_channels(lake.data).drop_project(name)
    if name in project_quotas(lake.data).own():
        project_quotas(lake.data).put(name, {})


def _cancel_live(store: JobStore, check: Callable[[], None]) -> int:
    """Runs of the jobs are stopped by that; one whose record is damaged goes with its keys."""
    cancelled = 0
    for status in Status:
        before = None
        while status not in TERMINAL and (page := store.ids(f"s:{status}", before=before, limit=_PAGE)):
            before = f"{page[-1][1]}:{page[-1][0]}"
            for job_id, _ in page:
                check()
                try:
                    store.cancel(job_id)
                    cancelled += 1
                except (ConflictError, NotFoundError, DamagedRecordError) as error:
                    log.debug("not cancelled", job=job_id, error=str(error))
    return cancelled


def _drop_folder(lake: Lake, name: str, check: Callable[[], None]) -> int:
    """Its folder goes from under whoever still writes there, then bit by bit from where it lies; bytes freed."""
    folder = lake.data / "projects" / name
    lake.storage.retire(folder)
    freed = 0
    for size in lake.storage.sweep_retired(folder):
        freed += size
        check()
    return freed
