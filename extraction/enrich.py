"""The enrich stage: every enricher looks at every page once, then settles each company; plain functions.

An enricher that fails on a page or a company costs its own columns only and is told as an error of scope page. A
page that takes more CPU time than it may (`extraction.budget`) counts for no enricher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from extraction.budget import SETTLE_S, TOO_COSTLY, CompanyBudgets, CpuBudget, TooCostlyError, too_costly_row
from extraction.document import Document
from extraction.enrichers import ENRICHERS, Enricher
from extraction.findings import MAX_FACTS, Finding, few
from extraction.quality import quality
from leadmill.errors import ErrorCategory
from leadmill.rows import CompanyRow, EnrichedRow, ErrorRow, PageRow, error_row

#: Findings that one enricher keeps of one company.
MAX_FINDINGS = 5_000


def enrich_rows(
    rows: Sequence[CompanyRow],
    pages: Iterable[PageRow],
    *,
    now: datetime,
    on_progress: Callable[[int], None],
) -> tuple[list[EnrichedRow], list[ErrorRow]]:
    """Every row again, with what the enrichers found: industry, technologies, employees_min, employees_max, columns
    that they bring with them, more facts.

    `rows` are process-stage rows, `pages` rows of `data.schemas.PAGES` in any order; a company without pages
    keeps its row, enriched by what needs none. `on_progress` is called with the number of pages read so far
    and at the end with that of companies. Returns (rows of STAGE_SCHEMAS['enrich'], rows of
    `data.schemas.ERRORS`), both without job_id and schema_version.
    """
    enrichers = tuple(ENRICHERS.all().values())
    found: dict[str, dict[str, list[Finding]]] = {
        str(row["company_id"]): {enricher.name: [] for enricher in enrichers} for row in rows
    }
    errors: list[ErrorRow] = []
    budgets = CompanyBudgets()
    for count, page in enumerate(pages, start=1):
        mine = found.get(str(page["company_id"]))
        if mine is not None:
            errors += _look(page, mine, enrichers, budgets, now)
        on_progress(count)
    enriched = [_settled(row, found[str(row["company_id"])], enrichers, now, errors) for row in rows]
    on_progress(len(rows))
    return enriched, errors


def _look(
    page: PageRow,
    found: dict[str, list[Finding]],
    enrichers: Sequence[Enricher],
    budgets: CompanyBudgets,
    now: datetime,
) -> list[ErrorRow]:
    errors = []
    seen: dict[str, list[Finding]] = {}
    try:
        with budgets.page(str(page["company_id"])):
            document = Document(page)
            for enricher in enrichers:
                try:
                    seen[enricher.name] = list(enricher.look(document))
                except Exception as error:
                    errors.append(_failed(page, enricher.name, error, now, page["url"]))
    except TooCostlyError:
        return [too_costly_row(page, "page", "enrich", now)]
    except Exception as error:
        return [_failed(page, "reading", error, now, page["url"])]
    for name, findings in seen.items():
        found[name] += findings[: max(0, MAX_FINDINGS - len(found[name]))]
    return errors


def _settled(
    row: CompanyRow,
    found: dict[str, list[Finding]],
    enrichers: Sequence[Enricher],
    now: datetime,
    errors: list[ErrorRow],
) -> EnrichedRow:
    result: EnrichedRow = dict(row)
    facts = list(row.get("facts") or ())
    candidates = list(row.get("candidates") or ())
    for enricher in enrichers:
        defaults = enricher.defaults
        result.update(defaults)
        try:
            with CpuBudget(SETTLE_S):
                outcome = enricher.settle(row, found[enricher.name])
        except TooCostlyError:
            reason = f"{enricher.name}: {TOO_COSTLY}"
            errors.append(error_row(row, "page", "enrich", ErrorCategory.DATA, reason, now))
            continue
        except Exception as error:
            errors.append(_failed(row, enricher.name, error, now, None))
            continue
        result.update({column: outcome.columns.get(column, default) for column, default in defaults.items()})
        facts += outcome.facts
        candidates += outcome.candidates
    result["technologies"] = result.get("technologies") or []
    # When there are too many, those that this stage found are dropped before those that it was built on.
    result["facts"] = facts[:MAX_FACTS]
    result["candidates"] = few(candidates)
    result["quality"] = quality(result, result["facts"])
    result["enriched_at"] = now
    return result


def _failed(subject: PageRow | CompanyRow, what: str, error: Exception, now: datetime, url: str | None) -> ErrorRow:
    reason = f"{what}: {type(error).__name__}: {error}"[:500]
    return error_row(subject, "page", "enrich", ErrorCategory.SYSTEM, reason, now, url=url)
