"""Which scoring rules held, how often, and what each added."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.final_rows import GOOD, FinalRows, share
from reports.sections import Section

TEMPLATE = """\
<section class="rules" aria-label="How the scores come about">
<h2>How the scores come about</h2>
<p class="note">{% if totals.fitted %}The score is the fit: the sum of the points of the rules of axis fit that hold, kept within 0 and 100. Those of axis contact make the reach.{% else %}A score is the sum of the points of the rules that hold, kept within 0 and 100.{% endif %} Model <code>{{ totals.model_version }}</code>.</p>
<div class="card scroll"><table class="numbers"><thead><tr><th>Rule</th><th>Axis</th><th class="n">Points</th><th class="n">Leads</th><th class="n">Share</th></tr></thead>
<tbody>{% for rule in answer %}<tr><td><bdi>{{ rule.reason }}</bdi></td><td>{{ rule.axis }}</td><td class="n {{ 'minus' if rule.points < 0 else 'plus' if rule.points }}">{{ rule.points | signed if rule.points else '0' }}</td><td class="n">{{ rule.count | number }}</td><td class="n">{{ rule.share | percent }}</td></tr>{% endfor %}</tbody></table></div>
</section>
"""  # noqa: E501  markup


def _query(rows: FinalRows) -> list[dict[str, Any]]:
    found = rows.ask(
        f"""SELECT part.rule AS rule, any_value(part.axis) AS axis, any_value(part.points) AS points,
          any_value(left(part.reason, 200)) AS reason, count(*) AS count
        FROM (SELECT unnest(contributions) AS part FROM {rows.source} WHERE {GOOD})
        GROUP BY part.rule ORDER BY count DESC, rule LIMIT 64"""
    )
    return [{**row, "share": share(row["count"], rows.leads)} for row in found]


def _warnings(analysis: Mapping[str, Any]) -> Iterable[str]:
    versions = analysis["totals"]["model_versions"]
    if versions > 1:
        yield f"Scores come from {versions} model versions and do not compare well."


SECTION = Section(
    "rules",
    position=50,
    report_types=("comprehensive", "quality"),
    template=TEMPLATE,
    query=_query,
    warnings=_warnings,
    severity=20,
)
