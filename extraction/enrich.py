"""The enrich stage: settles each company by what the enrichers saw on its pages; plain functions.

Stage process lets them look and keeps what they see (`extraction.looks`). Pages are read again only for enrichers of
which nothing is kept that holds: a new or changed one, or where that stage ran without them. An enricher that fails on
a page or a company costs its own columns only and is told as an error of scope page. A page that takes more CPU time
than it may (`extraction.budget`) counts for no enricher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from extraction.budget import SETTLE_S, TOO_COSTLY, CompanyBudgets, CpuBudget, TooCostlyError, many_budgets
from extraction.enrichers import ENRICHERS, Enricher
from extraction.findings import MAX_FACTS, Finding, few
from extraction.looks import MAX_FINDINGS, Failure, KeptLooks, look_at, reasons
from extraction.quality import quality
from leadmill.errors import ErrorCategory
from leadmill.rows import CompanyRow, EnrichedRow, ErrorRow, LookRow, PageRow, error_row


@many_budgets()
def enrich_rows(
    rows: Sequence[CompanyRow],
    pages: Iterable[PageRow],
    *,
    now: datetime,
    on_progress: Callable[..., None],
    looks: Iterable[LookRow] | None = None,
) -> tuple[list[EnrichedRow], list[ErrorRow]]:
    """Every row again, with what the enrichers found: industry, technologies, employees_min, employees_max, columns
    that they bring with them, more facts.

    `rows` are process-stage rows, `looks` what is kept of the enrichers' looks at their pages (rows of
    `data.schemas.LOOKS`), `pages` rows of `data.schemas.PAGES` in any order, which are read for what `looks` lack and
    else not begun; a company without pages keeps its row, enriched by what needs none. `on_progress` is called with
    the number of pages read so far (and `why` they are read, where `looks` are given), at the end with that of
    companies. Returns (rows of STAGE_SCHEMAS['enrich'], rows of `data.schemas.ERRORS`), both without job_id and
    schema_version.
    """
    enrichers = ENRICHERS.all()
    kept = KeptLooks(looks or (), tuple(enrichers.values()))
    found = {str(row["company_id"]): dict(kept.seen(str(row["company_id"]))) for row in rows}
    failed = {key: kept.failed(key) for key in found}
    lacks = {key: lacking for key in found if (lacking := kept.lacks(key))}
    if lacks:
        told = on_progress if looks is None else partial(on_progress, why=reasons(lacks.values()))
        _read_again(pages, lacks, found, failed, enrichers, told)
    errors = [
        error_row(row, "page", "enrich", ErrorCategory(one.category), one.reason, now, url=one.url)
        for row in rows
        for one in dict.fromkeys(failed[str(row["company_id"])])
    ]
    enriched = [_settled(row, found[str(row["company_id"])], enrichers.values(), now, errors) for row in rows]
    on_progress(len(rows))
    return enriched, errors


def _read_again(
    pages: Iterable[PageRow],
    lacks: Mapping[str, Mapping[str, str]],
    found: Mapping[str, dict[str, list[Finding]]],
    failed: Mapping[str, list[Failure]],
    enrichers: Mapping[str, Enricher],
    on_progress: Callable[..., None],
) -> None:
    budgets = CompanyBudgets()
    on_progress(0)
    for count, page in enumerate(pages, start=1):
        key = str(page["company_id"])
        if key in lacks:
            seen, failures = look_at(page, [enrichers[name] for name in lacks[key]], budgets)
            failed[key].extend(failures)
            for name, findings in seen.items():
                mine = found[key].setdefault(name, [])
                mine += findings[: max(0, MAX_FINDINGS - len(mine))]
        on_progress(count)


def _settled(
    row: CompanyRow,
    found: dict[str, list[Finding]],
    enrichers: Iterable[Enricher],
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
                outcome = enricher.settle(row, found.get(enricher.name, []))
        except TooCostlyError:
            reason = f"{enricher.name}: {TOO_COSTLY}"
            errors.append(error_row(row, "page", "enrich", ErrorCategory.DATA, reason, now))
            continue
        except Exception as error:
            reason = f"{enricher.name}: {type(error).__name__}: {error}"[:500]
            errors.append(error_row(row, "page", "enrich", ErrorCategory.SYSTEM, reason, now))
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
