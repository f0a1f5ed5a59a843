"""Politeness: a slot for each host, one repeat after trouble.

A downloader middleware. Scrapy keeps the first host's slot across redirects, and repeats at once whatever
Retry-After says; this one does not.
"""

from __future__ import annotations

import time
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from data.hosts import MOST_QUIET_S
from leadmill.retry_after import retry_after_s
from tasks.scraping.failures import REPEATABLE, fault_of
from tasks.scraping.hosts import Hosts

#: Pause before a repeat when the host names none, seconds: after an error status, after a broken connection.
STATUS_PAUSE_S = 1.0
BROKEN_PAUSE_S = 0.3


def one_at_a_time(crawler: Crawler, slot_name: str) -> None:
    """From now on ask a host for one thing at a time. At which pace is said by `Hosts`, right before each is sent."""
    engine = crawler.engine
    assert engine is not None
    downloader = engine.downloader
    downloader.per_slot_settings[slot_name] = {"delay": 0.0, "concurrency": 1, "jitter": 0.0}
    slot = downloader.slots.get(slot_name)
    if slot is not None:
        slot.concurrency = 1


class PolitenessMiddleware:
    """One slot for each host, and one repeat of what failed by chance, when the host wants it and time is left."""

    def __init__(self, crawler: Crawler) -> None:
        self._spider: Any = crawler.spider
        self._hosts: Hosts = crawler.spider.hosts  # type: ignore[union-attr]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PolitenessMiddleware:
        """Scrapy's constructor."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Name the slot of this hop."""
        request.meta["download_slot"] = self._hosts.of(request.url).name

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Leave a host alone for as long as it asks, and repeat an answer like 429 or 503 once."""
        if response.status not in REPEATABLE:
            return response
        header = (response.headers.get("Retry-After") or b"").decode("latin-1")
        asked = retry_after_s(header, time.time())
        if asked is not None:
            self._hosts.of(request.url).keep_quiet(min(asked, MOST_QUIET_S), response.status)
        return self._repeat(request, STATUS_PAUSE_S if asked is None else asked) or response

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Repeat a broken connection once, unless the company's next address is the repeat (`tasks.scraping.entry`)."""
        if "bare" in request.meta and request.url.startswith("https:"):
            return None
        if not fault_of(exception).repeat:
            return None
        return self._repeat(request, BROKEN_PAUSE_S)

    def _repeat(self, request: Request, pause: float) -> Request | None:
        if "repeated" in request.meta or time.monotonic() + pause >= self._spider.deadline:
            return None
        self._hosts.of(request.url).keep_quiet(pause)
        again = request.replace(dont_filter=True)
        again.meta["repeated"] = True
        return again
