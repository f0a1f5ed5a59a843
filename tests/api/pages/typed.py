"""What a person may fill in of a new run."""

from __future__ import annotations

from typing import Any

#: One value of each field that is not the usual one: as it is typed, as the body has it.
TYPED: dict[str, tuple[str | list[str], Any]] = {
    "company_urls": ("acme.example\n\n  https://globex.example/about \n", ["acme.example", "https://globex.example/about"]),
    "search_queries": ("solar munich\nwind, offshore", ["solar munich", "wind, offshore"]),
    "max_results_per_query": ("7", 7),
    "stages": (["scrape", "process"], ["scrape", "process"]),
    "crawl.max_pages": ("3", 3),
    "crawl.max_depth": ("1", 1),
    "crawl.deadline_s": ("30", 30),
    "crawl.respect_robots": ([], False),
    "crawl.respect_signals": ("on", True),
    "extract.people": ("on", True),
    "scoring_model": ("default", "default"),
    "report.formats": (["csv"], ["csv"]),
    "report.layout": ("hubspot", "hubspot"),
    "report.type": ("leads", "leads"),
    "report.bom": ([], False),
    "tags": ("fair 2027, de", ["fair 2027", "de"]),
    "priority": ("high", "high"),
    "run_at": ("2027-01-31T08:00", "2027-01-31T08:00:00Z"),
    "deadline": ("90", 5400),
    "min_coverage": ("75", 0.75),
    "callback_url": ("https://crm.example/hook", "https://crm.example/hook"),
}  # fmt: skip
