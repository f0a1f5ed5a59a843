"""The scrape task: fetch a partition's companies."""

from __future__ import annotations

from typing import Any

from leadmill.errors import RETRY, ErrorCategory, WorkError
from pipelines.unit_run import UnitRun
from tasks.scraping.contract import CrawlOptions, CrawlProgress, Seed
from tasks.unit_task import unit_task

#: Crawl options that a job may set.
_OPTIONS = ("max_pages", "max_depth", "respect_robots")


@unit_task("scrape")
def scrape(run: UnitRun) -> None:
    """Fetch the pages of a partition's companies (see tasks.scraping.crawl.crawl_companies)."""
    from tasks.scraping.crawl import crawl_companies  # Scrapy: only where pages are fetched

    settings = run.runtime.settings
    seeds = [Seed(row["company_id"], row["domain"], row["url"], row["bare"]) for row in run.companies()]
    wanted: dict[str, Any] = {name: value for name, value in run.options.get("crawl", {}).items() if name in _OPTIONS}

    def tell(at: CrawlProgress) -> None:
        if not run.lease.stop.is_set():  # the crawl ends by itself then, and keeps what it got until the check
            run.progress(at.companies_done / max(1, at.companies), f"{at.pages} pages fetched", at.pages)

    result = crawl_companies(
        seeds,
        CrawlOptions(**wanted),
        on_pages=run.write_pages,
        on_progress=tell,
        stop=run.lease.stop,
        proxy=settings.http_proxy,
        egress_allow=settings.egress_allow,
    )
    run.progress(1.0, f"{result.pages_fetched} pages fetched", result.pages_fetched)
    _retry_outage(run, result.rows, result.errors)
    run.outcome.rows_in = len(seeds)
    run.write(result.rows)
    run.write_errors(result.errors)


def _retry_outage(run: UnitRun, rows: list[dict[str, Any]], errors: list[dict[str, Any]]) -> None:
    """Try the partition again, a few times, when the network failed for every company in it (an outage on our side).

    The last try keeps the companies' own errors. One company alone says nothing about our side.
    """
    failed = [row for row in errors if row["scope"] == "company"]
    network = ErrorCategory.NETWORK
    outage = not rows and len(failed) > 1 and all(row["category"] == network for row in failed)
    if outage and run.grant.tries + 1 < RETRY[network].max_attempts:
        raise WorkError(f"no company of {len(failed)} could be reached; first: {failed[0]['error']}", network)
