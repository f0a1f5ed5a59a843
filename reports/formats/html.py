"""HTML: one self-contained file that can be mailed, printed and read without scripts.

At most 2 MB: the best leads stand inline until their number or the page's budget is reached, and the page
says how many of how many it shows. All else is bounded by the analysis.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reports import charts, links
from reports.findings import percent, why_empty
from reports.formats import Format, ReportData
from reports.queries import GOOD, RANKED, analyze_source, iso, records

#: Leads inline, by report type.
INLINE = {"comprehensive": 500, "leads": 500, "summary": 10, "quality": 0}
#: Bytes that the leads may take; the rest of the page stays far below the difference to 2 MB.
LEADS_BUDGET = 1_600_000
#: Failed companies listed one by one in a quality report.
FAILED_INLINE = 200
TITLES = {
    "comprehensive": "Lead report",
    "summary": "Lead summary",
    "leads": "Ranked leads",
    "quality": "Data quality report",
}
_TEMPLATES = Path(__file__).parent.parent / "templates"
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
#: Entries of a lead's lists, and characters of one entry.
_ENTRIES = 4
_ENTRY = 90


def write(data: ReportData, out: Path) -> int:
    """The page; returns how many leads stand in it."""
    analysis = analyze_source(data.con, data.source)
    page = _environment().get_template("report.html.j2")
    leads = list(_within_budget(_leads(data)))
    text = page.render(
        analysis=analysis,
        totals=analysis["totals"],
        charts=_charts(analysis),
        empty=why_empty(analysis, data.job.get("job_id")),
        failed=_failed(data) if data.report_type == "quality" else [],
        job=_job(data.job),
        leads=leads,
        report_type=data.report_type,
        title=TITLES[data.report_type],
        tier_bar=charts.stacked(
            [(t["tier"], t["count"], f"tier-{t['tier']}") for t in analysis["tiers"]], "Leads by tier"
        ),
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704  our own file
    )
    out.write_text(text, encoding="utf-8")
    return len(leads)


def _within_budget(leads: list[dict[str, Any]]) -> Iterator[Markup]:
    template = _environment().get_template("lead.html.j2")
    left = LEADS_BUDGET
    for rank, lead in enumerate(leads, 1):
        text = template.render(lead=lead, rank=rank)
        left -= len(text.encode())
        if left < 0:
            return
        yield Markup(text)  # noqa: S704  rendered with autoescape


def _leads(data: ReportData) -> list[dict[str, Any]]:
    """The best leads with only what a row of the table shows, cut in the query."""
    limit = INLINE[data.report_type]
    if not limit:
        return []
    lists = ", ".join(
        f"list_transform({column}[1:{take}], lambda x: left(x, {_ENTRY})) AS {column}, "
        f"coalesce(len({column}), 0) AS {column}_count"
        for column, take in (("emails", _ENTRIES), ("phones", _ENTRIES), ("technologies", 8))
    )
    rows = records(
        data.con,
        f"""SELECT left(domain, 120) AS domain, left(url, {links.MAX_URL + 1}) AS url, left(name, 120) AS name,
          left(description, 240) AS description, left(industry, 60) AS industry, left(country, 40) AS country,
          left(address.city, 60) AS city, employees_min, employees_max, founded, score, tier, probability,
          quality::DOUBLE AS quality, left(contact_url, {links.MAX_URL + 1}) AS contact_url, {lists},
          list_transform(map_entries(social)[1:6], lambda x:
            {{label: left(x.key, 20), url: left(x.value, {links.MAX_URL + 1})}}) AS social,
          list_transform(contributions[1:40], lambda x:
            {{axis: left(x.axis, 20), points: x.points, reason: left(x.reason, 120)}}) AS why,
          list_transform(list_filter(facts, lambda x: list_contains(list_concat(emails, phones), x.value))[1:8],
            lambda x: {{value: x.value, source: left(x.source, 160), method: left(x.method, 40),
              confidence: round(x.confidence::DOUBLE, 2), seen_at: {iso("x.seen_at")}}}) AS facts,
          processed_at IS NOT NULL AS processed
        FROM (SELECT * FROM {data.source} WHERE {GOOD} ORDER BY {RANKED} LIMIT {limit}) ORDER BY {RANKED}""",
    )
    for row in rows:
        row["origin"] = {fact["value"]: _origin(fact) for fact in reversed(row["facts"] or [])}
        row["axes"] = _axes(row["why"] or [])
        row["absent"] = "not found" if row["processed"] else "not tried"
    return rows


def _axes(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contributions by axis, in the model's order, with the sum of each."""
    axes: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        axes.setdefault(part["axis"], []).append(part)
    return [{"name": axis, "points": sum(p["points"] for p in own), "parts": own} for axis, own in axes.items()]


def _origin(fact: Mapping[str, Any]) -> str:
    parts = [f"found on {fact['source']}" if fact["source"] else "", f"by {fact['method']}" if fact["method"] else ""]
    if fact["confidence"] is not None:
        parts.append(f"confidence {fact['confidence']:g}")
    parts.append(str(fact["seen_at"] or ""))
    return ", ".join(part for part in parts if part)


def _failed(data: ReportData) -> list[dict[str, Any]]:
    return records(
        data.con,
        f"""SELECT left(domain, 120) AS domain, error_category AS category, left(error, 240) AS error
        FROM {data.source} WHERE NOT {GOOD} ORDER BY error_category, domain LIMIT {FAILED_INLINE}""",
    )


def _charts(analysis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is drawn: each chart with the numbers that its table repeats. Empty ones are left out."""
    found = []
    scored = sum(step["count"] for step in analysis["scores"])
    if scored:
        steps = [(f"{s['from']}–{s['to'] - (s['to'] < 100)}", s["count"]) for s in analysis["scores"]]
        shares = [(label, count, percent(count / scored)) for label, count in steps]
        found.append(_chart("scores", "Scores", "Score", shares, charts.histogram(steps, "Leads by score")))
    for key, title, column in (
        ("fields", "What was found", "Field"),
        ("languages", "Languages", "Language"),
        ("industries", "Industries", "Industry"),
        ("countries", "Countries", "Country"),
        ("technologies", "Technologies", "Technology"),
    ):
        if key == "fields":
            items = [(f["label"], f["found"], percent(f["share"])) for f in analysis["fields"]]
        else:
            items = [(v["value"], v["count"], percent(v["share"])) for v in analysis[key]["values"]]
        if any(count for _, count, _ in items):
            shown = items if key == "fields" else items[:10]
            found.append(_chart(key, title, column, items, charts.bars(shown, title)))
    return found


def _chart(key: str, title: str, column: str, numbers: list[Any], svg: Markup) -> dict[str, Any]:
    return {"key": key, "title": title, "column": column, "numbers": numbers, "svg": svg}


def _job(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the header shows of the job; made-up values never."""
    made = job.get("generated_at") or datetime.now(UTC)
    shown: dict[str, Any] = {"generated_at": _when(made), "created_at": _when(job.get("created_at"))}
    shown |= {key: job.get(key) for key in ("job_id", "kind", "title")}
    shown["partial"] = bool(job.get("partial"))
    shown["tags"] = [str(tag) for tag in job.get("tags") or []][:10]
    return shown


def _when(value: Any) -> str | None:
    """A time as people read it; a text that is no time is shown as it came."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value[:40]
    if isinstance(value, (int, float)):  # as job records hold it: milliseconds
        value = datetime.fromtimestamp(value / 1000, UTC)
    if not isinstance(value, datetime):
        return None
    utc = value.astimezone(UTC) if value.tzinfo else value
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def _signed(points: float) -> str:
    return f"+{points:g}" if points >= 0 else f"−{-points:g}"


@cache
def _environment() -> jinja2.Environment:
    def shown(value: Any) -> Any:
        """Characters that no HTML may hold are left out of everything that is printed."""
        return _UNSHOWN.sub("", value) if type(value) is str else value

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters |= {
        "web": links.web,
        "mail": links.mail,
        "phone": links.phone,
        "percent": percent,
        "signed": _signed,
        "number": lambda value: f"{value:,}" if isinstance(value, int) else f"{value:,.0f}",
    }
    return environment


FORMAT = Format("html", "text/html; charset=utf-8", write, "a page to read, mail and print")
