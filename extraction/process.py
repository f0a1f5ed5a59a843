"""The process stage: fetched pages in, one clean row a company out; plain functions, no Celery, no storage.

Pages are read as they stream by and only their findings are kept, so memory follows the number of
companies and never the size of their sites. Where stage enrich follows, the enrichers look at each page as it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from extraction import company_row
from extraction import people as persons
from extraction.absent_pages import absent_pages
from extraction.budget import SETTLE_S, CompanyBudgets, CpuBudget, TooCostlyError, many_budgets, too_costly_row
from extraction.document import Document
from extraction.enrichers import ENRICHERS
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
from extraction.looks import LookKeeper
from extraction.ownership import attributed
from extraction.people import Sighting
from leadmill.errors import ErrorCategory
from leadmill.rows import CompanyRow, ErrorRow, LookRow, PageRow, PersonRow, ScrapedRow, error_row

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


@dataclass
class _Company:
    """What was found on a company's pages so far, and how reading them went."""

    #: The domain that its site moved to.
    alias: str | None = None
    #: Keys of pages that were asked for and are not there.
    absent: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    read: int = 0
    broken: int = 0
    costly: int = 0


@many_budgets()
def process_pages(
    companies: Sequence[ScrapedRow],
    pages: Iterable[PageRow],
    *,
    now: datetime,
    on_progress: Callable[[int], None],
    people: list[PersonRow] | None = None,
    looks: list[LookRow] | None = None,
    errors: Iterable[ErrorRow] = (),
) -> tuple[list[CompanyRow], list[ErrorRow]]:
    """One row or one error for each company; and, where lists are given for them, the persons of each, and what the
    enrichers see on its pages.

    `companies` are scrape-stage rows, `pages` rows of `data.schemas.PAGES` of these companies in any order
    (those of others are passed over), `errors` what the crawl told of pages that it did not get: a link to one that is
    not there names no page. `on_progress` is called with the number of pages read so far, and at the end with that of
    companies settled. Returns (rows of STAGE_SCHEMAS['process'], rows of
    `data.schemas.ERRORS`), both without job_id and schema_version. A page that breaks the extractors, or that takes
    more CPU time than it may (`extraction.budget`), is an error of scope page; a company is one of scope company when
    it has no page, none that could be read, or too much on them. Enrichers have a budget of their own, and what fails
    of them is kept with what they saw.
    """
    absent = absent_pages(errors)
    found = {
        str(row["company_id"]): _Company(row.get("alias"), absent.get(str(row["company_id"]), set()))
        for row in companies
    }
    keeper = None if looks is None else LookKeeper(tuple(ENRICHERS.all().values()))
    budgets = CompanyBudgets()
    failed: list[ErrorRow] = []
    for count, page in enumerate(pages, start=1):
        mine = found.get(str(page["company_id"]))
        if mine is not None:
            document = _read(page, mine, budgets, now, failed, with_people=people is not None)
            if keeper is not None:
                keeper.look(page, document)
        on_progress(count)
    rows: list[CompanyRow] = []
    for company in companies:
        row = _settled(company, found[str(company["company_id"])], now, failed, people)
        if row is not None:
            rows.append(row)
            if keeper is not None and looks is not None:
                looks.append(keeper.row(row))
    on_progress(len(companies))
    return rows, failed


def _read(
    page: PageRow, mine: _Company, budgets: CompanyBudgets, now: datetime, errors: list[ErrorRow], *, with_people: bool
) -> Document | None:
    """Let all extractors read a page; the page as they left it, None where they did not end."""
    try:
        with budgets.page(str(page["company_id"])):
            document = Document(page, mine.alias, mine.absent)
            findings = _findings(document)
            if with_people:
                mine.sightings = persons.kept(mine.sightings, persons.find(document))
    except TooCostlyError:
        mine.costly += 1
        errors.append(too_costly_row(page, "page", "process", now))
        return None
    except Exception as error:
        mine.broken += 1
        errors.append(error_row(page, "page", "process", ErrorCategory.SYSTEM, _said(error), now, url=page["url"]))
        return None
    mine.read += 1
    mine.findings += findings[: max(0, MAX_FINDINGS - len(mine.findings))]
    return document


def _settled(
    company: ScrapedRow, mine: _Company, now: datetime, errors: list[ErrorRow], people: list[PersonRow] | None
) -> CompanyRow | None:
    """A company's row, its persons added to those of others; None where it has an error instead."""
    if not mine.read and mine.costly:
        errors.append(too_costly_row(company, "company", "process", now))
        return None
    if not mine.read:
        category = ErrorCategory.SYSTEM if mine.broken else ErrorCategory.DATA
        reason = f"none of its {mine.broken} pages could be read" if mine.broken else "no pages: scrape again"
        errors.append(error_row(company, "company", "process", category, reason, now))
        return None
    findings, mine.findings = mine.findings, []
    try:
        with CpuBudget(SETTLE_S):
            row = company_row.settle(company, findings, now)
            if people is not None:
                people += persons.settle(row, mine.sightings)
    except TooCostlyError:
        errors.append(too_costly_row(company, "company", "process", now))
        return None
    except Exception as error:
        errors.append(error_row(company, "company", "process", ErrorCategory.SYSTEM, _said(error), now))
        return None
    return row


def extract(page: PageRow) -> list[Finding]:
    """All findings of one page (a row of `data.schemas.PAGES`), not yet weighed against other pages'."""
    return _findings(Document(page))


def _findings(document: Document) -> list[Finding]:
    # The page itself is a finding, so that what the domain alone says has a source to name.
    fetched = document.found("page", document.url, "fetched", 1.0)
    findings = [finding for find in _EXTRACTORS for finding in find(document)]
    findings += names.beside(document, findings)
    return [fetched, *attributed(document, findings)]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
