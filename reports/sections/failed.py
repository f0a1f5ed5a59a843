"""The companies that failed, one by one."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.final_rows import GOOD
from reports.sections import Page, Section

#: Companies listed.
LISTED = 200

TEMPLATE = """\
<section class="failures" aria-label="Failed companies">
<h2>Failed companies</h2>
<p class="note">{{ failed | length | number }} of {{ totals.failed | number }}.</p>
<div class="card scroll"><table class="numbers"><thead><tr><th>Company</th><th>Kind</th><th>Error</th></tr></thead>
<tbody>{% for company in failed %}<tr><td><bdi>{{ company.domain | domain }}</bdi></td><td><span class="kind">{{ company.category.replace('_', ' ') }}</span></td><td class="example"><bdi>{{ company.error }}</bdi></td></tr>{% endfor %}</tbody></table></div>
</section>
"""  # noqa: E501  markup


def _view(answer: None, page: Page) -> Mapping[str, Any] | None:
    failed = page.rows.ask(
        f"""SELECT left(domain, 120) AS domain, coalesce(error_code, error_category) AS category,
          left(error, 240) AS error
        FROM {page.rows.source} WHERE NOT {GOOD} ORDER BY error_category, domain LIMIT {LISTED}"""
    )
    return {"failed": failed} if failed else None


SECTION = Section("failed", position=70, report_types=("quality",), template=TEMPLATE, view=_view)
