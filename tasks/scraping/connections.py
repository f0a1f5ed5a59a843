"""Connections of a crawl: how long one is dialled for, who may share one, and what it means when one fails."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    UnsupportedURLSchemeError,
)
from scrapy.settings import Settings
from scrapy.utils.ssl import _make_ssl_context

#: Seconds to dial: an address that does not even take a connection is not waited for as long as an answer.
CONNECT_S = 5.0

#: What aiohttp raises, and as what Scrapy knows it.
_KNOWN: tuple[tuple[type[Exception], type[Exception]], ...] = (
    (TimeoutError, DownloadTimeoutError),
    (aiohttp.InvalidUrlClientError, UnsupportedURLSchemeError),
    (aiohttp.NonHttpUrlClientError, UnsupportedURLSchemeError),
    (aiohttp.ClientConnectorDNSError, CannotResolveHostError),
    (aiohttp.ClientConnectorError, DownloadConnectionRefusedError),
    (aiohttp.ClientError, DownloadFailedError),
)


@lru_cache(maxsize=1)
def ssl_context() -> ssl.SSLContext:
    """The process's TLS context, verifying; loading the system's certificates costs about 20 ms."""
    return _make_ssl_context(Settings({"DOWNLOAD_VERIFY_CERTIFICATES": True}))


def scrapys(error: aiohttp.ClientError | TimeoutError) -> Exception:
    """A failed request, as Scrapy calls it."""
    return next(known(str(error)) for kind, known in _KNOWN if isinstance(error, kind))


class Connector(aiohttp.TCPConnector):
    """One that does not dial for as long as an answer may take."""

    async def _wrap_create_connection(self, *args: Any, **kwargs: Any) -> Any:
        """A connection, taken within `CONNECT_S`. For TLS there is the time of the request: a busy server is late."""
        factory, *rest = args
        async with asyncio.timeout(CONNECT_S) as dialling:

            def is_taken() -> Any:
                dialling.reschedule(None)
                return factory()

            return await super()._wrap_create_connection(is_taken, *rest, **kwargs)


class SharingRequest(aiohttp.ClientRequest):
    """Plain requests through a proxy share its connections: it reads from each for whom that is.

    A tunnel through it (https) is its host's alone, as is every connection without a proxy.
    """

    @property
    def connection_key(self) -> ConnectionKey:
        """What two requests have in common that may take the same connection."""
        key = super().connection_key
        return key if self.proxy is None or key.is_ssl else key._replace(host="", port=None)
