"""GET /ui/statistics: jobs by status and kind, how long they took, what came of each day; from counters and history."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from api.context import Here
from api.daily import DAYS, newest_days
from api.fields import Blank, KindName
from api.jobs import told_statistics
from api.kept import Kept
from api.page import page
from api.page_words import number, percent
from api.pages import Place
from api.routing import Router
from api.sample_run import offered
from leadmill.access import Role
from leadmill.answers import Totals
from leadmill.declared import KINDS
from pipelines.views.daily import Day
from reports import charts

router = Router(include_in_schema=False)
PLACE = Place(70, "/ui/statistics", "Statistics", further=True)

_USUAL = "pipeline"


@router.get("/ui/statistics", role=Role.VIEWER)
def statistics(
    request: Request,
    here: Here,
    kind: Annotated[KindName | None, Blank, Query()] = None,
) -> Response:
    told, chosen = told_statistics(here), str(kind or _USUAL)
    kept: Kept = request.app.state.kept
    found = kept.of(("days", here.caller.project, chosen), lambda: newest_days(here, chosen))
    return page(
        request,
        "pages/statistics.html",
        statistics=told,
        samples=offered(here),
        by_kind=_by_kind(told["totals"]),
        kind=chosen,
        kinds=[name for name, one in KINDS.items() if one.needs_companies],
        days=found,
        day_count=DAYS,
        companies=_companies(found.days),
        coverage=_coverage(found.days),
        empty_here=not any(day.jobs for day in found.days),
    )


def _by_kind(totals: Totals) -> Markup:
    known = {kind: count for kind, count in totals["by_kind"].items() if count}
    whole = sum(known.values())
    most_first = sorted(known.items(), key=lambda one: -one[1])
    return charts.bars(
        [(kind.replace("_", " "), count, percent(count / whole)) for kind, count in most_first],
        "Kind, jobs, share of all",
    )


def _companies(days: list[Day]) -> Markup:
    rows = [(f"{day.day:%a %-d %b}", day.companies, _jobs(day)) for day in days]
    return charts.bars(rows, "Day, companies of jobs that ended, jobs")


def _coverage(days: list[Day]) -> Markup:
    rows = [
        (f"{day.day:%a %-d %b}", _whole(day.coverage), f"% of {number(day.companies)}")
        for day in days
        if day.coverage is not None
    ]
    return charts.bars(rows, "Day, percent of companies with a row, companies", most=100)


def _whole(coverage: float) -> int:
    """In whole per cent, as `page_words.percent` rounds."""
    return 99 if 0.99 < coverage < 1 else round(100 * coverage)


def _jobs(day: Day) -> str:
    words = f"{number(day.jobs)} {'job' if day.jobs == 1 else 'jobs'}" if day.jobs else ""
    return f"{words}, {number(day.failed)} failed" if day.failed else words
