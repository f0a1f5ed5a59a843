"""What hosts see of four workers and twenty jobs that all want them, as they count it; and what Redis keeps of a host.

The server counts requests that came before the `Crawl-delay` since the last page was over, more than two at a time
where a host asks for no delay, and how often each robots.txt was asked. Nothing may come too early.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import redis

from benchmarks.children import start_child
from benchmarks.harness import Line, main
from benchmarks.one_page import submit, wait_completed
from benchmarks.stack import Stack
from cli.local_stack.stack import LocalStack
from data.hosts import HostLeases, HostNews

WORKERS, JOBS, DELAY_S, ANSWER_S = 4, 20, 0.5, 0.02
PACED = [f"paced{n}.example" for n in range(2)]
FREE = [f"free{n}.example" for n in range(3)]
#: What most robots.txt of WordPress leave of themselves.
RULES = "Disallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\nSitemap: https://www.company-00000.example/sitemap.xml"


class _Hosts(ThreadingHTTPServer):
    """A forward proxy that is every host, and notes what it sees."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.lock = threading.Lock()
        self.robots: dict[str, int] = defaultdict(int)
        self.over_at: dict[str, float] = {}
        self.under_way: dict[str, int] = defaultdict(int)
        self.pages = self.early = self.most = 0


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Hosts

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        host, seen = parts.hostname or "", self.server
        with seen.lock:
            if parts.path == "/robots.txt":
                seen.robots[host] += 1
            else:
                seen.pages += 1
                seen.under_way[host] += 1
                seen.most = max(seen.most, seen.under_way[host])
                if host in PACED and time.monotonic() - seen.over_at.get(host, 0.0) < DELAY_S:
                    seen.early += 1
        time.sleep(ANSWER_S)
        links = "".join(f"<a href=/{name}>{name}</a> " for name in ("contact", "about", "impressum"))
        body, kind = f"<title>Acme</title><h1>Acme Ltd</h1>{links}".encode(), "text/html"
        if parts.path == "/robots.txt":
            body, kind = f"User-agent: *\nCrawl-delay: {DELAY_S if host in PACED else 0}\n".encode(), "text/plain"
        with seen.lock:
            if parts.path != "/robots.txt":
                seen.under_way[host] -= 1
                seen.over_at[host] = time.monotonic()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def _hosts() -> Iterator[_Hosts]:
    server = _Hosts()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _workers(stack: LocalStack, more: int, env: dict[str, str]) -> Iterator[None]:
    """Further scraping workers beside the stack's own."""
    said = {**os.environ, **env, "REDIS_URL": stack.redis_url, "LEADMILL_DATA_URL": str(stack.data_dir)}
    command = [sys.executable, "worker.py", "-Q", "scraping", "-c", "1", "-n"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    children = [start_child([*command, f"more{n}@host"], env=said, **silent) for n in range(more)]
    try:
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


def _run(stack: LocalStack, jobs: int) -> None:
    """Submit all jobs, then wait until all are completed."""
    urls = [f"http://{host}/" for host in PACED + FREE]
    body = {"company_urls": urls, "crawl": {"max_pages": 3}, "report": {"formats": ["csv"]}}
    records = redis.Redis.from_url(stack.redis_url, decode_responses=True)
    for job_id in [submit(stack, body) for _ in range(jobs)]:
        wait_completed(records, job_id, 0.05)


def _bytes_of_a_host(hosts: int) -> float:
    with Stack() as stack:
        leases = HostLeases(stack.store, "job|p0", "run")

        def used() -> int:
            stack.redis.memory_purge()
            time.sleep(0.3)
            return int(stack.redis.info("memory")["used_memory_dataset"])

        leases.exchange([HostNews("first.example")])
        before = used()
        names = [f"company-{n:05d}.example" for n in range(hosts)]
        for first in range(0, hosts, 100):
            some = names[first : first + 100]
            leases.exchange([HostNews(name, leave=True, robots={f"https://{name}": RULES}) for name in some])
        return (used() - before) / hosts


def measure(quick: bool) -> list[Line]:
    jobs = 4 if quick else JOBS
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="leadmill-bench-"))
        seen = held.enter_context(_hosts())
        env = {"LEADMILL_HTTP_PROXY": f"http://127.0.0.1:{seen.server_port}", "LEADMILL_LOG_LEVEL": "WARNING"}
        stack = held.enter_context(LocalStack(Path(folder) / "data", workers=1, api_port=0, redis_url="", env=env))
        held.enter_context(_workers(stack, WORKERS - 1, env))
        began = time.monotonic()
        _run(stack, jobs)
        took = time.monotonic() - began
    size = _bytes_of_a_host(1_000 if quick else 20_000)
    what = f"of {WORKERS} workers and {jobs} jobs at the same {len(PACED + FREE)} hosts"
    return [
        Line(f"requests that came before their time, {what}", seen.early, "", "<= 0"),
        Line("the most at a time at one host", seen.most, "", "<= 2"),
        Line("the most that one robots.txt was asked", max(seen.robots.values()), "", "<= 1"),
        Line("pages that hosts gave", seen.pages, ""),
        Line(f"seconds, where {DELAY_S:g} s between pages of a host allow no less than "
             f"{seen.pages / len(PACED + FREE) * DELAY_S:.0f}", took, "s"),
        Line("Redis bytes of a host's rules, for two days", size, "B", "<= 400"),
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
