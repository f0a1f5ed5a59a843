"""What the demo submits, and what a correct report says of it."""

from __future__ import annotations

from typing import Any

from cli.sample_sites.sites import Company, companies
from leadmill.ids import parse_company_url


def company_urls() -> list[str]:
    """The sample companies as a user would name them: bare hosts, full URLs, some of one company twice."""
    return [url for company in companies() for url in company.submit]


def expected() -> dict[str, dict[str, Any]]:
    """The truth about each submitted company, by registrable domain.

    Keys are those columns of the final rows that its pages state: `name, legal_name, country, language`,
    `city` (the address's), `emails` (all of the company's own, lower case), `phones` and `fax` (E.164),
    `technologies` (at least these), `employees_min, employees_max, founded, social`. A company that must
    fail has `error_category` alone. A domain that redirects to another company is to show that company.
    """
    truths = {}
    for company in companies():
        for url in company.submit:
            truths[parse_company_url(url).domain] = _truth(company)
    return truths


def spellings(listed: list[str | list[str]]) -> list[tuple[str, str]]:
    """(as written on the pages, as a report has it) for a list of a file's `expected` table."""
    return [(item, item) if isinstance(item, str) else (item[0], item[1]) for item in listed]


def _truth(company: Company) -> dict[str, Any]:
    truth = dict(company.expected)
    for name in ("emails", "phones", "fax"):
        if name in truth:
            truth[name] = [value for _, value in spellings(truth[name])]
    if "employees" in truth:
        truth["employees_min"], truth["employees_max"] = truth.pop("employees")
    if company.social:
        truth["social"] = dict(company.social)
    return truth
