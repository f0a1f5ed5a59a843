"""How many companies there are, how many could be read, and how good they are: the counts that a page begins with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.report_types import REPORT_TYPES
from reports.sections import Page, Section
from reports.wording import cause_of, mostly_walled, nameless, percent

#: Below this share of readable companies the report says so first.
COVERAGE = 0.9

TEMPLATE = """\
<section class="counts" aria-label="Counts">
<div class="count"><b>{{ totals.companies | number }}</b><span>{{ 'company' if totals.companies == 1 else 'companies' }}</span><small>{{ totals.pages | counted('page', 'pages') }} read</small></div>
<div class="count"><b>{{ totals.leads | number }}</b><span>{{ 'lead' if totals.leads == 1 else 'leads' }}</span>{% if totals.companies %}<small>{{ totals.coverage | percent }} could be read, {{ totals.failed | number }} failed{% if nameless %}, {{ nameless }}{% endif %}</small>{% endif %}</div>
{% if totals.leads %}
<div class="count good"><b>{{ best.count | number }}</b><span>in tier A</span><small>{{ best.share | percent }} of the leads</small></div>
<div class="count"><b>{{ '%g' | format(totals.median_score) if totals.median_score is not none else '–' }}</b><span>median score</span><small>of 100; mean {{ '%g' | format(totals.mean_score) if totals.mean_score is not none else '–' }}</small></div>
<div class="count"><b>{{ (totals.reachable / totals.leads) | percent }}</b><span>reachable</span><small>{{ totals.reachable | number }} with e-mail or phone</small></div>
{% endif %}
</section>
"""  # noqa: E501  markup


def _view(answer: Any, page: Page) -> Mapping[str, Any]:
    return {"best": page.analysis["tiers"][0], "nameless": nameless(page.analysis["totals"]["lines_without_company"])}


def _warnings(analysis: Mapping[str, Any]) -> Iterable[str]:
    totals = analysis["totals"]
    yield from mostly_walled(totals["walled"], totals["companies"])
    if totals["coverage"] < COVERAGE:
        cause = cause_of(analysis["errors"][0])
        gap = percent(1 - totals["coverage"])
        of = f"{totals['failed']:,} of {totals['companies']:,}"
        yield f"{gap} of the companies could not be read ({of}); most often {cause}."


SECTION = Section(
    "totals",
    position=10,
    report_types=tuple(REPORT_TYPES),
    template=TEMPLATE,
    query=lambda rows: rows.totals,
    view=_view,
    warnings=_warnings,
    severity=100,
)
