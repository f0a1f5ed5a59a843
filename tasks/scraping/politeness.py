"""Politeness: a slot for each host, the delay it asks for, one repeat after trouble.

A downloader middleware. Scrapy keeps the first host's slot across redirects, and repeats at once whatever
Retry-After says; this one does not.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadTimeoutError
from scrapy.http import Response

from leadmill.retry_after import retry_after_s
from tasks.scraping.failures import REPEATABLE, fault_of

#: Pause before a repeat when the host names none, seconds: after an error status, after a broken connection.
STATUS_PAUSE_S = 1.0
BROKEN_PAUSE_S = 0.3


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
        """Repeat a broken connection once, unless the company's next address is the repeat (`tasks.scraping.entry`)."""
        if "bare" in request.meta and request.url.startswith("https:"):
            return None
        if "others" in request.meta and isinstance(exception, DownloadTimeoutError):
            return None
        if not fault_of(exception).repeat:
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
