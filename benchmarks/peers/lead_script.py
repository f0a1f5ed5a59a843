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

import extruct
import pandas as pd
import phonenumbers
import scrapy
from scrapy.crawler import CrawlerProcess

ASKED: dict[str, Any] = json.load(sys.stdin)
ROWS: list[dict[str, Any]] = []
TELLING = re.compile(
    r"contact|kontakt|about|ueber|über|impressum|imprint|legal|team|career|job|karriere|contatti|contacto|chi-siamo|"
    r"azienda|mentions|equipe|quienes|aviso|over-ons|om-os|firma|o-nas|pricing|preise",
    re.IGNORECASE,
)
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
SOCIAL = re.compile(r"https?://(?:www\.)?(?:linkedin|facebook|twitter|x|instagram|youtube|xing)\.com/[^\s\"'<>]{1,100}")
POSTCODE = re.compile(r"\b(?:[A-Z]-)?(\d{4,5})\s+([A-ZÄÖÜ][\w.-]+)")
LEGAL = re.compile(r"([A-ZÄÖÜ][\w&.' -]{1,60}\s(?:GmbH|AG|Ltd|LLC|Inc|S\.?r\.?l|S\.?A\.?|B\.?V|KG|SAS|ApS|Oy|AB))\b")
TECHNOLOGIES = {
    "WordPress": "wp-content", "Shopify": "cdn.shopify.com", "Google Analytics": "google-analytics.com",
    "Google Tag Manager": "googletagmanager.com", "jQuery": "jquery", "Bootstrap": "bootstrap", "TYPO3": "typo3",
    "Wix": "wixstatic.com", "Squarespace": "squarespace", "HubSpot": "hs-scripts.com", "React": "react",
}  # fmt: skip
REGIONS = {"de": "DE", "at": "AT", "ch": "CH", "fr": "FR", "it": "IT", "es": "ES", "nl": "NL", "uk": "GB", "pl": "PL"}


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


def facts(response: Any) -> dict[str, Any]:
    """What the page says of the company."""
    html = response.text
    text = " ".join(response.xpath("//body//text()[not(parent::script or parent::style)]").getall())
    try:
        declared = extruct.extract(html, base_url=response.url, uniform=True)
    except Exception:  # broken JSON-LD ends extruct's whole answer
        declared = {}
    firms = [
        node
        for nodes in declared.values()
        for node in nodes
        if isinstance(node, dict) and "Organization" in str(node.get("@type"))
    ]
    region = REGIONS.get((urlsplit(response.url).hostname or "").rpartition(".")[2], "US")
    place = POSTCODE.search(text)
    legal = LEGAL.search(text)
    return {
        "name": next((str(firm["name"]) for firm in firms if firm.get("name")), response.css("title::text").get()),
        "legal_name": legal[1] if legal else None,
        "description": response.css("meta[name=description]::attr(content)").get(),
        "language": response.css("html::attr(lang)").get(),
        "emails": sorted(set(EMAIL.findall(html))),
        "phones": sorted({
            phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.E164)
            for found in phonenumbers.PhoneNumberMatcher(text, region)
        }),
        "postcode": place[1] if place else None,
        "city": place[2] if place else None,
        "social": sorted(set(SOCIAL.findall(html))),
        "technologies": [name for name, sign in TECHNOLOGIES.items() if sign in html],
    }  # fmt: skip


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
