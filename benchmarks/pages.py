"""Every page of the dashboard with 100,000 jobs and a million companies, and submits beside 200 open tabs.

The pages are those that the application has (`api.pages.routers`), so that a new one comes in by itself, and some more
addresses of them that are dear. They are asked in turns over one connection: time until the answer, its bytes, CPU time
of the API. The tabs ask as a browser does in which nobody touches anything; of three turns one has them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from api.pages import routers
from benchmarks.companies import fill, until_ready
from benchmarks.harness import Line, interleave, main, median
from benchmarks.http_load import load, request
from benchmarks.open_tabs import open_tabs
from benchmarks.records import make_ended, make_running, multiply
from benchmarks.servers import Caller, start_api, start_floor
from benchmarks.stack import Stack
from benchmarks.submits import BODY, CONNECTIONS

#: Milliseconds at p95, of pages that count companies by facets, and of all others; kilobytes of the largest.
FACETS_MS, PAGE_MS, PAGE_KB = 300, 100, 150
#: Pages that count.
COUNTING = ("/ui/leads",)
TABS = 200
#: Further addresses, of pages that may be dear.
MORE = (
    "/ui/jobs?status=failed",
    "/ui/jobs?text=nobody+has+this",
    "/ui/jobs?tag=nobody",
    "/ui/jobs?limit=200",
    "/ui/jobs/act?action=cancel&all=1&status=running",
    "/ui/leads?limit=100",
    "/ui/leads?country=DE&technology=tech+5",
    "/ui/leads?text=region+13",
    "/ui/leads?sort=-name",
    "/ui/leads?sort=-seen_at",
)


def _addresses(jobs: dict[str, str], company: str) -> Iterator[str]:
    """Of each page one, of a job's pages one a job."""
    paths = [route.path for router in routers() for route in router.routes if "GET" in (route.methods or ())]  # type: ignore[attr-defined]
    for path in paths:
        for job in jobs.values() if "{job_id}" in path else [""]:
            address = path.replace("{job_id}", job).replace("{company_id}", company)
            if "{" not in address:
                yield address
    yield from (address for address in MORE if address.partition("?")[0] in paths)


def _cpu_ms(pid: int) -> float:
    """CPU time of a process, all of its threads."""
    found = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            found += int((task / "schedstat").read_text().split()[0])
    return found / 1e6


def _page_lines(port: int, pid: int, addresses: list[str], jobs: dict[str, str], calls: int) -> list[Line]:
    caller = Caller(port)
    taken: dict[str, list[float]] = {}
    used: dict[str, list[float]] = {}
    sizes: dict[str, float] = {}
    for _ in range(calls + 1):
        for address in addresses:
            before, began = _cpu_ms(pid), time.perf_counter()
            status, body = caller.ask(address, Accept="text/html")
            took = 1000 * (time.perf_counter() - began)
            if status in (404, 422):  # it needs something else than a job or a company
                continue
            if status != 200:
                raise RuntimeError(f"GET {address}: {status} {body[-2000:]!r}")
            taken.setdefault(address, []).append(took)
            used.setdefault(address, []).append(_cpu_ms(pid) - before)
            sizes[address] = max(sizes.get(address, 0), len(body) / 1000)
    caller.close()
    names = {job: f"{{{name}}}" for name, job in jobs.items()}
    lines, firsts = [], {}
    for address, (first, *warm) in taken.items():
        shown = re.sub(r"job_\w{20}", lambda found: names.get(found[0], found[0]), address)
        firsts[shown], cpu = first, median(used[address][1:])
        note = f"first {first:.0f}, p50 {median(warm):.1f}, CPU {cpu:.1f} ms; {sizes[address]:.1f} kB"
        p95 = sorted(warm)[int(len(warm) * 0.95)]
        bound = FACETS_MS if address.startswith(COUNTING) else PAGE_MS
        samples = {"leadmill": warm, "cpu": used[address][1:]}
        lines.append(Line(f"{shown}, p95", p95, "ms", f"<= {bound}", note=note, samples=samples))
    slowest, largest = max(firsts, key=firsts.__getitem__), max(sizes, key=sizes.__getitem__)
    lines.append(Line("the slowest first call", firsts[slowest], "ms", note=slowest))
    lines.append(Line("the largest page", sizes[largest], "kB", f"<= {PAGE_KB}", note=largest))
    return lines


def _submit_lines(stack: Stack, port: int, addresses: list[str], tabs: int, seconds: float, rounds: int) -> list[Line]:
    """Submits a second, alone and beside the tabs; the floor has no tabs."""
    ports = {"alone": port, "tabs": port, "floor": start_floor(stack)}
    told: list[dict[str, float]] = []

    def rate(name: str) -> float:
        found = load(ports[name], CONNECTIONS, seconds, request("POST", paths[name], BODY))
        return found["count"] / found["seconds"]

    def beside_tabs() -> float:
        with open_tabs(port, tabs, addresses, told):
            return rate("tabs")

    paths = {"alone": "/api/v1/pipelines", "tabs": "/api/v1/pipelines", "floor": "/submit"}
    contestants = {"alone": partial(rate, "alone"), "tabs": beside_tabs, "floor": partial(rate, "floor")}
    taken = interleave(contestants, rounds)
    asked = [one["count"] / one["seconds"] for one in told[1:]]
    floor, alone = median(taken["floor"]), median(taken["alone"])
    return [
        Line(f"submits beside {tabs} tabs", median(taken["tabs"]), "1/s", ">= 1.2 floor", floor, alone, "more",
             "the peer is the same API without tabs", taken),
        Line("the same without tabs", alone, "1/s", "", floor, better="more"),
        Line("requests of the tabs", median(asked), "1/s", f"<= {tabs}"),
        Line("their p95 beside submits", median([one["p95_ms"] for one in told[1:]]), "ms"),
    ]  # fmt: skip


def measure(quick: bool) -> list[Line]:
    jobs, companies, units = (200, 600, 40) if quick else (100_000, 1_000_000, 10_000)
    calls, tabs, seconds, rounds = (2, 6, 0.5, 1) if quick else (20, TABS, 5.0, 5)
    with Stack() as stack:
        stack.redis.config_set("appendonly", "no")  # half a gigabyte of copies need not go to disk
        made = {"ended": make_ended(stack.store), "failed": make_ended(stack.store, "failed")}
        now = int(time.time() * 1000)
        multiply(stack.store, made["failed"], jobs // 20, now)
        multiply(stack.store, made["ended"], jobs - jobs // 20, now - jobs // 20)
        made["running"] = make_running(stack.store, units)
        fill(stack.lake, [made["ended"], *(f"job_{n:020d}" for n in range(9))], companies)
        port = start_api(stack)
        until_ready(Caller(port), companies)
        company = json.loads(Caller(port).get("/api/v1/companies?limit=1"))["items"][0]["company_id"]
        pid = stack.children[-1].pid
        addresses = list(_addresses(made, company))
        lines = _page_lines(port, pid, addresses, made, calls)
        watched = ["/", "/ui/jobs", "/", "/ui/jobs?status=running", f"/ui/jobs/{made['running']}"]
        return lines + _submit_lines(stack, port, watched, tabs, seconds, rounds)


if __name__ == "__main__":
    main(measure)
