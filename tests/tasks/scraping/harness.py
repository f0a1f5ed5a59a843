"""A crawl for tests: of the hostile server by name, checking after each what must hold of every crawl."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from data.schemas import ERRORS, LEDGER, PAGES, STAGE_SCHEMAS, table
from leadmill.ids import company_id, parse_company_url
from leadmill.sample_sites import SampleSites
from tasks.scraping.crawl import CrawlOptions, CrawlProgress, CrawlResult, Seed, crawl_companies
from tests.tasks.scraping.hostile_server import HostileServer

LOOPBACK = ["127.0.0.0/8"]


@dataclass
class Crawled:
    """A crawl's outcome with its pages."""

    result: CrawlResult
    pages: list[dict[str, Any]]
    batches: list[int]
    progress: list[CrawlProgress]

    def company_errors(self) -> list[str]:
        return [e["error"] for e in self.result.errors if e["scope"] == "company"]

    def page_errors(self) -> list[str]:
        return [e["error"] for e in self.result.errors if e["scope"] == "page"]

    def kinds(self) -> list[str]:
        return [page["kind"] for page in self.pages]


@dataclass
class Crawl:
    """Crawls names of the hostile server and checks what must hold of every crawl."""

    server: HostileServer
    stop: threading.Event = field(default_factory=threading.Event)

    def seed(self, name: str, *, scheme: str = "http", path: str = "/", bare: bool = False) -> Seed:
        url = self.server.url(name, path, scheme=scheme) if "://" not in name else name
        domain = parse_company_url(url).domain
        return Seed(company_id(domain), domain, url, bare)

    def __call__(
        self,
        *names: str | Seed,
        proxy: str | None = None,
        allow: list[str] = LOOPBACK,
        samples: SampleSites | None = None,
        deadline_s: float = 20.0,
        timeout_s: float = 5.0,
        on_pages: Any = None,
        **options: Any,
    ) -> Crawled:
        seeds = [name if isinstance(name, Seed) else self.seed(name) for name in names]
        pages: list[dict[str, Any]] = []
        batches: list[int] = []
        progress: list[CrawlProgress] = []

        def take(batch: list[dict[str, Any]]) -> None:
            batches.append(len(batch))
            pages.extend(batch)

        result = crawl_companies(
            seeds,
            CrawlOptions(deadline_s=deadline_s, timeout_s=timeout_s, **options),
            on_pages=on_pages or take,
            on_progress=progress.append,
            stop=self.stop,
            proxy=proxy,
            egress_allow=allow,
            samples=samples,
        )
        crawled = Crawled(result, pages, batches, progress)
        if on_pages is None:
            check(crawled, seeds, CrawlOptions(**options).max_pages)
        return crawled


def check(crawled: Crawled, seeds: list[Seed], max_pages: int) -> None:
    """One end for each seed, counts that agree, rows that fit their schemas."""
    result = crawled.result
    ends = [row["company_id"] for row in result.rows]
    ends += [error["company_id"] for error in result.errors if error["scope"] == "company"]
    assert sorted(ends) == sorted(seed.company_id for seed in seeds)
    assert len(crawled.pages) == result.pages_fetched == sum(row["pages"] for row in result.rows)
    assert all(1 <= row["pages"] <= max_pages for row in result.rows)
    last = crawled.progress[-1]
    assert (last.companies_done, last.companies) == (len(seeds), len(seeds))
    assert (last.pages, last.errors) == (result.pages_fetched, len(result.errors))
    assert all(error["category"] in ("network", "data", "system") for error in result.errors)
    table(result.rows, STAGE_SCHEMAS["scrape"], "job_x")
    table(result.errors, ERRORS, "job_x")
    table(crawled.pages, PAGES, "job_x")
    table(result.ledger, LEDGER, "job_x")
    asked = sum(entry["outcome"] in ("answered", "failed") for entry in result.ledger)
    assert asked == result.requests, "each request stands in the ledger"
