"""CPU time that `page_facts` takes for stored pages: reads JSON from stdin (each page's `url`, `html` as base64,
`charset`), and prints milliseconds a page; imports and the first pages, which compile patterns, are left out.
"""

from __future__ import annotations

import base64
import gc
import json
import sys
import time

from page_facts import facts
from scrapy.http import HtmlResponse

pages = [(page["url"], base64.b64decode(page["html"]), page["charset"]) for page in json.load(sys.stdin)]


def spent_s(read: list[tuple[str, bytes, str | None]]) -> float:
    """CPU seconds for these pages, from their bytes on."""
    began = time.process_time()
    for url, html, charset in read:
        facts(HtmlResponse(url, body=html, encoding=charset or None))
    return time.process_time() - began


spent_s(pages[:10])
gc.freeze()
print(1_000 * spent_s(pages) / len(pages))
