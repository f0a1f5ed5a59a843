"""A load generator in a process of its own: `python -m benchmarks.http_load PORT CONNECTIONS SECONDS`.

Reads one HTTP request from stdin and sends it over kept-alive connections, each its next one as soon as the answer
is there. Prints JSON: count, failed (no 2xx), seconds, and the latencies p50_ms and p99_ms.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any


def request(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request to loopback."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{head}\r\n".encode() + content


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one whole answer; its status and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = await reader.readexactly(length) if length else b""
    return int(head.split(b" ", 2)[1]), body


async def _caller(port: int, sent: bytes, until: float, latencies: list[float]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    failed = 0
    while (began := time.perf_counter()) < until:
        writer.write(sent)
        status, _ = await answer(reader)
        latencies.append(time.perf_counter() - began)
        failed += not 200 <= status < 300
    writer.close()
    return failed


async def _run(port: int, connections: int, seconds: float, sent: bytes) -> dict[str, float]:
    latencies: list[float] = []
    began = time.perf_counter()
    callers = (_caller(port, sent, began + seconds, latencies) for _ in range(connections))
    failed = sum(await asyncio.gather(*callers))
    took = time.perf_counter() - began
    latencies.sort()
    return {
        "count": len(latencies),
        "failed": failed,
        "seconds": took,
        "p50_ms": 1000 * latencies[len(latencies) // 2],
        "p99_ms": 1000 * latencies[int(len(latencies) * 0.99)],
    }


def load(port: int, connections: int, seconds: float, sent: bytes) -> dict[str, float]:
    """Have the generator run beside this process.

    Raises:
        RuntimeError: a request was not answered with 2xx.
    """
    command = [sys.executable, "-m", "benchmarks.http_load", str(port), str(connections), str(seconds)]
    made = subprocess.run(command, input=sent, stdout=subprocess.PIPE, check=True, timeout=seconds + 60)
    found: dict[str, float] = json.loads(made.stdout)
    if found["failed"]:
        raise RuntimeError(f"{found['failed']:.0f} of {found['count']:.0f} requests failed")
    return found


if __name__ == "__main__":
    _port, _connections, _seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    print(json.dumps(asyncio.run(_run(_port, _connections, _seconds, sys.stdin.buffer.read()))))
