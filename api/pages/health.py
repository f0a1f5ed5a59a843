"""GET /ui/health: whether work would be done, in words, with the command that mends what is wrong.

Who administers the installation sees how disk and Redis are, callers of the default project what all projects share,
everybody whether it is well: as /healthz and the statistics have it. It is shown also while Redis is away.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from fastapi import Request
from fastapi.responses import Response

from api.context import Context, Everything, Here
from api.health import look
from api.jobs import told_statistics
from api.page import page
from api.pages import Place
from api.routing import Router
from data.presence import StackProcess, living, quiet_s
from data.probes import disk_size
from data.schedules import ScheduleStore
from leadmill.access import Role
from leadmill.errors import UnavailableError
from leadmill.redaction import redacted

router = Router(include_in_schema=False)
PLACE = Place(80, "/ui/health", "Health", further=True)


class Processes(NamedTuple):
    """Those of the stack beside workers."""

    #: Hosts and pids.
    apis: list[tuple[str, int]]
    beats: list[tuple[str, int]]
    #: Since a beat was seen, seconds; None: none is missing.
    beat_quiet_s: float | None
    #: The newest planned time that was dealt with, of any schedule: its name, when.
    last_tick: tuple[str, datetime] | None


@router.get("/ui/health", role=Role.VIEWER)
def health(request: Request, here: Here, everything: Everything) -> Response:
    found = look(everything)
    knows_all = here.caller.administers_all
    statistics = processes = away = None
    try:
        statistics = told_statistics(here)
        processes = _processes(here) if here.caller.sees_what_all_share else None
    except UnavailableError as error:
        away = redacted(str(error))
    return page(
        request,
        "pages/health.html",
        state=found.status if knows_all or found.status == "fail" else "ok",
        found=redacted.within(found.seen.shown) if knows_all else None,
        server=found.seen.server if knows_all else None,
        warnings=[(redacted(one.text), one.remedy and redacted(one.remedy)) for one in found.warnings]
        if knows_all
        else [],
        tables=found.tables if knows_all else {},
        disk_bytes=disk_size(here.lake.data) if knows_all else None,
        statistics=statistics,
        processes=processes,
        away=away,
    )


def _processes(here: Context) -> Processes:
    ticks = ScheduleStore(here.store).last_ticks()
    newest = max(((name, tick.planned) for name, tick in ticks.items()), key=lambda one: one[1], default=None)
    return Processes(
        apis=living(here.store, StackProcess.API),
        beats=living(here.store, StackProcess.BEAT),
        beat_quiet_s=quiet_s(here.store, StackProcess.BEAT),
        last_tick=newest,
    )
