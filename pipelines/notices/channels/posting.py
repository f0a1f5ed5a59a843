"""One POST to an address that somebody chose: every socket is judged by `leadmill.egress` as it is dialled, no redirect
is followed, and neither a slow nor an endless answer holds anybody up.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any

import httpcore2

from leadmill.egress import Network, is_loopback_name, refuse_address
from leadmill.one_line import one_line
from leadmill.redaction import shown
from leadmill.retry_after import retry_after_s
from pipelines.notices.channels.services import refuse_url

#: Seconds: for one POST from its dialling to its last byte, and of that until a connection stands.
WHOLE_S, CONNECT_S = 15.0, 5.0
#: So much of an answer is read, bytes; the rest is left.
ANSWER_BYTES = 2_048


class RefusedTargetError(Exception):
    """The egress rule forbids the address."""


class NotReachedError(Exception):
    """No answer came: the name is unknown, nobody listens, TLS failed, or it took too long."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered."""

    status: int
    #: The pause that it asks for, seconds.
    retry_after_s: float | None
    #: Where a redirect leads to.
    location: str
    #: The beginning of its body.
    text: str


def post(
    url: str, body: bytes, headers: Mapping[str, str], allow: Sequence[Network] = (), *, whole_s: float = WHOLE_S
) -> Reply:
    """Send it, and read the beginning of the answer.

    Raises:
        RefusedTargetError: the URL, or the address that its name leads to, is none that may be dialled.
        NotReachedError: there was no answer.
    """
    if (refusal := refuse_url(url, allow)) is not None:
        raise RefusedTargetError(refusal)
    guard = _Guard(allow, time.monotonic() + whole_s)
    sent: dict[bytes | str, bytes | str] = {
        **dict(headers.items()),
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    timeout = {"connect": CONNECT_S, "read": whole_s, "write": whole_s, "pool": whole_s}
    with closing(httpcore2.ConnectionPool(ssl_context=_tls(), network_backend=guard)) as pool:
        try:
            with pool.stream("POST", url, headers=sent, content=body, extensions={"timeout": timeout}) as response:
                return _read(response)
        except httpcore2.TimeoutException as error:
            raise NotReachedError(f"no answer within {whole_s:g} s") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, OSError) as error:
            raise NotReachedError(str(error)[:200] or type(error).__name__) from error


@cache
def _tls() -> SSLContext:
    return httpcore2.default_ssl_context()


def _read(response: httpcore2.Response) -> Reply:
    found = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    text = b""
    try:
        for chunk in response.iter_stream():
            text += chunk
            if len(text) >= ANSWER_BYTES:
                break
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException):
        pass  # the status has come, and it alone decides
    return Reply(
        response.status,
        retry_after_s(found.get(b"retry-after"), time.time()),
        one_line(shown(found.get(b"location", "")))[:200],
        text[:ANSWER_BYTES].decode("utf-8", "replace"),
    )


class _Guard(httpcore2.NetworkBackend):
    """Dials the very address that was judged, until a moment."""

    def __init__(self, allow: Sequence[Network], until: float) -> None:
        self._allow, self._until = allow, until
        self._dial = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        refusal, failure = None, None
        for address in _addresses(host, port):
            refused = refuse_address(address, port, self._allow)
            if refused is not None:
                refusal = refused
                continue
            try:
                left = _left(self._until, timeout)
                stream = self._dial.connect_tcp(address, port, left, local_address, socket_options)
                return _Stream(stream, self._until)
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                failure = error
        if failure is not None:
            raise failure
        raise RefusedTargetError(refusal or f"{host[:60]} has no address")


class _Stream(httpcore2.NetworkStream):
    """A connection that ends at a moment, however slowly the other side speaks."""

    def __init__(self, stream: httpcore2.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._until, timeout))
        return _Stream(stream, self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float, timeout: float | None) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time for it is over")
    return left if timeout is None else min(left, timeout)


def _addresses(host: str, port: int) -> list[str]:
    """Where a name leads to; `localhost` names stay on this machine without a lookup (RFC 6761)."""
    if is_loopback_name(host.lower().rstrip(".")):
        return ["127.0.0.1"]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host[:60]}: the name is not known") from error
    return list(dict.fromkeys(str(at[0]) for *_, at in found))
