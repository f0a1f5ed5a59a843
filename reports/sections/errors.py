"""Why companies failed: grouped by category and by the shape of the message, each with a count and one example.

Lines of the list that name no company stand behind them.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.final_rows import GOOD, FinalRows, share
from reports.report_types import REPORT_TYPES
from reports.rows import quote
from reports.sections import Page, Section
from reports.wording import nameless

#: Causes listed.
TOP_CAUSES = 25
#: Characters of an error message that count; longer ones are cut before any pattern runs.
_ERROR_WINDOW = 300
#: What differs between messages of one cause: addresses, quoted text, numbers (three digits stay, they are
#: mostly an HTTP status), spacing.
_SHAPES = (
    (r"https?://\S+", "…"),
    (r"'[^']*'", "…"),
    (r'"[^"]*"', "…"),
    (r"\b(\d+(\.\d+)+|\d{1,2}|\d{4,})\b", "N"),
    (r"\s+", " "),
)

TEMPLATE = """\
<section class="failures" aria-label="Failures by cause">
<h2>Failures by cause</h2>
<p class="note">{{ totals.failed | number }} of {{ totals.companies | number }} companies could not be read{% if nameless %}; and {{ nameless }}{% endif %}.</p>
<div class="card scroll"><table class="numbers causes"><thead><tr><th>Cause</th><th>Kind</th><th class="n wide">Companies</th><th>Example</th></tr></thead>
<tbody>{% for error in answer %}<tr><td class="cause"><bdi>{{ error.cause }}</bdi></td><td><span class="kind">{{ (error.code or error.category).replace('_', ' ') }}</span></td><td class="n wide">{{ error.count | number }}</td><td class="example"><bdi>{{ error.example_domain | domain }}</bdi>{% if error.example_error != error.cause %}<small dir="auto">{{ error.example_error }}</small>{% endif %}</td></tr>{% endfor %}</tbody></table></div>
</section>
"""  # noqa: E501  markup


def _query(rows: FinalRows) -> list[dict[str, Any]]:
    faulty = rows.totals["failed"] + rows.totals["lines_without_company"]
    if not faulty:
        return []
    shape = f"replace(left(error, {_ERROR_WINDOW}), domain, '…')"
    for pattern, put in _SHAPES:
        shape = f"regexp_replace({shape}, {quote(pattern)}, {quote(put)}, 'g')"
    found = rows.ask(
        f"""SELECT coalesce(error_category, 'system') AS category, error_code AS code, {shape} AS cause,
          count(*) AS count, min(domain) AS example_domain,
          arg_min(left(error, {_ERROR_WINDOW}), domain) AS example_error
        FROM {rows.source} WHERE NOT {GOOD} GROUP BY category, code, cause
        ORDER BY bool_and(company_id = ''), count DESC, category, cause LIMIT {TOP_CAUSES}"""
    )
    return [{**row, "share": share(row["count"], faulty)} for row in found]


def _view(answer: Any, page: Page) -> Mapping[str, Any] | None:
    lines = page.analysis["totals"]["lines_without_company"]
    return {"answer": answer, "nameless": nameless(lines)} if answer else None


def _table(errors: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    lines = ((e["cause"], e["count"], e["code"] or e["category"], e["example_domain"]) for e in errors)
    return [("Cause of failure", "Companies", "Kind", "Example"), *lines]


SECTION = Section(
    "errors",
    position=60,
    report_types=tuple(REPORT_TYPES),
    template=TEMPLATE,
    query=_query,
    view=_view,
    table=_table,
)
