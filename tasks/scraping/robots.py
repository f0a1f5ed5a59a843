"""robots.txt after RFC 9309: asked once a day for each origin, obeyed by every hop, unreachable means forbidden."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from extraction.budget import TOO_COSTLY, CpuBudget, TooCostlyError
from leadmill.errors import ErrorCategory
from tasks.scraping.answers import asked_until
from tasks.scraping.cookies import CookieJar
from tasks.scraping.download import CrawlEndedError, NotHtmlError, RefusedTargetError, TooLargeError, Transport
from tasks.scraping.failures import REPEATABLE, Fault, PageError, clock, fault_of
from tasks.scraping.hosts import Host, Hosts
from tasks.scraping.ledger import Ledger
from tasks.scraping.politeness import one_at_a_time
from tasks.scraping.robots_rules import RobotsPolicy, parse_robots, robots_names

if TYPE_CHECKING:
    from tasks.scraping.company_crawl import CompanyCrawl

#: CPU seconds that reading it may take; 512 KB of rules take 0.2 s. The loop stands still meanwhile.
ROBOTS_S = 0.5
#: CPU seconds for those of all origins that one company's pages lead to first, and how many of them are asked: whoever
#: has names without end has a robots.txt at each, and a home page or two have three.
COMPANY_ROBOTS_S = 1.0
MAX_ORIGINS = 16
#: Characters of rules that are kept ready in one crawl; ready they take some fifty times the memory. Of more the
#: longest go, and are asked for again where they are needed again.
MAX_READY = 1_000_000

_NO_MORE = Fault(ErrorCategory.DATA, "the site leads to more hosts than are asked for their robots.txt")


def policy_of(response: Response, names: Collection[str]) -> RobotsPolicy:
    """What an answer to the request for robots.txt means to a crawler of these names."""
    status = response.status
    if 200 <= status < 300:
        return parse_robots(response.body, names)
    if status == 429 or status >= 500:
        error = f"robots.txt cannot be read (HTTP {status}), which forbids crawling for now"
        until = asked_until(response) if status in REPEATABLE else None
        if until is not None:
            error += f"; come again at {clock(until)}"
        return RobotsPolicy(fault=Fault(ErrorCategory.NETWORK, error, status=status, until=until))
    return RobotsPolicy()


class RobotsMiddleware:
    """Refuses what robots.txt refuses, and sets the delay that it asks for."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._names = robots_names(crawler.spider.options.user_agent)  # type: ignore[union-attr]
        self._obeys_signals: bool = crawler.spider.options.respect_signals  # type: ignore[union-attr]
        self._transport: Transport = crawler.spider.transport  # type: ignore[union-attr]
        self._hosts: Hosts = crawler.spider.hosts  # type: ignore[union-attr]
        self._ledger: Ledger = crawler.spider.ledger  # type: ignore[union-attr]
        crawler.spider.answers = self.answers  # type: ignore[union-attr]
        self._policies: dict[str, asyncio.Future[RobotsPolicy]] = {}
        #: Of the origins whose rules are long, how long; CPU seconds and origins by company.
        self._sizes: dict[str, int] = {}
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._origins: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """Scrapy's constructor."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait for the origin's robots.txt.

        Raises:
            PageError: it forbids the page, or could not be had.
            CrawlEndedError: the crawl ended meanwhile.
        """
        if "robots" in request.meta:
            return
        try:
            await self._permit(request)
        except Exception as error:
            self._ledger.refused(request, error)
            raise

    async def answers(self, company: CompanyCrawl) -> bool:
        """Whether a company's host gives its robots.txt within the time of a request.

        Raises:
            PageError: it is not to be asked.
            CrawlEndedError: the crawl has ended.
        """
        if self._transport.ended:
            raise CrawlEndedError("the crawl has ended")
        policy = await self._rules_for(Request(company.entry.url, meta={"company": company}))
        return policy.fault is None or not policy.fault.hung

    async def _permit(self, request: Request) -> None:
        with self._one_more():
            policy = await self._rules_for(request)
        if self._transport.ended:  # which is why there are no rules
            raise CrawlEndedError("the crawl has ended")
        fault = policy.refusal(request.url, obeys_signals=self._obeys_signals)
        request.meta["robots_rule"] = policy.rule_for(request.url, refused=fault is not None)
        if fault is not None:
            self._transport.refused["robots"] += 1
            raise PageError(fault)

    async def _rules_for(self, request: Request) -> RobotsPolicy:
        host = await self._hosts.hold(request.url, request.meta.get("company"))
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc.lower()}"
        known = self._policies.get(origin)
        if known is not None:
            return known.result() if known.done() else await asyncio.shield(known)
        self._count(request)
        future = self._policies[origin] = asyncio.get_running_loop().create_future()
        policy = await self._policy(host, origin, request)
        self._crawler.spider.sitemaps[origin] = policy.sitemaps  # type: ignore[union-attr]
        future.set_result(policy)
        self._keep_few(origin, policy)
        if policy.delay > 0:
            host.keep_delay(policy.delay)
            one_at_a_time(self._crawler, host.name)
        return policy

    def _count(self, request: Request) -> None:
        """Note that a company leads to one more origin.

        Raises:
            PageError: it has led to too many, or to too costly ones; what it asks for is not asked, all else is.
        """
        company: CompanyCrawl | None = request.meta.get("company")
        if company is not None:
            key = company.seed.company_id
            self._origins[key] += 1
            if self._origins[key] > MAX_ORIGINS or self._spent[key] >= COMPANY_ROBOTS_S:
                raise PageError(_NO_MORE)

    def _keep_few(self, origin: str, policy: RobotsPolicy) -> None:
        self._sizes[origin] = len(policy.rules)
        while sum(self._sizes.values()) > MAX_READY:
            longest = max(self._sizes, key=self._sizes.__getitem__)
            del self._sizes[longest], self._policies[longest]

    def _budget(self, page: Request) -> CpuBudget:
        """What one robots.txt may cost, charged to the company that led there."""
        company: CompanyCrawl | None = page.meta.get("company")

        def spend(seconds: float) -> None:
            if company is not None:
                self._spent[company.seed.company_id] += seconds

        return CpuBudget(ROBOTS_S, spend, is_exact=True)

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        """Take in one request more meanwhile: of a page and the rules that it waits for only one is under way."""
        downloader: Any = self._crawler.engine.downloader
        downloader.total_concurrency += 1
        try:
            yield
        finally:
            downloader.total_concurrency -= 1

    async def _policy(self, host: Host, origin: str, page: Request) -> RobotsPolicy:
        """What another job was told within a day; else what the origin says now, or while it cannot, what it said."""
        kept = host.robots.get(origin)
        said = None if kept is None else self._read(kept.rules, page)
        if said is not None and kept is not None and kept.is_fresh:
            return said
        policy = await self._fetch(origin, page)
        if policy.fault is None:
            host.tell_robots(origin, policy.rules)
        elif policy.fault.category == ErrorCategory.NETWORK and said is not None:
            return said
        return policy

    async def _fetch(self, origin: str, page: Request) -> RobotsPolicy:
        meta = {"robots": True, "any_type": True, "cookies": CookieJar()}
        meta |= {name: True for name in ("bare", "impatient") if name in page.meta}
        meta["asked_for"] = page.meta.get("company")
        request = Request(f"{origin}/robots.txt", callback=NO_CALLBACK, priority=1_000, meta=meta, dont_filter=True)
        engine = self._crawler.engine
        assert engine is not None
        try:
            response = await engine.download_async(request)
            with self._budget(page):
                return policy_of(response, self._names)
        except TooCostlyError:
            return RobotsPolicy(fault=Fault(ErrorCategory.DATA, f"robots.txt is {TOO_COSTLY}"))
        except (CrawlEndedError, RefusedTargetError, PageError) as error:
            fault = fault_of(error)
            # A redirect that leads nowhere: unavailable, which permits (RFC 9309, 2.3.1.2).
            return RobotsPolicy(fault=None if 300 <= (fault.status or 0) < 400 else fault)
        except (TooLargeError, NotHtmlError):
            return RobotsPolicy(fault=Fault(ErrorCategory.DATA, "robots.txt is too large to be read"))
        except IgnoreRequest:  # redirects without end: the same
            return RobotsPolicy()
        except Exception as error:  # whatever it is becomes the company's error row
            return RobotsPolicy(fault=fault_of(error))

    def _read(self, rules: str, page: Request) -> RobotsPolicy | None:
        """Rules that were kept; None where they cost too much to be read again."""
        try:
            with self._budget(page):
                return RobotsPolicy(rules)
        except TooCostlyError:
            return None
