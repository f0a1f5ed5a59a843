"""robots.txt after RFC 9309: fetched once for each origin, obeyed by every hop, unreachable means forbidden."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterator
from itertools import islice
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from extraction.budget import TOO_COSTLY, CpuBudget, TooCostlyError
from leadmill.errors import ErrorCategory
from tasks.scraping.cookies import CookieJar
from tasks.scraping.download import CrawlEndedError, NotHtmlError, RefusedTargetError, TooLargeError, Transport
from tasks.scraping.failures import Fault, PageError, fault_of
from tasks.scraping.politeness import set_delay

#: So much of a robots.txt is read, bytes (RFC 9309 asks for at least 500 KiB).
MAX_ROBOTS = 512_000
#: CPU seconds that reading it may take; 512 KB of rules take 0.2 s. The loop stands still meanwhile.
ROBOTS_S = 0.5
#: Sitemaps taken from one robots.txt.
MAX_SITEMAPS = 20

#: What stands for our own name in the rules that are kept, and for every other crawler's.
_OURS, _OTHERS = "ours", "-"
_PRODUCT = re.compile(r"(?<![\w./:@-])([a-z][\w-]{0,80})(?=/\d)", re.ASCII | re.IGNORECASE)
_AGENT_LINE = re.compile(r"\s{0,40}user[ -]?agent\s{0,40}[:\s]\s{0,40}([^\s#/]{1,200})", re.IGNORECASE)


class RobotsPolicy:
    """What one origin permits: rules, or a fault when its robots.txt could not be had."""

    def __init__(self, rules: Protego | None = None, fault: Fault | None = None) -> None:
        self._rules = rules
        self._fault = fault
        #: Seconds between two requests that the site asks for.
        self.delay = (rules.crawl_delay(_OURS) or 0.0) if rules is not None else 0.0
        #: Addresses of sitemaps as they are written there.
        self.sitemaps = tuple(islice(rules.sitemaps, MAX_SITEMAPS)) if rules is not None else ()

    def refusal(self, url: str) -> Fault | None:
        """Why a URL must not be fetched, or None when it may."""
        if self._fault is not None:
            return self._fault
        if self._rules is None or self._rules.can_fetch(url, _OURS):
            return None
        return Fault(ErrorCategory.DATA, f"robots.txt forbids {urlsplit(url).path[:200] or '/'}")


def robots_names(user_agent: str) -> frozenset[str]:
    """The names by which a robots.txt may address a crawler: the products of its User-Agent, or the first word of it.

    `Mozilla/5.0 (compatible; AcmeBot/1.0; +https://acme.example/bot)` is mozilla and acmebot.
    """
    products = _PRODUCT.findall(user_agent) or user_agent.split()[:1]
    return frozenset(name.lower() for name in products)


def parse_robots(body: bytes, names: Collection[str]) -> RobotsPolicy:
    """The rules in a robots.txt that concern a crawler of these names."""
    text = body[:MAX_ROBOTS].decode("utf-8-sig", "replace")
    return RobotsPolicy(Protego.parse("\n".join(_our_lines(text, names))))


def _our_lines(text: str, names: Collection[str]) -> Iterator[str]:
    """The text with our names made one, and every other crawler's another one: Protego multiplies rules by names."""
    for line in text.splitlines():
        match = _AGENT_LINE.match(line[:1_000])
        if match is None:
            yield line[:2_000]
        else:
            name = match[1].lower()
            yield f"User-agent: {name if name == '*' else _OURS if name in names else _OTHERS}"


def policy_of(response: Response, names: Collection[str]) -> RobotsPolicy:
    """What an answer to the request for robots.txt means to a crawler of these names."""
    status = response.status
    if 200 <= status < 300:
        return parse_robots(response.body, names)
    if status == 429 or status >= 500:
        error = f"robots.txt cannot be read (HTTP {status}), which forbids crawling for now"
        return RobotsPolicy(fault=Fault(ErrorCategory.NETWORK, error, status=status))
    return RobotsPolicy()


class RobotsMiddleware:
    """Refuses what robots.txt refuses, and sets the delay that it asks for."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._names = robots_names(crawler.spider.options.user_agent)  # type: ignore[union-attr]
        self._transport: Transport = crawler.spider.transport  # type: ignore[union-attr]
        self._policies: dict[str, asyncio.Future[RobotsPolicy]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """Scrapy's constructor."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait for the origin's robots.txt.

        Raises:
            PageError: it forbids the page, or could not be had.
        """
        if "robots" in request.meta:
            return
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        known = self._policies.get(origin)
        if known is not None:
            policy = await asyncio.shield(known)
        else:
            future = self._policies[origin] = asyncio.get_running_loop().create_future()
            policy = await self._fetch(origin, request)
            self._crawler.spider.sitemaps[origin] = policy.sitemaps  # type: ignore[union-attr]
            future.set_result(policy)
            if policy.delay > 0:
                set_delay(self._crawler, parts.netloc, policy.delay)
        fault = policy.refusal(request.url)
        if fault is not None:
            self._transport.refused["robots"] += 1
            raise PageError(fault)

    async def _fetch(self, origin: str, page: Request) -> RobotsPolicy:
        meta = {"robots": True, "any_type": True, "cookies": CookieJar()}
        meta |= {name: True for name in ("bare", "others") if name in page.meta}
        request = Request(f"{origin}/robots.txt", callback=NO_CALLBACK, priority=1_000, meta=meta, dont_filter=True)
        engine = self._crawler.engine
        assert engine is not None
        try:
            response = await engine.download_async(request)
            with CpuBudget(ROBOTS_S):
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
