"""What a team writes for itself: Scrapy for the pages, extruct and phonenumbers and a few patterns, pandas for the CSV.

Reads JSON from stdin (`urls`, `pages` of a company, `csv`), takes its proxy from `http_proxy`, and prints JSON: pages,
companies with an e-mail or a phone, CPU seconds from the first request to the written CSV; imports are left out.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import scrapy
from page_facts import facts
from scrapy.crawler import CrawlerProcess

ASKED: dict[str, Any] = json.load(sys.stdin)
ROWS: list[dict[str, Any]] = []
TELLING = re.compile(
    r"contact|kontakt|about|ueber|über|impressum|imprint|legal|team|career|job|karriere|contatti|contacto|chi-siamo|"
    r"azienda|mentions|equipe|quienes|aviso|over-ons|om-os|firma|o-nas|pricing|preise",
    re.IGNORECASE,
)


class CompanyPages(scrapy.Spider):
    """Home page, then the telling links on the same host."""

    name = "company-pages"

    def __init__(self) -> None:
        super().__init__()
        self.taken: Counter[str] = Counter()

    async def start(self) -> AsyncIterator[Any]:
        for url in ASKED["urls"]:
            yield scrapy.Request(url)

    def parse(self, response: Any) -> Iterator[Any]:
        host = urlsplit(response.url).hostname or ""
        ROWS.append({"host": host, **facts(response)})
        for link in response.css("a"):
            href = link.attrib.get("href", "")
            if not TELLING.search(href + " " + "".join(link.css("::text").getall())):
                continue
            url = response.urljoin(href)
            if urlsplit(url).hostname == host and self.taken[host] + 1 < ASKED["pages"]:
                self.taken[host] += 1
                yield scrapy.Request(url)


def _first(values: Any) -> Any:
    return next((value for value in values if value), None)


def _all(values: Any) -> str:
    return ", ".join(sorted({one for many in values for one in many}))


process = CrawlerProcess({"LOG_LEVEL": "ERROR", "ROBOTSTXT_OBEY": True})
process.crawl(CompanyPages)
began = time.process_time()
process.start()
many = ("emails", "phones", "social", "technologies")
leads = pd.DataFrame(ROWS).groupby("host").agg(lambda column: (_all if column.name in many else _first)(column))
leads["score"] = 20 * (leads["emails"] != "") + 20 * (leads["phones"] != "") + 10 * leads["city"].notna()
leads.sort_values("score", ascending=False).to_csv(ASKED["csv"])
reached = int(((leads["emails"] != "") | (leads["phones"] != "")).sum())
print(json.dumps({"pages": len(ROWS), "reached": reached, "cpu_s": time.process_time() - began}))
