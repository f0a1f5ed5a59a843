"""The same sites crawled by Scrapy as it comes: its own reactor, its default settings, a spider of ten lines.

Reads JSON from stdin (`proxy`, `urls`) and prints JSON: pages and seconds, from the first request to the last item.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess

ASKED: dict[str, Any] = json.load(sys.stdin)
TIMES: list[float] = []


class CompanyPages(scrapy.Spider):
    """Home page, then every link on the same host."""

    name = "company-pages"

    async def start(self) -> AsyncIterator[Any]:
        TIMES.append(time.perf_counter())
        for url in ASKED["urls"]:
            yield scrapy.Request(url, meta={"proxy": ASKED["proxy"]})

    def parse(self, response: Any) -> Iterator[Any]:
        TIMES.append(time.perf_counter())
        yield {"url": response.url, "html": response.body}
        for link in response.css("a::attr(href)").getall():
            if link.startswith("/"):
                yield response.follow(link, meta={"proxy": ASKED["proxy"]})


process = CrawlerProcess({"LOG_LEVEL": "WARNING"})
process.crawl(CompanyPages)
process.start()
print(json.dumps({"pages": len(TIMES) - 1, "seconds": TIMES[-1] - TIMES[0]}))
