"""The process stage: fetched pages in, one clean row a company out; plain functions, no Celery, no storage.

Pages are read as they stream by and only their findings are kept, so memory follows the number of
companies and never the size of their sites.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from extraction import company_row
from extraction import people as persons
from extraction.budget import SETTLE_S, CompanyBudgets, CpuBudget, TooCostlyError, too_costly_row
from extraction.document import Document
from extraction.extractors import (
    addresses,
    descriptions,
    emails,
    founded,
    languages,
    legal_names,
    names,
    page_urls,
    phones,
    registers,
    socials,
)
from extraction.findings import Finding
from extraction.ownership import attributed
from extraction.people import Sighting
from leadmill.errors import ErrorCategory
from leadmill.rows import CompanyRow, ErrorRow, PageRow, PersonRow, ScrapedRow, error_row

#: Findings kept of one company: hundreds of pages cannot make one company fill the memory.
MAX_FINDINGS = 20_000
_EXTRACTORS: tuple[Callable[[Document], Iterator[Finding]], ...] = (
    names.find,
    legal_names.find,
    descriptions.find,
    emails.find,
    phones.find,
    registers.find,
    addresses.find,
    languages.find,
    socials.find,
    page_urls.find,
    founded.find,
)


def process_pages(
    companies: Sequence[ScrapedRow],
    pages: Iterable[PageRow],
    *,
    now: datetime,
    on_progress: Callable[[int], None],
    people: list[PersonRow] | None = None,
) -> tuple[list[CompanyRow], list[ErrorRow]]:
    """One row or one error for each company; and, where a list is given for them, the persons of each.

    `companies` are scrape-stage rows, `pages` rows of `data.schemas.PAGES` of these companies in any order
    (those of others are passed over). `on_progress` is called with the number of pages read so far, and at
    the end with that of companies settled. Returns (rows of STAGE_SCHEMAS['process'], rows of
    `data.schemas.ERRORS`), both without job_id and schema_version. A page that breaks the extractors, or that takes
    more CPU time than it may (`extraction.budget`), is an error of scope page; a company is one of scope company when
    it has no page, none that could be read, or too much on them.
    """
    found: dict[str, list[Finding]] = {str(row["company_id"]): [] for row in companies}
    seen: dict[str, list[Sighting]] = {key: [] for key in found}
    read: dict[str, int] = dict.fromkeys(found, 0)
    broken: dict[str, int] = dict.fromkeys(found, 0)
    costly: dict[str, int] = dict.fromkeys(found, 0)
    budgets = CompanyBudgets()
    errors: list[ErrorRow] = []
    for count, page in enumerate(pages, start=1):
        key = str(page["company_id"])
        if key in found:
            try:
                with budgets.page(key):
                    document = Document(page)
                    findings = _findings(document)
                    if people is not None:
                        seen[key] = persons.kept(seen[key], persons.find(document))
            except TooCostlyError:
                costly[key] += 1
                errors.append(too_costly_row(page, "page", "process", now))
            except Exception as error:
                broken[key] += 1
                errors.append(
                    error_row(page, "page", "process", ErrorCategory.SYSTEM, _said(error), now, url=page["url"])
                )
            else:
                read[key] += 1
                room = MAX_FINDINGS - len(found[key])
                found[key] += findings[: max(0, room)]
        on_progress(count)
    rows: list[CompanyRow] = []
    for row in companies:
        key = str(row["company_id"])
        if not read[key] and costly[key]:
            errors.append(too_costly_row(row, "company", "process", now))
            continue
        if not read[key]:
            category = ErrorCategory.SYSTEM if broken[key] else ErrorCategory.DATA
            reason = f"none of its {broken[key]} pages could be read" if broken[key] else "no pages: scrape again"
            errors.append(error_row(row, "company", "process", category, reason, now))
            continue
        try:
            with CpuBudget(SETTLE_S):
                settled = company_row.settle(row, found.pop(key), now)
                if people is not None:
                    people += persons.settle(settled, seen.pop(key))
            rows.append(settled)
        except TooCostlyError:
            errors.append(too_costly_row(row, "company", "process", now))
        except Exception as error:
            errors.append(error_row(row, "company", "process", ErrorCategory.SYSTEM, _said(error), now))
    on_progress(len(companies))
    return rows, errors


def extract(page: PageRow) -> list[Finding]:
    """All findings of one page (a row of `data.schemas.PAGES`), not yet weighed against other pages'."""
    return _findings(Document(page))


def _findings(document: Document) -> list[Finding]:
    # The page itself is a finding, so that what the domain alone says has a source to name.
    fetched = document.found("page", document.url, "fetched", 1.0)
    return [fetched, *attributed(document, [finding for find in _EXTRACTORS for finding in find(document)])]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
