"""What the worker's parent imports before it forks, so that a child's first crawl is as fast as its tenth.

It only imports. A connection, a thread or an event loop made here would be shared by all children. The TLS context
and the signs of pages that are none of a company's are plain memory, and made: either takes 20 ms.
"""

from __future__ import annotations

import importlib

#: Modules that Scrapy and we load by name or at first use.
_MODULES = (
    "encodings.idna",
    "stringprep",
    "idna.uts46data",
    "queuelib",
    "scrapy.core.downloader",
    "scrapy.core.engine",
    "scrapy.core.scheduler",
    "scrapy.downloadermiddlewares.httpcompression",
    "scrapy.dupefilters",
    "scrapy.logformatter",
    "scrapy.pipelines",
    "scrapy.pqueues",
    "scrapy.responsetypes",
    "scrapy.robotstxt",
    "scrapy.spiderloader",
    "scrapy.squeues",
    "scrapy.statscollectors",
    "scrapy.utils.request",
    "selectolax.lexbor",
    "tasks.scraping.crawl",
    "tldextract",
    "twisted.internet.error",
    "twisted.web.client",
)


def preload() -> None:
    """Import all that a crawl needs. Cheap to call again."""
    for module in _MODULES:
        importlib.import_module(module)
    from extraction.stand_ins.signs import preload as preload_signs
    from tasks.scraping.connections import ssl_context

    preload_signs()
    ssl_context()
