"""Serves the sample sites on 127.0.0.1: as a forward proxy (`GET http://host/path`) and by Host header.

CONNECT is answered 502 at once, so a crawler that tries https first goes on to http. Every request is
counted. `python -m cli.sample_sites.server --port 8090` runs it alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from urllib.parse import urlsplit

from cli.sample_sites.bulk import bulk_answer, bulk_sites
from cli.sample_sites.hostile import trap
from cli.sample_sites.sites import NOT_FOUND, Answer, Company, companies_by_host, plain_text, redirect
from cli.sample_sites.truth import company_urls, expected
from leadmill.sample_sites import SampleSites

__all__ = ["SampleServer", "bulk_sites", "company_urls", "expected"]

_ADDRESS = "127.0.0.1"
#: Longest request head and body that are read, bytes.
_MAX_HEAD, _MAX_BODY = 65_536, 65_536


def _gateway_error(reason: str) -> Answer:
    """What a proxy says when it cannot reach a host (the `Proxy-Status` of RFC 9209)."""
    return Answer(502, b"", "text/plain", (("Proxy-Status", f"sample-sites; error={reason}"),))


@dataclass(frozen=True)
class _Request:
    method: str
    host: str
    port: int
    path: str
    query: str
    keep_alive: bool


class SampleServer:
    """The sample sites on a port of 127.0.0.1, served by a thread of this process.

    Use as a context manager. `url` is what a crawler takes as its HTTP proxy. Port 0 takes a free one;
    `delay_s` is waited before every answer, besides a site's own delay.
    """

    def __init__(self, port: int = 0, *, delay_s: float = 0.0) -> None:
        self.port = port
        self.delay_s = delay_s
        #: Hosts that cannot be reached just now, beside the companies that never can.
        self.down: set[str] = set()
        self._lock = threading.Lock()
        self._hits: Counter[tuple[str, str]] = Counter()
        self._greeted: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> SampleServer:
        return self.start()

    def start(self) -> SampleServer:
        """Serve from now on, until `stop`.

        Raises:
            OSError: the port is taken.
            OverflowError: it is no port.
        """
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="sample-sites", daemon=True)
        self._thread.start()
        started.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and its connections; nothing happens when it does not run."""
        if self._thread is None or self._loop is None or self._stopped is None:
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._thread = None

    def wait(self) -> None:
        """Serve until the server is stopped."""
        if self._thread is not None:
            self._thread.join()

    @property
    def url(self) -> str:
        """The server's own address, which is the proxy's URL."""
        return f"http://{_ADDRESS}:{self.port}"

    @property
    def known_as(self) -> SampleSites:
        """What the other processes of a stack are told of them; the numbered ones for load tests are not among them."""
        return SampleSites(self.url, frozenset(companies_by_host()), tuple(company_urls()))

    @property
    def hits(self) -> Counter[tuple[str, str]]:
        """Requests so far by (host, path without query), those for unknown hosts included; a copy."""
        with self._lock:
            return Counter(self._hits)

    def reset(self) -> None:
        """Forget the hits, and whom a site with a `first_answer` has already greeted."""
        with self._lock:
            self._hits.clear()
            self._greeted.clear()

    def _run(self, started: Future[None]) -> None:
        asyncio.run(self._serve(started))

    async def _serve(self, started: Future[None]) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        connections: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._connection(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        try:
            # asyncio sets TCP_NODELAY on every connection itself.
            server = await asyncio.start_server(connected, _ADDRESS, self.port, limit=_MAX_HEAD, backlog=1_024)
        except Exception as error:  # whatever it is: somebody waits for the start
            started.set_exception(error)
            return
        self.port = server.sockets[0].getsockname()[1]
        started.set_result(None)
        await self._stopped.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            keep_alive = True
            while keep_alive:
                request = await _read_request(reader)
                keep_alive = request.keep_alive
                answer = await self._answer(request)
                writer.write(_wire(answer, head_only=request.method == "HEAD", keep_alive=keep_alive))
                await writer.drain()
        except _BadRequestError:
            writer.write(_wire(Answer(400), head_only=False, keep_alive=False))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, between requests or in the middle of one
        finally:
            writer.close()

    async def _answer(self, request: _Request) -> Answer:
        if request.method == "CONNECT":
            return _gateway_error("connection_refused")
        if request.host in (_ADDRESS, "localhost") and request.port == self.port:
            return self._own(request)
        with self._lock:
            self._hits[request.host, request.path] += 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        company = companies_by_host().get(request.host)
        if company is None:
            return bulk_answer(request.host, request.path) or _gateway_error("dns_error")
        if company.delay_s:
            await asyncio.sleep(company.delay_s)
        return self._company(company, request)

    def _company(self, company: Company, request: _Request) -> Answer:
        if company.down or request.host in self.down:
            return _gateway_error("connection_refused")
        if request.method not in ("GET", "HEAD"):
            return plain_text("only GET and HEAD here", 405)
        if request.host in company.redirected_from:
            query = f"?{request.query}" if request.query else ""
            return redirect(f"http://{company.host}{request.path}{query}")
        if company.first_answer and request.path not in ("/robots.txt", "/sitemap.xml"):
            with self._lock:
                first = request.host not in self._greeted
                self._greeted.add(request.host)
            if first:
                return Answer(company.first_answer, headers=(("Retry-After", "1"),))
        if company.hostile and (answer := trap(request.path)):
            return answer
        return company.answers.get(request.path, NOT_FOUND)

    def _own(self, request: _Request) -> Answer:
        match request.method, request.path:
            case "GET", "/__hits__":
                counted: dict[str, dict[str, int]] = {}
                for (host, path), count in sorted(self.hits.items()):
                    counted.setdefault(host, {})[path] = count
                return Answer(body=json.dumps(counted, indent=1).encode(), content_type="application/json")
            case "POST", "/__reset__":
                self.reset()
                return Answer(204)
            case "GET", "/":
                return plain_text("".join(f"curl -x {self.url} http://{host}/\n" for host in companies_by_host()))
        return NOT_FOUND


class _BadRequestError(Exception):
    """What came is not a request that this server reads."""


async def _read_request(reader: asyncio.StreamReader) -> _Request:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        method, target, version = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= _MAX_BODY or "transfer-encoding" in headers:
            raise _BadRequestError
        await reader.readexactly(length)
        # In the proxy's form the target names the host and outranks the Host header.
        parts = urlsplit(f"//{headers.get('host', '')}{target}" if target.startswith("/") else target)
        host, port = parts.hostname or "", parts.port or 80
    except (ValueError, asyncio.LimitOverrunError) as error:
        raise _BadRequestError from error
    asked = f"{headers.get('connection', '')},{headers.get('proxy-connection', '')}".lower()
    keep_alive = version == "HTTP/1.1" and "close" not in asked and method != "CONNECT"
    return _Request(method, host.rstrip("."), port, parts.path or "/", parts.query, keep_alive)


def _wire(answer: Answer, *, head_only: bool, keep_alive: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    if answer.status != HTTPStatus.NO_CONTENT:
        lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (b"" if head_only else answer.body)


def main() -> None:
    """Run the server until it is interrupted."""
    parser = argparse.ArgumentParser(description="Serve Leadmill's sample company sites on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free port (default: 8090)")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="wait before every answer")
    options = parser.parse_args()
    try:
        with SampleServer(options.port, delay_s=options.delay) as server:
            sys.stdout.write(f"{server.url}\n")
            sys.stdout.flush()
            server.wait()
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on port {options.port}: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
