"""Sending requests: the guarded routes of a crawl (`tasks.scraping.route`), and the Scrapy download handler on top.

DNS has its own threads, so that a hanging lookup holds up neither others nor the end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import urlsplit

import aiohttp
from scrapy import Request
from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Headers, Response

from leadmill import tracing
from leadmill.egress import Network
from leadmill.sample_sites import SampleSites
from tasks.scraping.connections import scrapys, ssl_context
from tasks.scraping.cookies import CookieJar
from tasks.scraping.places import Places
from tasks.scraping.route import Route, refusals

if TYPE_CHECKING:
    from tasks.scraping.ledger import Entry, Ledger

#: Largest body, bytes, before and after decompression.
MAX_BODY = 2_000_000
#: Of its time a request has so much where the same site has let us wait in vain before.
IMPATIENT = 1 / 3

_TOO_LARGE = f"larger than {MAX_BODY // 1_000_000} MB"
_HTML_TYPES = frozenset({b"text/html", b"application/xhtml+xml", b""})


class RefusedTargetError(DownloadCancelledError):
    """The egress rule forbids the address or the URL."""


class TooLargeError(DownloadCancelledError):
    """The body is larger than `MAX_BODY`."""


class NotHtmlError(DownloadCancelledError):
    """The answer is of a type that holds no page; its body was not fetched."""


class CrawlEndedError(DownloadCancelledError):
    """The crawl was stopped while the request was under way."""


class Transport:
    """What one crawl sends by: its routes, and the tasks that wait for an answer.

    Raises:
        ValueError: the proxy's URL is not `http://host:port`.
    """

    def __init__(self, allow: Sequence[Network], proxy: str | None, samples: SampleSites | None = None) -> None:
        self._usual = Route(allow, proxy)
        self._samples = samples
        #: A session and a guard of its own, which dials that one address of this machine: the usual one never does.
        self._to_samples = None if samples is None else Route((), samples.url)
        self._waiting: set[asyncio.Task[Any]] = set()
        self._over = asyncio.Event()
        self.places = Places()
        self.ended = False
        #: Requests sent; answers by class of status (`2xx` …), and bytes of bodies.
        self.sent = 0
        self.answers: Counter[str] = Counter()
        self.received = 0
        #: Addresses not asked, by who refused: `robots`, `egress`, `blocks`.
        self.refused: Counter[str] = Counter()

    def route(self, url: str) -> Route:
        """The way to a site: the usual one, but for the sample sites."""
        if self._samples is not None and self._to_samples is not None and self._samples.serve(url):
            return self._to_samples
        return self._usual

    def begin(self) -> asyncio.Task[Any]:
        """Note the present task as one that waits for an answer."""
        task = asyncio.current_task()
        assert task is not None
        if self.ended:
            raise CrawlEndedError("the crawl has ended")
        self._waiting.add(task)
        self.sent += 1
        return task

    def answered(self, status: int) -> None:
        """An answer began to come."""
        self.answers[f"{status // 100}xx" if 200 <= status < 600 else "other"] += 1

    def classes(self) -> dict[str, int]:
        """Answers by class; `none` for requests that have none, or not yet."""
        return {**self.answers, "none": self.sent - self.answers.total()}

    def not_dialled(self) -> None:
        """What was begun was not sent: the egress rule refused its address."""
        self.sent -= 1
        self.refused["egress"] += 1

    def done(self, task: asyncio.Task[Any]) -> None:
        """The task waits no longer."""
        self._waiting.discard(task)

    async def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the end of the crawl.

        Raises:
            CrawlEndedError: the crawl was stopped meanwhile.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)
        if self.ended:
            raise CrawlEndedError("the crawl has ended")

    async def until(self, event: asyncio.Event, seconds: float | None = None) -> None:
        """Wait for an event, at most so long, and not beyond the end of the crawl.

        Raises:
            CrawlEndedError: the crawl was stopped meanwhile.
        """
        waits = [asyncio.ensure_future(one.wait()) for one in (event, self._over)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.ended:
            raise CrawlEndedError("the crawl has ended")

    def abort(self) -> None:
        """End every request under way and every sleep; their tasks raise `CrawlEndedError`."""
        self.ended = True
        self._over.set()
        for task in self._waiting:
            task.cancel()

    async def close(self) -> None:
        """Close all connections."""
        await self._usual.close()
        if self._to_samples is not None:
            await self._to_samples.close()


class Pacer(Protocol):
    """What says when a host may be asked, and is told how that ended (`tasks.scraping.hosts.Hosts`)."""

    async def turn(self, url: str, company: Any = None) -> None:
        """Wait until a request of a company may be sent, now."""

    def answered(self, url: str, status: int) -> None:
        """An answer began to come."""

    def failed(self, url: str, error: Exception) -> None:
        """A request brought no answer."""

    def gone(self, url: str) -> None:
        """A request has ended."""


class GuardedHandler(AiohttpDownloadHandler):
    """Scrapy's aiohttp handler over a crawl's `Transport` (`spider.transport`).

    `meta["any_type"]` fetches bodies that are no HTML (robots.txt); `meta["cookies"]` is the jar of what is sent back;
    `meta["impatient"]` has a request wait less long.
    """

    experimental: ClassVar[bool] = False
    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        # The parent's constructor would open a session of its own, without a guard.
        super(AiohttpDownloadHandler, self).__init__(crawler)
        self._transport: Transport = crawler.spider.transport  # type: ignore[union-attr]
        self._hosts: Pacer = crawler.spider.hosts  # type: ignore[union-attr]
        self._ledger: Ledger = crawler.spider.ledger  # type: ignore[union-attr]
        self._ssl_context = ssl_context()
        self._said = Headers(crawler.spider.headers).to_tuple_list()  # type: ignore[union-attr]
        self._timeout_s = crawler.settings.getfloat("DOWNLOAD_TIMEOUT")

    async def download_request(self, request: Request) -> Response:
        """Send a request.

        Raises:
            RefusedTargetError: the egress rule forbids it.
            CrawlEndedError: the crawl was stopped.
            PageError: the host is not to be asked, or not before the crawl's end, or the company is left for later.
            TooLargeError, NotHtmlError: the body was not fetched.
        """
        with self._ledger.request(request) as entry:
            reason = self._transport.route(request.url).refuse(request.url)
            if reason is not None:
                self._transport.refused["egress"] += 1
                raise RefusedTargetError(reason)
            async with self._transport.places.take(self._make_room):
                await self._hosts.turn(request.url, _company_of(request))
                try:
                    response = await self._send(request, entry)
                    entry.size = len(response.body)
                    return response
                except Exception as error:
                    if _is_own(request):
                        self._hosts.failed(request.url, error)
                    raise
                finally:
                    self._hosts.gone(request.url)

    def _make_room(self, requests: int) -> None:
        engine: Any = self.crawler.engine
        engine.downloader.total_concurrency += requests
        if engine._slot is not None:  # else the crawl is closing
            engine._slot.nextcall.schedule()

    async def _send(self, request: Request, entry: Entry) -> Response:
        task = self._transport.begin()
        entry.sent()
        refused: list[str] = []
        token = refusals.set(refused)
        request.meta["download_timeout"] = self._timeout_s * (IMPATIENT if "impatient" in request.meta else 1)
        try:
            # The host alone: an address may hold what is nobody's business, also in its path.
            with tracing.sample("fetch", **{"server.address": urlsplit(request.url).hostname}) as fetch:
                response = await self._exchange(request)
                fetch.set(
                    **{"http.response.status_code": response.status, "http.response.body.size": len(response.body)}
                )
                return response
        except asyncio.CancelledError:
            if not self._transport.ended:
                raise
            task.uncancel()
            # A bare CancelledError would leave Scrapy's Deferred unfired and the crawl open for ever.
            raise CrawlEndedError("the crawl has ended") from None
        except Exception as error:
            if refused:
                self._transport.not_dialled()
                entry.is_sent = False
                raise RefusedTargetError(refused[0]) from error
            raise
        finally:
            refusals.reset(token)
            self._transport.done(task)

    async def _exchange(self, request: Request) -> Response:
        route = self._transport.route(request.url)
        # Scrapy's own gives each request an empty body, which is sent apart, and takes three coroutines more.
        try:
            async with await route.session.get(
                request.url,
                headers=self._request_headers(request),
                timeout=aiohttp.ClientTimeout(total=request.meta["download_timeout"]),
                ssl=self._ssl_context,
                allow_redirects=False,
                proxy=route.proxy,
            ) as response:
                return await self._read_response(response, request)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise scrapys(error) from error

    async def _read_response(self, response: aiohttp.ClientResponse, request: Request) -> Response:
        self._transport.answered(response.status)
        request.meta["ledger"].status = response.status
        if response.status < 400 or _is_own(request):
            self._hosts.answered(request.url, response.status)
        if response.status == 200 and "any_type" not in request.meta:
            kind = content_type(response.headers.get("Content-Type", "").encode())
            if kind not in _HTML_TYPES:
                raise NotHtmlError(kind.decode("ascii", "replace")[:80])
        # Scrapy's own looks for signals, certificates and the class of the answer: a tenth of a crawl's time.
        read = Response(request.url, response.status, body=await _body_of(response))
        read.headers = Headers(response.raw_headers)
        self._transport.received += len(read.body)
        return read

    def _request_headers(self, request: Request) -> list[tuple[str, str]]:  # type: ignore[override]
        jar: CookieJar | None = request.meta.get("cookies")
        sent = jar.header(request.url) if jar else None
        return self._said if sent is None else [*self._said, ("Cookie", sent.decode("latin-1"))]

    async def close(self) -> None:
        """Close the sessions; the handlers of http and https share it."""
        await self._transport.close()


def _is_own(request: Request) -> bool:
    """Whether a host is asked that is the company's: what fails elsewhere says how a site leads there.

    Else a few sites that lead to what fails at another's host would have that host left alone by all jobs.
    """
    company = _company_of(request)
    return company is None or bool(company.ours(urlsplit(request.url).netloc))


def _company_of(request: Request) -> Any:
    """The `CompanyCrawl` that a request is made for; None where it is none's."""
    return request.meta.get("company") or request.meta.get("asked_for")


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    """The body, or what came of it before the connection broke off.

    Raises:
        TooLargeError: it is larger than `MAX_BODY`.
    """
    if (response.content_length or 0) > MAX_BODY:
        raise TooLargeError(_TOO_LARGE)
    chunks: list[bytes] = []
    size = 0
    with contextlib.suppress(aiohttp.ClientPayloadError):
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY:
                raise TooLargeError(_TOO_LARGE)
            chunks.append(chunk)
    return b"".join(chunks)


def content_type(value: bytes) -> bytes:
    """The media type of a Content-Type header, lower case, without parameters."""
    return value.partition(b";")[0].strip().lower()
