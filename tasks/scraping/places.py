"""How many requests of a crawl are under way at a time: so many places, of which those that wait long are given away.

A host that hangs, one that answers after ten seconds, and one whose own pace makes a request wait: none of them keeps
others from being asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

#: Requests under way in one crawl, and on one host.
CONCURRENCY = 64
CONCURRENCY_PER_HOST = 2
#: Requests beyond these that wait for a place: whichever becomes free is taken at once.
AT_THE_DOOR = 16
#: Seconds after which a request that has no answer yet gives its place to another, and how many may have done so.
SLOW_S = 2.0
MOST_SLOW = 256


class Places:
    """The places of one crawl."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(CONCURRENCY)
        #: Requests under way that have given their place away.
        self.slow = 0

    @asynccontextmanager
    async def take(self, make_room: Callable[[int], None]) -> AsyncIterator[None]:
        """A place for a request, as soon as one is free, until the request ends or has taken `SLOW_S`.

        Args:
            make_room: called with 1 when the request gives its place away, and with -1 at its end.
        """
        await self._free.acquire()
        is_slow = False

        def give_away() -> None:
            nonlocal is_slow
            if self.slow < MOST_SLOW:
                is_slow = True
                self.slow += 1
                self._free.release()
                make_room(1)

        timer = asyncio.get_running_loop().call_later(SLOW_S, give_away)
        try:
            yield
        finally:
            timer.cancel()
            if is_slow:
                self.slow -= 1
                make_room(-1)
            else:
                self._free.release()
