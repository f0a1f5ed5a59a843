"""HTML: one self-contained file that can be mailed, printed and read without scripts.

At most 2 MB: the best leads stand inline until their number or the page's budget is reached, and the page
says how many of how many it shows. All else is bounded by the analysis. What a page is made of: `reports.sections`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup

from reports.analysis import analyze_rows
from reports.formats import Format, ReportData
from reports.page_policy import policy, script
from reports.report_types import REPORT_TYPES
from reports.sections import Page, Section, in_order
from reports.wording import why_empty


def write(data: ReportData, out: Path) -> int:
    """The page; returns how many leads stand in it."""
    from reports.environment import TEMPLATES, environment

    page = Page(data.final, analyze_rows(data.final), data.report_type)
    views: dict[Section, Mapping[str, Any]] = {}
    for section in in_order():
        if page.report_type in section.report_types:
            with section.at_work():
                view = section.view(page.analysis.get(section.name), page)
            if view is not None:
                views[section] = view
    text = (
        environment()
        .get_template("report.html.j2")
        .render(
            groups=list(_groups(page, views)),
            warnings=page.analysis["warnings"],
            totals=data.final.totals,
            empty=why_empty(page.analysis, data.job.get("job_id")),
            job=_job(data.job),
            title=REPORT_TYPES[data.report_type].title,
            script=Markup(script()),  # noqa: S704  our own file
            policy=Markup(policy()),  # noqa: S704  our own text
            style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704  our own file
        )
    )
    out.write_text(text, encoding="utf-8")
    return sum(len(view["leads"]) for section, view in views.items() if section.name == "leads")


def _groups(page: Page, views: Mapping[Section, Mapping[str, Any]]) -> Iterator[tuple[bool, list[Markup]]]:
    """The page's sections in HTML, neighbouring charts together: (whether they are charts, the parts there are)."""
    shown = [section for section in in_order() if page.report_type in section.report_types]
    for figures, sections in groupby(shown, key=lambda section: section.figure):
        yield figures, [_part(section, page, views[section]) for section in sections if section in views]


def _part(section: Section, page: Page, view: Mapping[str, Any]) -> Markup:
    from reports.environment import compiled

    with section.at_work():
        text = compiled(section.template).render({"totals": page.rows.totals, **view})
    return Markup(text)  # noqa: S704  rendered with autoescape


def _job(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the header shows of the job. Its first tag is the title: the only words that its submitter gave it."""
    tags = [str(tag) for tag in job.get("tags") or ()]
    return {
        "job_id": job.get("job_id"),
        "title": tags[0] if tags else None,
        "tags": tags[1:],
        "created_at": _when(job.get("created_at")),
        "generated_at": _when(job.get("generated_at") or datetime.now(UTC)),
        "partial": bool(job.get("partial")),
        "filter": job.get("filter"),
    }


def _when(time: datetime | None) -> str | None:
    """A time as people read it."""
    if time is None:
        return None
    utc = time.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


FORMAT = Format(
    "html",
    "text/html; charset=utf-8",
    write,
    "a page to read, mail and print",
    good_rows_only=True,
    inline=True,
    rows_at_once=20_000,
)
