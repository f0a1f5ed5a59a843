"""The words that people see beside a field, by the name that programs know it by: for who reads what is wrong."""

from __future__ import annotations

import re

#: By the name of a query parameter or a body's field, where the words are not that name.
_WORDS = {
    # what a list is narrowed by
    "text": "Search",
    "has": "Has",
    "min_score": "Score from",
    "size": "People",
    "columns": "Columns",
    "sort": "Sort",
    "limit": "Rows a page",
    "cursor": "The place in the list",
    "job": "Run",
    "since": "Since (UTC)",
    "until": "Before (UTC)",
    "page": "The page that is kept",
    "fact": "The fact that is shown",
    # a new run
    "company_urls": "Addresses, one a line",
    "file": "A list: CSV, XLSX",
    "column": "Column of websites",
    "search_queries": "Searches, one a line",
    "max_results_per_query": "Results a search",
    "crawl.max_pages": "Pages of a company at most",
    "crawl.max_depth": "Links away from the home page",
    "crawl.deadline_s": "Seconds for a company",
    "icp": "Ideal customer profile",
    "report.layout": "Layout of CSV and XLSX",
    "report.type": "Report",
    "report.mail_to": "Mail it to",
    "report.formats": "Formats",
    "run_at": "Not before (UTC)",
    "deadline": "Give up after minutes",
    "min_coverage": "Failed below % of companies",
    "notify": "Tell",
    "callback_url": "Webhook",
    "cron": "When",
    "timezone": "Time zone",
    "name": "Name",
}
#: Of one value of several.
_PLACE = re.compile(r"\[\d+\]\Z")


def field_words(name: str) -> str:
    """`crawl.max_pages` → `Pages of a company at most`; a field without words of its own is called as it is named."""
    known = _PLACE.sub("", name.removeprefix("pipeline."))
    words = _WORDS.get(known) or known.rpartition(".")[2].replace("_", " ")
    return words[:1].upper() + words[1:]


def plainly(message: str) -> str:
    """What a rule says of a value, without what a program makes of it."""
    return message.removeprefix("input ").partition(", unable to parse")[0]
