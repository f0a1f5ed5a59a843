"""A way by which sites are reached, and what it refuses: straight to them, or by a forward proxy.

Every socket is opened by our own factory, which sees the very address that is dialled and refuses what
`leadmill.egress` refuses. By a proxy only the proxy is dialled, and each target is judged before it is sent.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from leadmill.egress import Network, as_address, refuse_address, refuse_target
from tasks.scraping.connections import Connector, SharingRequest
from tasks.scraping.dns import Resolver
from tasks.scraping.places import CONCURRENCY, CONCURRENCY_PER_HOST, MOST_SLOW

#: Refusals of the guard during the present request: the connector reports them as plain connection failures.
refusals: ContextVar[list[str]] = ContextVar("refusals")


class Route:
    """The session of one crawl by one way.

    Raises:
        ValueError: the proxy's URL is not `http://host:port`.
    """

    def __init__(self, allow: Sequence[Network], proxy: str | None) -> None:
        self._allow = allow
        self.proxy = proxy
        self._proxy_host, self._proxy_port = _proxy_address(proxy)
        #: Addresses of the proxy: itself when it is one, else what its name resolved to.
        self._proxy_at = {self._proxy_host} if self._proxy_host and as_address(self._proxy_host) else set[str]()
        #: Why a target is refused, by its scheme, host and port.
        self._judged: dict[str, str | None] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, opened in the running loop at first use."""
        if self._session is None:
            connector = Connector(
                limit=CONCURRENCY + MOST_SLOW,
                # Through a proxy all plain requests are for one host, the proxy; Scrapy's slots bound each site's.
                limit_per_host=CONCURRENCY_PER_HOST if self.proxy is None else 0,
                resolver=Resolver(self._proxy_host, self._proxy_at),
                socket_factory=self._open_socket,
                ttl_dns_cache=60,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                request_class=SharingRequest,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=65_536,
                max_field_size=65_536,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        return self._session

    def refuse(self, url: str) -> str | None:
        """Why a URL must not be handed to the proxy; without a proxy the socket factory decides."""
        if self.proxy is None:
            return None
        # By what stands before the path: nothing else is looked at.
        origin = "/".join(url.split("/", 3)[:3])
        if origin not in self._judged:
            is_proxy = (urlsplit(url).hostname or "").rstrip(".") == self._proxy_host
            refused = "the proxy itself is not a target" if is_proxy else refuse_target(url, self._allow)
            self._judged[origin] = refused
        return self._judged[origin]

    def _open_socket(self, info: Any) -> socket.socket:
        family, kind, proto, _, at = info
        reason: str | None
        if self.proxy is None:
            reason = refuse_address(str(at[0]), int(at[1]), self._allow)
        else:  # who names a proxy vouches for its address, and for no other
            is_proxy = at[0] in self._proxy_at and at[1] == self._proxy_port
            reason = None if is_proxy else "only the proxy is dialled"
        if reason is not None:
            refusals.get([]).append(reason)
            raise PermissionError(reason)
        opened = socket.socket(family, kind, proto)
        opened.setblocking(False)
        return opened

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


def _proxy_address(proxy: str | None) -> tuple[str | None, int | None]:
    if proxy is None:
        return None, None
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("the proxy must be given as http://host:port")
    return parts.hostname, parts.port or 80
