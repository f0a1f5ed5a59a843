"""GET /: what runs, what failed, what waits, what is wrong, and what came of today."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import Request
from fastapi.responses import Response

from api.context import Context, Here
from api.jobs import told_page, told_statistics
from api.kept import Kept
from api.page import page
from api.pages import Place
from api.recent_jobs import recent_jobs
from api.routing import Router
from api.sample_run import offered
from data.jobs import Status
from leadmill import answers
from leadmill.access import Role
from leadmill.declared import KINDS
from pipelines.views.listing import JobFilter

router = Router(include_in_schema=False)
PLACE = Place(10, "/", "Overview")

#: Jobs under way that are shown, and causes of failure.
_RUNNING, _CAUSES = 8, 8
_UNDER_WAY = (Status.RUNNING, Status.RETRY, Status.PENDING)


@router.get("/", role=Role.VIEWER)
def overview(request: Request, here: Here) -> Response:
    kept: Kept = request.app.state.kept
    statistics, recent = told_statistics(here), kept.of(("recent", here.caller.project), lambda: recent_jobs(here))
    empty_here = _is_empty(statistics)
    return page(
        request,
        "pages/overview.html",
        statistics=statistics,
        running=_under_way(here),
        recent=recent,
        causes=recent.causes[:_CAUSES],
        began_at=_midnight(recent.yesterday),
        today_at=_midnight(recent.yesterday + timedelta(days=1)),
        empty_here=empty_here,
        samples=offered(here) if empty_here else None,
    )


def _midnight(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _under_way(here: Context) -> list[answers.Job]:
    """Jobs that have not ended, those that run first."""
    found: list[answers.Job] = []
    for status in _UNDER_WAY:
        if len(found) < _RUNNING:
            found += told_page(here, JobFilter(status), _RUNNING - len(found))["items"]
    return found


def _is_empty(statistics: answers.Statistics) -> bool:
    """Whether nobody has handed in anything yet; what beat submits by itself does not count."""
    by_kind = statistics["totals"]["by_kind"]
    return not any(number is None or number for kind, number in by_kind.items() if KINDS[kind].needs_companies)
