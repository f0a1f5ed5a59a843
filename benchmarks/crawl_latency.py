"""A crawl of hosts that take their time, or hang, and the memory of a process that crawls without end.

Each answer of a host takes 200 ms, as over the Internet; so pages a second can be no more than the requests under way
divided by that. Hosts that hang take a request and never answer. For memory the made-up sites of the other rows are
crawled one partition after the other.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.children import sample_sites, served
from benchmarks.harness import Line, main, median
from cli.sample_sites.server import bulk_sites
from leadmill.ids import company_id
from pipelines.execution.plan import MAX_PARTITION
from tasks.scraping.crawl import CrawlOptions, CrawlProgress, CrawlResult, Seed, crawl_companies
from tasks.scraping.places import CONCURRENCY

LATENCY_S = 0.2
#: One of so many hosts hangs.
HANGS = 20


def _crawl(
    proxy: str, hosts: list[str], pages: int, tell: Callable[[CrawlProgress], None] = lambda progress: None
) -> tuple[CrawlResult, float]:
    seeds = [Seed(company_id(host), host, f"http://{host}/") for host in hosts]
    began = time.perf_counter()
    result = crawl_companies(
        seeds, CrawlOptions(max_pages=pages, deadline_s=60), on_pages=lambda rows: None,
        on_progress=tell, stop=threading.Event(), proxy=proxy,
    )  # fmt: skip
    return result, time.perf_counter() - began


def _pages_a_second(proxy: str, hosts: int, pages: int) -> tuple[float, float]:
    """While companies wait to be begun, and of the whole crawl: they are finished in order, so the last are few."""
    half: list[float] = []

    def tell(progress: CrawlProgress) -> None:
        if not half and progress.companies_done >= hosts / 2:
            half.append(progress.pages / (time.perf_counter() - began))

    began = time.perf_counter()
    result, took = _crawl(proxy, [f"h{n}.example" for n in range(hosts)], pages, tell)
    if result.pages_fetched != hosts * pages:
        raise RuntimeError(f"{result.pages_fetched} pages of {hosts} hosts, not {pages} each")
    return half[0], result.pages_fetched / took


def _with_hangs(proxy: str, hosts: int, every: int) -> float:
    names = [f"{'hangs' if every and n % every == 0 else 'h'}{n}.example" for n in range(hosts)]
    result, took = _crawl(proxy, names, 6)
    living = sum(name.startswith("h") and not name.startswith("hangs") for name in names)
    if len(result.rows) != living:
        raise RuntimeError(f"{len(result.rows)} of {living} companies have a page")
    return took


def _memory(proxy: str, first: int, last: int) -> tuple[float, float]:
    """Resident MB of this process after so many pages."""
    hosts = bulk_sites(last // 3)
    sizes: list[float] = []
    pages = 0
    for begin in range(0, len(hosts), MAX_PARTITION):
        result, _ = _crawl(proxy, hosts[begin : begin + MAX_PARTITION], 6)
        pages += result.pages_fetched
        if not sizes and pages >= first:
            sizes.append(_resident_mb())
    return sizes[0], _resident_mb()


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(quick: bool) -> list[Line]:
    first, last = (300, 900) if quick else (5_000, 50_000)
    with sample_sites() as proxy:  # before the rest: what that leaves behind would be memory that later pages reuse
        small, large = _memory(proxy, first, last)
    with served("benchmarks.slow_sites", str(LATENCY_S)) as proxy:
        hosts, pages = (20, 5) if quick else (100, 50)
        rates = [_pages_a_second(proxy, hosts, pages) for _ in range(1 if quick else 3)]
        many = 40 if quick else 1_000
        plain = _with_hangs(proxy, many, 0)
        hanging = _with_hangs(proxy, many, HANGS)
    most = CONCURRENCY / LATENCY_S
    return [
        Line(f"pages/s of the first half of {hosts} hosts that take {LATENCY_S * 1_000:.0f} ms, of {most:.0f} possible",
             median([rate for rate, _ in rates]), "pages/s", f">= {0.85 * most:.0f}", better="more",
             samples={"leadmill": [rate for rate, _ in rates]}),
        Line("the same of the whole crawl, whose last companies are few",
             median([rate for _, rate in rates]), "pages/s", better="more"),
        Line(f"{many:,} hosts of which one of {HANGS} hangs, over the time of none", hanging / plain, "", "<= 1.2",
             note=f"{hanging:.1f} s, {plain:.1f} s"),
        Line(f"resident memory at page {last:,} over that at page {first:,}", large / small, "", "<= 1.1",
             note=f"{large:.1f} MB, {small:.1f} MB"),
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
