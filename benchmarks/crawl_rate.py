"""Pages a second that one process crawls on loopback, against Scrapy and Crawlee with their default settings.

The same made-up sites behind the same proxy, three pages each. Ours comes in partitions of 30 companies, one after
another, with robots.txt, the egress guard and every page turned into a row. By default neither peer asks for
robots.txt, a quarter of the requests here; further lines leave it out on our side too. Crawlee by default keeps its
queue and what it found in files; the bar is taken against it with both in memory, where it is several times as fast.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.children import sample_sites
from benchmarks.harness import NO_PEER, Line, interleave, main, median
from cli.sample_sites.server import bulk_sites
from leadmill.ids import company_id
from pipelines.execution.plan import MAX_PARTITION
from tasks.scraping.crawl import CrawlOptions, Seed, crawl_companies

HERE = Path(__file__).parent
CRAWLEE_PYTHON = HERE / ".peers" / "crawlee" / "bin" / "python"
SCRAPY = [sys.executable, str(HERE / "peers" / "scrapy_defaults.py")]
CRAWLEE = [str(CRAWLEE_PYTHON), str(HERE / "peers" / "crawlee_defaults.py")]
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


def _peers(command: list[str], proxy: str, hosts: list[str], **options: Any) -> float:
    asked = json.dumps({"proxy": proxy, "urls": [f"http://{host}/" for host in hosts], **options})
    made = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    found = json.loads(made.stdout)
    return _rate(found["pages"], found["seconds"], len(hosts))


def _rate(pages: int, seconds: float, hosts: int) -> float:
    if pages != PAGES * hosts:
        raise RuntimeError(f"{pages} pages of {hosts} hosts, not {PAGES} each")
    return pages / seconds


def measure(quick: bool) -> list[Line]:
    has_crawlee = CRAWLEE_PYTHON.exists()
    if not (has_crawlee or quick):
        print("Crawlee is not installed here: make bench-setup", file=sys.stderr)
        raise SystemExit(NO_PEER)
    hosts = bulk_sites(30 if quick else 600)
    with sample_sites() as proxy:
        contestants: dict[str, Callable[[], float]] = {
            "leadmill": lambda: _ours(proxy, hosts),
            "scrapy": lambda: _peers(SCRAPY, proxy, hosts),
            "no robots.txt": lambda: _ours(proxy, hosts, robots=False),
        }
        if has_crawlee:
            contestants["crawlee"] = lambda: _peers(CRAWLEE, proxy, hosts, in_memory=True)
            contestants["crawlee, files"] = lambda: _peers(CRAWLEE, proxy, hosts[:100], in_memory=False)
        taken = interleave(contestants, rounds=1 if quick else 5)
    return [
        Line(what, median(taken[name]), "pages/s", bar, peer=median(taken[peer]), better="more",
             samples={"leadmill": taken[name], "peer": taken[peer]})
        for what, name, peer, bar in (
            ("crawl, one process, against Scrapy", "leadmill", "scrapy", ">= 2.2 peer"),
            ("the same without robots.txt, as the peer", "no robots.txt", "scrapy", ""),
            ("against Crawlee's ParselCrawler, its storage in memory", "leadmill", "crawlee", ">= 0.7 peer"),
            ("the same without robots.txt, as Crawlee", "no robots.txt", "crawlee", ""),
            ("against Crawlee's ParselCrawler, as it comes", "leadmill", "crawlee, files", ""),
        )
        if peer in taken
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
