"""Crawling a batch of companies: the public entry, its settings, its end, and the check that its counts add up.

Runs Scrapy without a reactor in an event loop of its own, again and again in the same process. A deadline and
a stop are the same path: what is under way is cut, what was got is kept.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, Self

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.http import Response
from scrapy.settings import Settings

from extraction.budget import TOO_COSTLY, TooCostlyError, many_budgets
from leadmill.egress import parse_allow
from leadmill.errors import ConfigError, ErrorCategory, WorkError
from leadmill.rows import PageRow
from leadmill.sample_sites import SampleSites
from tasks.scraping.company_crawl import CompanyCrawl
from tasks.scraping.contract import CrawlOptions, CrawlProgress, CrawlResult, Seed
from tasks.scraping.download import (
    MAX_BODY,
    CrawlEndedError,
    GuardedHandler,
    Transport,
)
from tasks.scraping.engine import EngineCrawler, SlotDownloader
from tasks.scraping.failures import Fault, PageError
from tasks.scraping.follow import FollowMiddleware
from tasks.scraping.hosts import Hosts
from tasks.scraping.leaving import MayLeave
from tasks.scraping.places import AT_THE_DOOR, CONCURRENCY, CONCURRENCY_PER_HOST
from tasks.scraping.politeness import PolitenessMiddleware
from tasks.scraping.robots import RobotsMiddleware
from tasks.scraping.spider import CompanySpider

__all__ = ["CrawlOptions", "CrawlProgress", "CrawlResult", "Seed", "crawl_companies"]

#: How often `stop` and the deadline are looked at, and progress is told, seconds.
TICK_S = 0.05
PROGRESS_S = 0.25
#: How long Scrapy may take to close after everything under way was cut, seconds.
CLOSING_S = 0.8

#: Layers of compression taken off one answer (honest servers have one; a proxy may add another).
MAX_CODINGS = 4

Ended = Literal["finished", "deadline", "stopped"]


def crawl_companies(
    seeds: Sequence[Seed],
    options: CrawlOptions,
    *,
    on_pages: Callable[[list[PageRow]], None],
    on_progress: Callable[[CrawlProgress], None],
    stop: threading.Event,
    proxy: str | None = None,
    egress_allow: Sequence[str] = (),
    samples: SampleSites | None = None,
    refused: Collection[str] = (),
    hosts: Hosts | None = None,
    may_leave: MayLeave | None = None,
) -> CrawlResult:
    """Fetch the home page and the most telling further pages of each company.

    Args:
        on_pages: takes page rows (`data.schemas.PAGES` without origin) in batches of at most 50 pages or about
            8 MB. What it raises ends the crawl and is raised from here.
        on_progress: takes counts, at most four times a second and once at the end.
        stop: set from any thread, it ends the crawl within about 0.1 s; what was got is kept.
        proxy: the operator's forward proxy, `http://[user:password@]host:port`; environment proxies are ignored.
        egress_allow: CIDR blocks that may be dialled although they are not public.
        samples: the made-up companies of this machine: their hosts, and no others, are asked there.
        refused: pages that are not to be read, `<company_id>/<page_hash>`: each is an error, `too costly to read`.
        hosts: what is shared with other crawls; without it nothing is.
        may_leave: whether companies may be left for later, until when they wait (seconds since the epoch): once all
            that are not done wait for their hosts, have given no page and may, the crawl ends without them. Without
            it what the crawl has time for is waited for.

    Raises:
        ConfigError: `proxy` or `egress_allow` is not valid.
        WorkError: the crawl broke, or its account does not balance.
    """
    try:
        transport = Transport(parse_allow(egress_allow), proxy, samples)
    except ValueError as error:
        raise ConfigError(f"LEADMILL_EGRESS_ALLOW or LEADMILL_HTTP_PROXY: {error}") from error
    crawl = _crawl(seeds, options, on_pages, on_progress, stop, transport, refused, hosts, may_leave)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with many_budgets():
            return asyncio.run(crawl)
    # A notebook has a loop running already: take a thread with a loop of its own.
    with ThreadPoolExecutor(1, thread_name_prefix="crawl") as pool:
        return pool.submit(asyncio.run, crawl).result()


async def _crawl(
    seeds: Sequence[Seed],
    options: CrawlOptions,
    on_pages: Callable[[list[PageRow]], None],
    on_progress: Callable[[CrawlProgress], None],
    stop: threading.Event,
    transport: Transport,
    refused: Collection[str],
    hosts: Hosts | None,
    may_leave: MayLeave | None,
) -> CrawlResult:
    began = time.monotonic()
    for name in ("scrapy", "scrapy.downloadermiddlewares.robotstxt"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # every failure becomes a row; their log is noise
    hosts = hosts or Hosts()
    hosts.begin(transport, began + options.deadline_s)
    companies = [CompanyCrawl(seed, options, number) for number, seed in enumerate(seeds)]
    crawler = EngineCrawler(CompanySpider, _settings(options))
    task = asyncio.create_task(
        crawler.crawl_async(
            companies=companies,
            options=options,
            transport=transport,
            hosts=hosts,
            deadline=began + options.deadline_s,
            stop=stop,
            on_pages=on_pages,
            refused=refused,
        )
    )
    try:
        ended = await _watch(crawler, task, began + options.deadline_s, stop, on_progress, may_leave)
    finally:
        await _halt(crawler, transport, task)
    spider = _spider(crawler)
    if spider is None:
        raise WorkError("the crawl could not begin")
    if spider.batches.broken is not None:
        raise spider.batches.broken
    spider.batches.flush()
    result = _account(spider, seeds, ended)
    result.requests, result.received = transport.sent, transport.received
    result.refused, result.ledger = transport.refused, spider.ledger.rows
    result.answers = +Counter(transport.classes())
    on_progress(spider.progress())
    return result


async def _watch(
    crawler: Crawler,
    task: asyncio.Task[None],
    deadline: float,
    stop: threading.Event,
    on_progress: Callable[[CrawlProgress], None],
    may_leave: MayLeave | None,
) -> Ended:
    """Wait for the crawl's end, its deadline, `stop`, or a caller that can take no more pages."""
    told = time.monotonic()
    while True:
        now = time.monotonic()
        await asyncio.wait({task}, timeout=max(0.0, min(TICK_S, deadline - now)))
        spider = _spider(crawler)
        if task.done():
            if (error := task.exception()) is not None:
                raise WorkError(f"the crawl broke: {type(error).__name__}: {error}") from error
            return "finished"
        if stop.is_set() or (spider is not None and spider.batches.broken is not None):
            return "stopped"
        now = time.monotonic()
        if now >= deadline:
            return "deadline"
        if spider is not None and may_leave is not None:
            spider.hosts.pauses.leave(len(spider.companies) - spider.done, may_leave)
        if spider is not None and now - told >= PROGRESS_S:
            told = now
            on_progress(spider.progress())


async def _halt(crawler: Crawler, transport: Transport, task: asyncio.Task[None]) -> None:
    """End the crawl now. Scrapy's own stop would wait for every open request."""
    engine = crawler._engine
    if not task.done():
        transport.abort()
        if engine is not None and engine.spider is not None:
            assert isinstance(engine.downloader, SlotDownloader)
            engine.downloader.give_up(CrawlEndedError("the crawl has ended"))
            closing = asyncio.ensure_future(engine.close_spider_async(reason="cancelled"))
            await asyncio.wait({closing, task}, timeout=CLOSING_S)
        if not task.done():
            await asyncio.wait({task}, timeout=TICK_S)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CLOSING_S)
    await transport.close()


def _account(spider: CompanySpider, seeds: Sequence[Seed], ended: Ended) -> CrawlResult:
    """Close what the end found open, and check that every request and every seed is accounted for."""
    open_requests = spider.asked - spider.answered - spider.failed - spider.dropped - spider.cut
    if ended == "finished" and (open_requests or spider.cut or any(not c.done for c in spider.companies)):
        raise WorkError(
            f"the crawl lost requests: {spider.asked} asked, {spider.answered} answered, {spider.failed} failed, "
            f"{spider.dropped} dropped, {spider.cut} cut"
        )
    if open_requests < 0:
        raise WorkError(f"the crawl counted {-open_requests} answers without a request")
    for company in spider.companies:
        if not company.done:
            spider.done += 1
            if ended == "deadline":
                within, host = f"within {spider.options.deadline_s:g} s", spider.hosts.waits_for(company)
                words = f"no answer {within}" if host is None else f"no turn {within}: other jobs were asking {host}"
                company.end_unfinished(ErrorCategory.NETWORK, words)
            else:
                company.end_unfinished(ErrorCategory.SYSTEM, "the crawl was stopped before the site answered")
    result = CrawlResult(pages_fetched=spider.pages, ended=ended)
    for company in spider.companies:
        ends = (company.row is not None) + sum(error["scope"] == "company" for error in company.errors)
        if ends != 1:
            raise WorkError(f"{company.seed.domain} ended {ends} times")
        if company.row is not None:
            result.rows.append(company.row)
        result.errors.extend(company.errors)
    if len(spider.companies) != len(seeds):
        raise WorkError(f"{len(seeds)} companies were to be crawled, {len(spider.companies)} were")
    return result


def _spider(crawler: Crawler) -> CompanySpider | None:
    return crawler.spider if isinstance(crawler.spider, CompanySpider) else None


class _Decompression(HttpCompressionMiddleware):
    """Scrapy's, for answers alone: what may come compressed is said with every request's own headers.

    Scrapy unpacks as many layers as the header names, each as large as a page may be, while the loop stands still.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler=crawler)
        self.crawler = crawler

    def process_request(self, request: Request, spider: Spider | None = None) -> None:
        """Nothing to add."""

    def process_response(  # type: ignore[override]  # Scrapy looks whether `spider` is asked for
        self, request: Request, response: Response
    ) -> Request | Response:
        """Unpack an answer within what its company's pages may cost the loop.

        Raises:
            PageError: it is packed too often, or unpacking it costs too much.
        """
        codings = response.headers.getlist("Content-Encoding")
        if not codings:
            return response
        if sum(coding.count(b",") + 1 for coding in codings) > MAX_CODINGS:
            words = f"the answer is packed more than {MAX_CODINGS} times"
            raise PageError(Fault(ErrorCategory.DATA, words, status=response.status))
        spider = _spider(self.crawler)
        assert spider is not None
        try:
            with spider.budget_of(request):
                return super().process_response(request, response)
        except TooCostlyError:
            raise PageError(Fault(ErrorCategory.DATA, TOO_COSTLY, status=response.status)) from None


class _OwnSettings(Settings):
    """Settings made for one crawl and known to nobody else: Scrapy need not copy them, which takes 2 ms."""

    def copy(self) -> Self:
        """Itself."""
        return self


def _settings(options: CrawlOptions) -> Settings:
    """Scrapy's settings: its defaults suit an interactive tool, not a service."""
    middlewares: dict[Any, int] = {
        PolitenessMiddleware: 550,
        _Decompression: 590,
        FollowMiddleware: 600,
    }
    if options.respect_robots:
        middlewares[RobotsMiddleware] = 100
    return _OwnSettings(
        {
            "TWISTED_REACTOR_ENABLED": False,
            "DOWNLOADER": SlotDownloader,
            "DOWNLOAD_HANDLERS": {
                **dict.fromkeys(("file", "data", "s3", "ftp")),
                "http": GuardedHandler,
                "https": GuardedHandler,
            },
            # Of Scrapy's own only what is named here: each one costs time on every request.
            "DOWNLOADER_MIDDLEWARES_BASE": {},
            "DOWNLOADER_MIDDLEWARES": middlewares,
            "SPIDER_MIDDLEWARES_BASE": {},
            "EXTENSIONS_BASE": {},
            "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
            "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
            # By company alone: each asks for what its host answers at a time. Scrapy's own takes hosts in turn.
            "SCHEDULER_PRIORITY_QUEUE": "scrapy.pqueues.ScrapyPriorityQueue",
            "DOWNLOAD_TIMEOUT": options.timeout_s,
            "DOWNLOAD_MAXSIZE": MAX_BODY,
            "DOWNLOAD_WARNSIZE": 0,
            "DOWNLOAD_VERIFY_CERTIFICATES": True,
            "DOWNLOAD_DELAY_JITTER": 0.0,
            "CONCURRENT_ITEMS": 1,
            "CONCURRENT_REQUESTS": CONCURRENCY + AT_THE_DOOR,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY_PER_HOST,
            "REDIRECT_MAX_TIMES": 8,
            "WARN_ON_GENERATOR_RETURN_VALUE": False,
            "REMOTE_CONTROL_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_ENABLED": False,
            "STATS_CLASS": "scrapy.statscollectors.DummyStatsCollector",
            "STATS_DUMP": False,
        }
    )
