"""CPU a page of the whole pipeline, all its processes and Redis counted, against a script over the same sites.

The sites are the invented companies of `benchmarks.extraction.own_pages` under many names; LEADMILL_BENCH_SITES may
name folders of stored real ones instead (separated by `:`). Ours is a job of the real stack from submit to completed,
HTML and CSV: API, workers, their pool, server. The script (`peers/lead_script.py`) is what a team writes for itself;
its imports are not counted, as our processes are warm.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import psutil
import redis

from benchmarks.harness import NO_PEER, Line, interleave, main, median
from benchmarks.one_page import complete
from benchmarks.stack import PROCESSES
from benchmarks.stored_sites import host_of, sites_of, stored_sites
from cli.local_stack.stack import LocalStack

PYTHON = Path(__file__).parent / ".peers" / "script" / "bin" / "python"
SCRIPT = Path(__file__).parent / "peers" / "lead_script.py"
#: Pages of one company, at most.
PAGES = 5
#: Companies of one turn, about.
COMPANIES = 300


def cpu_s(pids: list[int]) -> float:
    """CPU seconds that processes, their living descendants and those that they have waited for took so far."""
    total = 0.0
    for pid in pids:
        times = psutil.Process(pid).cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
        for child in psutil.Process(pid).children(recursive=True):
            its = child.cpu_times()
            total += its.user + its.system
    return total


def _ours(stack: LocalStack, records: redis.Redis, hosts: list[str]) -> float:
    """Milliseconds of CPU a page of one job."""
    body = {
        "company_urls": [f"http://{host}/" for host in hosts],
        "crawl": {"max_pages": PAGES},
        "report": {"formats": ["html", "csv"]},
    }
    before = cpu_s(list(stack.pids.values()))
    job_id = complete(stack, records, body, 0.05)
    spent = cpu_s(list(stack.pids.values())) - before
    with urllib.request.urlopen(f"{stack.api_url}/api/v1/jobs/status/{job_id}", timeout=10) as answer:
        record = json.loads(answer.read())
    return 1_000 * spent / int(record["progress"]["details"]["pages"])


def _scripts(proxy: str, hosts: list[str], folder: Path) -> float:
    """Milliseconds of CPU a page of the script."""
    asked = {"urls": [f"http://{host}/" for host in hosts], "pages": PAGES, "csv": str(folder / "leads.csv")}
    made = subprocess.run(
        [PYTHON, SCRIPT],
        input=json.dumps(asked),
        env={**os.environ, "http_proxy": proxy},  # robots.txt goes through it, too
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    found = json.loads(made.stdout)
    return 1_000 * float(found["cpu_s"]) / int(found["pages"])


def measure(quick: bool) -> list[Line]:
    if not PYTHON.exists() and not quick:
        raise SystemExit(NO_PEER)
    folders = os.environ.get("LEADMILL_BENCH_SITES", "own").split(":")
    sites = sites_of(folders)[: 5 if quick else None]
    copies = max(1, round((1 if quick else COMPANIES) / len(sites)))
    hosts = [host_of(site, copy) for copy in range(copies) for site in sites]
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-") as name, stored_sites(folders, copies) as proxy:
        env = {"LEADMILL_HTTP_PROXY": proxy, "LEADMILL_LOG_LEVEL": "WARNING"}
        with LocalStack(Path(name) / "data", workers=PROCESSES, api_port=0, redis_url="", env=env) as stack:
            records = redis.Redis.from_url(stack.redis_url, decode_responses=True)
            contestants = {"leadmill": lambda: _ours(stack, records, hosts)}
            if PYTHON.exists():
                contestants["script"] = lambda: _scripts(proxy, hosts, Path(name))
            taken = interleave(contestants, rounds=1 if quick else 5, warm_up=0 if quick else 1)
    peer = taken.get("script")
    return [
        Line("CPU a page, whole pipeline", median(taken["leadmill"]), "ms", ">= 2 peer",
             peer=median(peer) if peer else None, samples={"leadmill": taken["leadmill"], "peer": peer or []})
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
