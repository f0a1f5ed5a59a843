"""Whether hosts answer is found out before their companies' turn.

Companies are finished one after the other; a host that hangs would be waited for at the very end, if it was asked only
then. So the robots.txt of those in line are asked ahead, beside the pages of those before them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from tasks.scraping.places import CONCURRENCY, CONCURRENCY_PER_HOST

if TYPE_CHECKING:
    from tasks.scraping.company_crawl import CompanyCrawl

#: Companies that begin at once: they take all places.
AT_ONCE = CONCURRENCY // CONCURRENCY_PER_HOST
#: Hosts asked ahead at a time, and seconds of silence after which the next one is asked, too.
SCOUTS = 3 * CONCURRENCY // 4
SILENT_S = 1.0


async def in_turn(
    companies: Sequence[CompanyCrawl], answers: Callable[[CompanyCrawl], Awaitable[bool]] | None
) -> AsyncIterator[CompanyCrawl]:
    """Companies to begin with: the first at once, each other one when its host was found to answer, or not to.

    Args:
        answers: asks a company's host, and says whether it answered; without it all begin at once. What it raises
            says nothing here: the company's own request meets it again, and tells it.
    """
    if answers is None:
        for company in companies:
            yield company
        return
    for company in companies[:AT_ONCE]:
        yield company
    line = iter(companies[AT_ONCE:])
    found: asyncio.Queue[CompanyCrawl] = asyncio.Queue()

    async def ask(company: CompanyCrawl) -> None:
        with contextlib.suppress(Exception):
            if not await answers(company):
                company.go_first()
        found.put_nowait(company)

    async def scout() -> None:
        for company in line:
            asking = asyncio.create_task(ask(company))
            tasks.add(asking)
            asking.add_done_callback(tasks.discard)
            await asyncio.wait({asking}, timeout=SILENT_S)

    tasks = {asyncio.create_task(scout()) for _ in range(SCOUTS)}
    for _ in companies[AT_ONCE:]:
        yield await found.get()
