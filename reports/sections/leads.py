"""The leads one by one, best first, each with how to reach it and why it scored as it did."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from markupsafe import Markup

from reports import links
from reports.final_rows import GOOD, RANKED, FinalRows, iso
from reports.report_types import REPORT_TYPES
from reports.sections import Page, Section
from reports.wording import score_note

#: Bytes that the leads may take; the rest of the page stays far below the difference to 2 MB.
BUDGET = 1_600_000
#: Entries of a lead's lists, and characters of one entry.
_ENTRIES = 4
_ENTRY = 90

TEMPLATE = """\
<section class="leads" aria-label="Ranked leads">
<h2>Ranked leads</h2>
<p class="note">{% if leads | length < totals.leads %}The best {{ leads | length | number }} of {{ totals.leads | number }} leads; the data files of this report (CSV, XLSX, Parquet) hold all of them.{% else %}All {{ totals.leads | number }} {{ 'lead' if totals.leads == 1 else 'leads' }}.{% endif %} Order: {{ "fit" if totals.fitted else "score" }}, then reachability, data quality and domain. {% if score_note %}{{ score_note }} {% endif %}Hover over an e-mail address or number to see where it was found.</p>
<table class="ranking">
<thead><tr><th>#</th><th>Score</th><th>Company</th><th>Contact</th><th>Why</th></tr></thead>
<tbody>
{% for lead in leads %}{{ lead }}{% endfor %}
</tbody>
</table>
</section>
"""  # noqa: E501  markup


def _view(answer: None, page: Page) -> Mapping[str, Any] | None:
    most = REPORT_TYPES[page.report_type].leads_shown
    leads = list(_within_budget(_leads(page.rows, most)))
    return {"leads": leads, "score_note": score_note(page.rows.totals)} if leads else None


def _within_budget(leads: Iterable[Mapping[str, Any]]) -> Iterator[Markup]:
    from reports.environment import environment

    template = environment().get_template("lead.html.j2")
    left = BUDGET
    for rank, lead in enumerate(leads, 1):
        text = template.render(lead=lead, rank=rank)
        left -= len(text.encode())
        if left < 0:
            return
        yield Markup(text)  # noqa: S704  rendered with autoescape


def _leads(rows: FinalRows, most: int) -> list[dict[str, Any]]:
    """The best leads with only what a row of the table shows, cut in the query."""
    lists = ", ".join(
        f"list_transform({column}[1:{take}], lambda x: left(x, {_ENTRY})) AS {column}, "
        f"coalesce(len({column}), 0) AS {column}_count"
        for column, take in (("emails", _ENTRIES), ("phones", _ENTRIES), ("technologies", 8))
    )
    leads = rows.ask(
        f"""SELECT left(domain, 120) AS domain, left(url, {links.MAX_URL + 1}) AS url, left(name, 120) AS name,
          left(description, 240) AS description, left(industry, 60) AS industry, left(country, 40) AS country,
          left(address.city, 60) AS city, employees_min, employees_max, founded, score, tier, fit, reach,
          quality::DOUBLE AS quality, left(contact_url, {links.MAX_URL + 1}) AS contact_url, {lists},
          list_transform(map_entries(social)[1:6], lambda x:
            {{label: left(x.key, 20), url: left(x.value, {links.MAX_URL + 1})}}) AS social,
          list_transform(contributions[1:40], lambda x:
            {{axis: left(x.axis, 20), points: x.points, reason: left(x.reason, 120)}}) AS why,
          list_transform(list_filter(facts, lambda x: list_contains(list_concat(emails, phones), x.value))[1:8],
            lambda x: {{value: x.value, source: left(x.source, 160), method: left(x.method, 40),
              confidence: round(x.confidence::DOUBLE, 2), seen_at: {iso("x.seen_at")}}}) AS facts,
          processed_at IS NOT NULL AS processed
        FROM (SELECT * FROM {rows.source} WHERE {GOOD} ORDER BY {RANKED} LIMIT {most}) ORDER BY {RANKED}"""
    )
    for row in leads:
        row["origin"] = {fact["value"]: _origin(fact) for fact in reversed(row["facts"] or [])}
        row["axes"] = _axes(row["why"] or [])
        row["absent"] = "not found" if row["processed"] else "not tried"
    return leads


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


SECTION = Section(
    "leads",
    position=40,
    report_types=tuple(name for name, kind in REPORT_TYPES.items() if kind.leads_shown),
    template=TEMPLATE,
    view=_view,
)
