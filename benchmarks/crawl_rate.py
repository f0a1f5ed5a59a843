"""Pages a second that one process crawls on loopback, against Scrapy with its default settings.

The same made-up sites behind the same proxy, three pages each. Ours comes in partitions of 30 companies, one after
another, with robots.txt, the egress guard and every page turned into a row. Scrapy by default asks for no robots.txt,
which is a quarter of the requests here; a second line leaves it out on our side too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from benchmarks.children import sample_sites
from benchmarks.harness import Line, interleave, main, median
from cli.sample_sites.server import bulk_sites
from leadmill.ids import company_id
from pipelines.execution.plan import MAX_PARTITION
from tasks.scraping.crawl import CrawlOptions, Seed, crawl_companies

SCRAPY = Path(__file__).parent / "peers" / "scrapy_defaults.py"
PAGES = 3


def _ours(proxy: str, hosts: list[str], robots: bool = True) -> float:
    seeds = [Seed(company_id(host), host, f"http://{host}/") for host in hosts]
    pages = 0
    began = time.perf_counter()
    for first in range(0, len(seeds), MAX_PARTITION):
        result = crawl_companies(
            seeds[first : first + MAX_PARTITION], CrawlOptions(respect_robots=robots), on_pages=lambda rows: None,
            on_progress=lambda progress: None, stop=threading.Event(), proxy=proxy,
        )  # fmt: skip
        pages += result.pages_fetched
    return _rate(pages, time.perf_counter() - began, len(hosts))


def _scrapys(proxy: str, hosts: list[str]) -> float:
    asked = json.dumps({"proxy": proxy, "urls": [f"http://{host}/" for host in hosts]})
    made = subprocess.run(
        [sys.executable, str(SCRAPY)], input=asked, stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    found = json.loads(made.stdout)
    return _rate(found["pages"], found["seconds"], len(hosts))


def _rate(pages: int, seconds: float, hosts: int) -> float:
    if pages != PAGES * hosts:
        raise RuntimeError(f"{pages} pages of {hosts} hosts, not {PAGES} each")
    return pages / seconds


def measure(quick: bool) -> list[Line]:
    hosts = bulk_sites(30 if quick else 600)
    with sample_sites() as proxy:
        taken = interleave(
            {
                "leadmill": lambda: _ours(proxy, hosts),
                "scrapy": lambda: _scrapys(proxy, hosts),
                "no robots.txt": lambda: _ours(proxy, hosts, robots=False),
            },
            rounds=1 if quick else 5,
        )
    scrapy = median(taken["scrapy"])
    return [
        Line(what, median(taken[name]), "pages/s", bar, peer=scrapy, better="more",
             samples={"leadmill": taken[name], "peer": taken["scrapy"]})
        for what, name, bar in (
            ("crawl, one process", "leadmill", ">= 2.2 peer"),
            ("the same without robots.txt, as the peer", "no robots.txt", ""),
        )
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
