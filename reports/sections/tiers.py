"""How the leads divide into tiers A to D."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports import charts
from reports.final_rows import GOOD, FinalRows, share
from reports.report_types import REPORT_TYPES
from reports.sections import Page, Section
from reports.wording import FEW, percent

TIERS = ("A", "B", "C", "D")

TEMPLATE = """\
<section class="tiers" aria-label="Tiers">
{{ bar }}
<ul class="legend">{% for t in tiers %}<li><i class="dot tier-{{ t.tier }}"></i><b>{{ t.tier }}</b> {{ t.count | counted('lead', 'leads') }} <small>{{ t.share | percent }}{% if t.mean_score is not none %}, mean score {{ '%g' | format(t.mean_score) }}{% endif %}</small></li>{% endfor %}</ul>
</section>
"""  # noqa: E501  markup


def _query(rows: FinalRows) -> list[dict[str, Any]]:
    found = {
        row["tier"]: row
        for row in rows.ask(
            f"""SELECT tier, count(*) AS count, round(avg(score), 1) AS mean_score
            FROM {rows.source} WHERE {GOOD} AND tier IS NOT NULL GROUP BY tier"""
        )
    }
    nothing = {"count": 0, "mean_score": None}
    tiers = [{"tier": tier, **nothing, **found.get(tier, {})} for tier in TIERS]
    return [{**tier, "share": share(tier["count"], rows.leads)} for tier in tiers]


def _view(tiers: list[dict[str, Any]], page: Page) -> Mapping[str, Any] | None:
    if not page.rows.leads:
        return None
    parts = [(t["tier"], t["count"], f"tier-{t['tier']}") for t in tiers]
    return {"tiers": tiers, "bar": charts.stacked(parts, "Leads by tier")}


def _warnings(analysis: Mapping[str, Any]) -> Iterable[str]:
    totals = analysis["totals"]
    count = {tier["tier"]: tier["count"] for tier in analysis["tiers"]}
    if not sum(count.values()):
        yield "The companies have not been scored: the job has no score stage."
        return
    if count["D"] == totals["leads"]:
        yield "Every lead is in tier D: the scoring rules may not fit these companies."
    elif not count["A"]:
        yield "No lead is in tier A."
    if totals["leads"] >= FEW and (totals["score_spread"] or 0) < 5:
        yield "The scores lie close together, so their order says little."


def _table(tiers: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [("Tier", "Leads", "Share"), *((t["tier"], t["count"], percent(t["share"])) for t in tiers)]


SECTION = Section(
    "tiers",
    position=20,
    report_types=tuple(REPORT_TYPES),
    template=TEMPLATE,
    query=_query,
    view=_view,
    warnings=_warnings,
    severity=60,
    table=_table,
)
