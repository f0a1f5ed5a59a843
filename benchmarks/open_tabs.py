"""Tabs of the dashboard that nobody touches, in a process: `python -m benchmarks.open_tabs PORT TABS ADDRESS …`.

Each asks as `api/static/live.js` does: its page again every `data-every` seconds, and after an event of its stream, one
request at a time and at most one in `data-least` seconds. Forty open a second; then a line is printed. At the
end of stdin they close, and JSON follows: count, failed (no 2xx), seconds, p50_ms and p95_ms of requests.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from benchmarks.http_load import answer, request

_A_SECOND = 40
_NEWS = re.compile(rb"event: (status|stage|unit|progress)")


class _Tab:
    def __init__(self, port: int, address: str, taken: list[tuple[float, int]]) -> None:
        self._port, self._address, self._taken = port, address, taken
        self._news = asyncio.Event()
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        page = await self._ask({})
        told = {name: html.unescape(value) for name, value in re.findall(r' data-(every|events|least)="([^"]*)"', page)}
        if "events" in told:
            self.tasks.append(asyncio.create_task(self._follow(told["events"])))
        if "every" in told:
            self.tasks.append(asyncio.create_task(self._live(float(told["every"]), float(told.get("least", 1)))))

    async def _ask(self, headers: Mapping[str, str]) -> str:
        began = time.perf_counter()
        try:
            status, body = await self._answer(headers)
        except (OSError, asyncio.IncompleteReadError):  # the server closes what was idle for some seconds
            self._connection = None
            status, body = await self._answer(headers)
        self._taken.append((time.perf_counter() - began, status))
        return body.decode()

    async def _answer(self, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._connection
        writer.write(request("GET", self._address, headers=headers))
        return await answer(reader)

    async def _live(self, every: float, least: float) -> None:
        asked = time.monotonic()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), every)
            await asyncio.sleep(max(0.0, asked + least - time.monotonic()))
            self._news.clear()
            asked = time.monotonic()
            await self._ask({"HX-Request": "true"})

    async def _follow(self, address: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(request("GET", address, headers={"Accept": "text/event-stream"}))
        while line := await reader.readline():
            if _NEWS.match(line):
                self._news.set()


async def _run(port: int, tabs: int, addresses: Sequence[str]) -> dict[str, float]:
    taken: list[tuple[float, int]] = []
    made = [_Tab(port, addresses[n % len(addresses)], taken) for n in range(tabs)]

    async def later(n: int, tab: _Tab) -> None:
        await asyncio.sleep(n / _A_SECOND)
        await tab.open()

    await asyncio.gather(*(later(n, tab) for n, tab in enumerate(made)))
    taken.clear()
    began = time.perf_counter()
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    seconds = time.perf_counter() - began
    broken = [task for tab in made for task in tab.tasks if task.done()]
    for task in (task for tab in made for task in tab.tasks):
        task.cancel()
    took = sorted(1000 * one for one, _ in taken) or [0.0]
    return {
        "count": len(taken),
        "failed": len(broken) + sum(not 200 <= status < 300 for _, status in taken),
        "seconds": seconds,
        "p50_ms": took[len(took) // 2],
        "p95_ms": took[int(len(took) * 0.95)],
    }


@contextmanager
def open_tabs(port: int, tabs: int, addresses: Sequence[str], told: list[dict[str, Any]]) -> Iterator[None]:
    """Have so many tabs open while the block runs, in turns of the addresses; what they saw is added to `told`.

    Raises:
        RuntimeError: a request was not answered with 2xx, or a stream ended.
    """
    command = [sys.executable, "-m", "benchmarks.open_tabs", str(port), str(tabs), *addresses]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout
            if child.stdout.readline() != b"open\n":
                raise RuntimeError("the tabs did not open")
            yield
            out, _ = child.communicate(timeout=60)
        finally:
            child.kill()
    found = json.loads(out)
    if found["failed"]:
        raise RuntimeError(f"{found['failed']} of {found['count']} requests of tabs failed")
    told.append(found)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))))
