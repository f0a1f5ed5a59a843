"""The same sites crawled by Crawlee's ParselCrawler as it comes: its own client and pace, a handler of a few lines.

Reads JSON from stdin (`proxy`, `urls`, `in_memory`: its storage in memory, not in files) and prints JSON: pages and
seconds, from the start of the run to its last page.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from typing import Any

from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
from crawlee.proxy_configuration import ProxyConfiguration
from crawlee.storage_clients import MemoryStorageClient

ASKED: dict[str, Any] = json.load(sys.stdin)
TIMES: list[float] = []


async def crawl() -> None:
    """Home page, then every link on the same host."""
    crawler = ParselCrawler(
        proxy_configuration=ProxyConfiguration(proxy_urls=[ASKED["proxy"]]),
        configure_logging=False,
        **({"storage_client": MemoryStorageClient()} if ASKED["in_memory"] else {}),
    )

    @crawler.router.default_handler
    async def page(context: ParselCrawlingContext) -> None:
        TIMES.append(time.perf_counter())
        html = await context.http_response.read()
        await context.push_data({"url": context.request.url, "html": html.decode()})
        await context.enqueue_links()

    TIMES.append(time.perf_counter())
    await crawler.run(ASKED["urls"])


with tempfile.TemporaryDirectory() as folder:
    os.environ["CRAWLEE_STORAGE_DIR"] = folder
    asyncio.run(crawl())
print(json.dumps({"pages": len(TIMES) - 1, "seconds": TIMES[-1] - TIMES[0]}))
