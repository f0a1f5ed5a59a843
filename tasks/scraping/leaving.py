"""Companies that a crawl leaves for later: once all that it still has wait long for their hosts, it ends, and its
process is free.

Only such as gave no page yet: the job asks them again as a whole, so no page is lost, and none asked for twice. For
further pages of a company it waits as long as the crawl lasts: whoever is asked for them anew would be as slow again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.scraping.company_crawl import CompanyCrawl
    from tasks.scraping.download import Transport

#: Pauses of up to so many seconds are waited for in the crawl: to plan a company again and to begin another crawl has
#: its price, too, and most hosts that are asked too fast want a second or two.
SHORT_S = 5.0

#: Whether a company may be left for later until then, seconds since the epoch.
MayLeave = Callable[[float], bool]


def least_wait_s(wave: int) -> float:
    """How long after an answer a company is asked again at the earliest, after so many waves: 5, 10, 20 s.

    A host that says "in no time" again and again would else have used up all waves at once.
    """
    return SHORT_S * 2**wave


@dataclass(eq=False)
class _Pause:
    company: CompanyCrawl
    #: Monotonic, seconds.
    until: float
    left: asyncio.Event = field(default_factory=asyncio.Event)


class Pauses:
    """The requests of a crawl that wait for their hosts' time."""

    def __init__(self) -> None:
        self._pauses: set[_Pause] = set()

    async def wait(self, transport: Transport, company: CompanyCrawl | None, until: float) -> bool:
        """Wait until then (monotonic); False when the company is left for later instead.

        Raises:
            CrawlEndedError: the crawl ended meanwhile.
        """
        seconds = max(0.0, until - time.monotonic())
        if company is None:
            await transport.sleep(seconds)
            return True
        pause = _Pause(company, until)
        self._pauses.add(pause)
        try:
            await transport.until(pause.left, seconds)
        finally:
            self._pauses.discard(pause)
        return not pause.left.is_set()

    def leave(self, unfinished: int, may_leave: MayLeave) -> None:
        """Leave all unfinished companies (so many) for later, where each of them may be left and waits long.

        A company without a page has one request under way at a time: while that waits there is nothing else of it.
        """
        if not 0 < unfinished <= len(self._pauses):
            return
        now = time.monotonic()
        long = [pause for pause in self._pauses if pause.until - now > SHORT_S and not pause.company.gave_page]
        waiting = {pause.company for pause in long if not pause.company.done}
        at = time.time() - now
        if len(waiting) == unfinished and all(may_leave(at + pause.until) for pause in long):
            for pause in long:
                pause.left.set()
