"""Names to addresses, in threads of their own: a lookup that hangs holds up neither others nor the end of a crawl."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from leadmill.egress import is_loopback_name

DNS_THREADS = 32


class _DnsThreads:
    """Threads for lookups, made anew in each process: threads do not survive a fork."""

    def __init__(self) -> None:
        self._pool: tuple[int, ThreadPoolExecutor] | None = None
        self._lock = threading.Lock()

    def get(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None or self._pool[0] != os.getpid():
                self._pool = (os.getpid(), ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns"))
            return self._pool[1]


_dns_threads = _DnsThreads()


class Resolver(AbstractResolver):
    """Names to addresses; `localhost` names stay on this machine without a lookup (RFC 6761).

    With a proxy, `only` its name is resolved, and what it resolves to is noted in `answers`.
    """

    def __init__(self, only: str | None, answers: set[str]) -> None:
        self._only = only
        self._answers = answers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if self._only is not None and host != self._only:
            raise PermissionError("only the proxy's name is resolved")
        if is_loopback_name(host.lower().rstrip(".")):
            found = [_result(host, "127.0.0.1", port, socket.AF_INET, 0)]
        else:
            loop = asyncio.get_running_loop()
            infos = await loop.run_in_executor(_dns_threads.get(), _look_up, host, port, family)
            found = [_result(host, str(at[0]), port, kind, proto) for kind, _, proto, _, at in infos]
        if self._only is not None:
            self._answers.update(result["host"] for result in found)
        return found

    async def close(self) -> None:
        """The threads are the process's, not this crawl's."""


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    return list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG))


def _result(host: str, address: str, port: int, family: socket.AddressFamily, proto: int) -> ResolveResult:
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=proto, flags=socket.AI_NUMERICHOST
    )
