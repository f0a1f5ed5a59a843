"""Scrapy's engine with one task for each request, from its turn to its callback.

Scrapy's own hands a request from task to task, six of them and a chain of Deferreds, so that pipelines, statistics and
other reactors have their place; that is a fifth of a crawl's time, and a crawl has none of them. Order, middlewares
and slots are Scrapy's.
"""

from __future__ import annotations

import asyncio
import logging
from inspect import isawaitable
from typing import Any

from scrapy import Request
from scrapy.core.downloader import Downloader, Slot
from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler
from scrapy.http import Response
from twisted.python.failure import Failure

log = logging.getLogger(__name__)


class SlotDownloader(Downloader):
    """Asks the middlewares, waits for a place in the request's slot, and sends it; whoever waits is one task."""

    async def get(self, request: Request) -> Response | Request:
        """An answer, or the request to make instead."""
        methods = self.middleware.methods
        try:
            for ask in methods["process_request"]:
                if isawaitable(given := ask(request=request)):  # type: ignore[misc]  # none of these is None
                    await given
            result: Response | Request = await self._sent(request)
        except Exception as error:
            result = self._instead(request, error)
        for look in methods["process_response"]:
            if isinstance(result, Request):
                break
            result = look(request=request, response=result)  # type: ignore[misc]
        return result

    def _instead(self, request: Request, error: Exception) -> Request:
        for look in self.middleware.methods["process_exception"]:
            again: Request | None = look(request=request, exception=error)  # type: ignore[misc]
            if again is not None:
                return again
        raise error

    async def _sent(self, request: Request) -> Response:
        key, slot = self._get_slot(request)
        request.meta[self.DOWNLOAD_SLOT] = key
        slot.active.add(request)
        try:
            if slot.free_transfer_slots() > 0:
                slot.transferring.add(request)
            else:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                slot.queue.append((request, turn))  # type: ignore[arg-type]  # Scrapy's is a Deferred
                await turn
            return await self.handlers.download_request_async(request)
        finally:
            slot.active.remove(request)
            slot.transferring.discard(request)
            self._process_queue(slot)

    def _process_queue(self, slot: Slot) -> None:
        while slot.queue and slot.free_transfer_slots() > 0:
            request, turn = slot.queue.popleft()
            if not turn.done():  # type: ignore[attr-defined]
                slot.transferring.add(request)
                turn.set_result(None)  # type: ignore[attr-defined]

    def give_up(self, error: Exception) -> None:
        """Fail what waits for its place, and let nothing wait any more."""
        for slot in self.slots.values():
            while slot.queue:
                turn: Any = slot.queue.popleft()[1]
                if not turn.done():
                    turn.set_exception(error)


class Engine(ExecutionEngine):
    """Calls back with an answer, or with the failure that a request ended in."""

    downloader: SlotDownloader

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._under_way: set[asyncio.Task[None]] = set()

    def _start_scheduled_request(self) -> bool:
        assert self._slot is not None
        request = self._slot.scheduler.next_request()
        if request is None:
            return False
        self._begin(request)
        task = asyncio.get_running_loop().create_task(self._see_through(request))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return True

    def _schedule_request(self, request: Request) -> None:
        assert self._slot is not None
        self._slot.scheduler.enqueue_request(request)

    def _begin(self, request: Request) -> None:
        # Before its task has run for the first time: the engine looks at once whether there is room, or nothing to do.
        assert self._slot is not None
        self._slot.add_request(request)
        self.downloader.active.add(request)

    def _end(self, request: Request) -> None:
        assert self._slot is not None
        self.downloader.active.remove(request)
        self._slot.remove_request(request)
        self._slot.nextcall.schedule()

    async def _see_through(self, request: Request) -> None:
        try:
            await self._ask(request)
        except Exception:
            log.exception("an answer could not be taken in")
        finally:
            self._end(request)

    async def _ask(self, request: Request) -> None:
        assert request.callback is not None and request.errback is not None
        try:
            result = await self.downloader.get(request)
        except Exception as error:
            failure = Failure(error)  # type: ignore[no-untyped-call]
            failure.request = request  # type: ignore[attr-defined]
            request.errback(failure)
            return
        if isinstance(result, Request):
            self.crawl(result)
        else:
            result.request = request
            request.callback(result)

    async def download_async(self, request: Request) -> Response:
        """An answer, past the spider, with redirects and repeats."""
        while True:
            self._begin(request)
            try:
                result = await self.downloader.get(request)
            finally:
                self._end(request)
            if not isinstance(result, Request):
                result.request = request
                return result
            request = result


class EngineCrawler(Crawler):
    """Scrapy's crawler with this engine."""

    def _create_engine(self) -> Engine:
        return Engine(self, lambda _: self.stop_async())
