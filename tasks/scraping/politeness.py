"""Politeness: a slot for each host, the delay it asks for, one repeat after trouble, no chains of redirects.

Downloader middlewares. Scrapy keeps the first host's slot across redirects, repeats at once whatever
Retry-After says, and loses a redirect onto a page already seen; these do not.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.http import Response

from leadmill.errors import ErrorCategory
from leadmill.retry_after import retry_after_s
from tasks.scraping.company_crawl import CompanyCrawl
from tasks.scraping.failures import REPEATABLE, Fault, PageError, SeenPageError, fault_of

#: Pause before a repeat when the host names none, seconds: after an error status, after a broken connection.
STATUS_PAUSE_S = 1.0
BROKEN_PAUSE_S = 0.3
#: Longest address that a redirect is followed to, bytes: a header may be so long that reading it as an address takes
#: a third of a second, at each of eight hops, while the loop stands still.
MAX_LOCATION = 4_000


def set_delay(crawler: Crawler, netloc: str, delay: float) -> None:
    """From now on leave `delay` seconds between two requests to a host; the next one may go at once."""
    engine = crawler.engine
    assert engine is not None
    downloader = engine.downloader
    downloader.per_slot_settings[netloc] = {"delay": delay, "concurrency": 1, "jitter": 0.0}
    slot = downloader.slots.get(netloc)
    if slot is not None:
        # robots.txt itself is no page: the first page need not wait for it.
        slot.delay, slot.concurrency, slot.jitter, slot.lastseen = delay, 1, 0.0, 0.0


def delay_of(crawler: Crawler, netloc: str) -> float:
    """The delay that a host asked for, seconds."""
    engine = crawler.engine
    assert engine is not None
    return float(engine.downloader.per_slot_settings.get(netloc, {}).get("delay", 0.0))


def without_user(url: str) -> str:
    """A URL without user name and password: no site logs us in to itself or to another, nor leaves its own in a row."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class PolitenessMiddleware:
    """One slot for each host, and one repeat of what failed by chance, when the host wants it and time is left."""

    def __init__(self, crawler: Crawler) -> None:
        self._spider: Any = crawler.spider
        #: Host → monotonic time before which it is left alone.
        self._quiet: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PolitenessMiddleware:
        """Scrapy's constructor."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Name the slot of this hop, and wait while the host asked for quiet."""
        netloc = urlsplit(request.url).netloc
        request.meta["download_slot"] = netloc
        while (pause := self._quiet.get(netloc, 0.0) - time.monotonic()) > 0:
            await self._spider.transport.sleep(pause)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Repeat an answer like 429 or 503 once."""
        if response.status not in REPEATABLE:
            return response
        header = (response.headers.get("Retry-After") or b"").decode("latin-1")
        asked = retry_after_s(header, time.time())
        return self._repeat(request, STATUS_PAUSE_S if asked is None else asked) or response

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Repeat a broken connection once; of a bare host's https attempt http is the repeat."""
        if ("bare" in request.meta and request.url.startswith("https:")) or not fault_of(exception).repeat:
            return None
        return self._repeat(request, BROKEN_PAUSE_S)

    def _repeat(self, request: Request, pause: float) -> Request | None:
        until = time.monotonic() + pause
        if "repeated" in request.meta or until >= self._spider.deadline:
            return None
        netloc = urlsplit(request.url).netloc
        self._quiet[netloc] = max(until, self._quiet.get(netloc, 0.0))
        again = request.replace(dont_filter=True)
        again.meta["repeated"] = True
        return again


class FollowMiddleware(RedirectMiddleware):
    """Scrapy's redirects, without loops and without a second fetch of a page that the company has."""

    def process_response(  # type: ignore[override]  # Scrapy looks whether `spider` is asked for
        self, request: Request, response: Response
    ) -> Request | Response:
        """Follow a redirect.

        Raises:
            PageError: it leads in a loop, or to what is no address.
            SeenPageError: it leads to a page asked for already.
        """
        if 300 <= response.status < 400 and len(response.headers.get("Location") or b"") > MAX_LOCATION:
            words = f"the page redirects to an address of more than {MAX_LOCATION:,} characters"
            raise PageError(Fault(ErrorCategory.DATA, words, status=response.status))
        try:
            result = super().process_response(request, response)
        except ValueError as error:
            fault = Fault(ErrorCategory.DATA, "redirects to what is no address, which is not followed")
            raise PageError(fault) from error
        if not isinstance(result, Request):
            return result
        result = result.replace(url=without_user(result.url))
        chain = [*request.meta.get("redirect_urls", ()), request.url]
        if result.url in chain:
            raise PageError(Fault(ErrorCategory.DATA, "the page redirects in a loop", status=response.status))
        company: CompanyCrawl | None = request.meta.get("company")
        if company is not None:
            if company.holds(result.url, chain):
                raise SeenPageError("redirects to a page that is there already")
            company.reach(result.url)
        return result

    def handle_referer(self, request: Request, response: Response) -> None:
        """No Referer is sent."""

    def _engine_started(self) -> None:
        """Nothing to look up: there is no Referer middleware."""
