"""What a failed request means: its category, a sentence for the error row, and whether a repeat makes sense."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    UnsupportedURLSchemeError,
)

from leadmill.errors import ErrorCategory, ErrorCode
from leadmill.redaction import redacted
from tasks.scraping.download import CrawlEndedError, NotHtmlError, RefusedTargetError, TooLargeError

#: Statuses after which one repeat is worth its cost.
REPEATABLE = frozenset({429, 500, 502, 503, 504})

_STATUS_WORDS = {
    401: "asks for a login",
    403: "refuses access",
    404: "does not exist",
    410: "is gone",
    429: "answers that we ask too often",
    451: "is withheld for legal reasons",
}


#: Our own refusals: category, and the sentence around the exception's text.
_OWN: tuple[tuple[type[Exception], ErrorCategory, str], ...] = (
    (RefusedTargetError, ErrorCategory.DATA, "address refused: {}"),
    (TooLargeError, ErrorCategory.DATA, "the page is {}"),
    (NotHtmlError, ErrorCategory.DATA, "not an HTML page ({})"),
    (CrawlEndedError, ErrorCategory.SYSTEM, "{} before the page arrived"),
    (UnsupportedURLSchemeError, ErrorCategory.DATA, "not a URL that can be fetched"),
)


class PageError(IgnoreRequest):
    """A page that one of our own middlewares decided not to fetch."""

    def __init__(self, failure: Fault) -> None:
        super().__init__(failure.error)
        self.fault = failure


class SeenPageError(IgnoreRequest):
    """A redirect onto a page that the company already has: nothing is missing."""


@dataclass(frozen=True)
class Fault:
    """Why a page is missing."""

    category: ErrorCategory
    error: str
    #: A second try may succeed.
    repeat: bool = False
    #: The host could not be reached at all by this scheme.
    unreachable: bool = False
    #: Of what is unreachable: it let us wait, or even took the request before; it has no address; its certificate is
    #: not valid.
    timed_out: bool = False
    hung: bool = False
    unresolved: bool = False
    untrusted: bool = False
    status: int | None = None
    #: The host wants to be asked later, and when, where that is known: seconds since the epoch.
    later: bool = False
    until: float | None = None
    #: What stands in the page's place, where that is known.
    code: ErrorCode | None = None


def fault_of_status(status: int, *, later: bool = False, until: float | None = None) -> Fault:
    """A response that is no page because of its HTTP status.

    Args:
        later: the host says when to come again.
        until: that time, seconds since the epoch, where it can be read.
    """
    repeat = status in REPEATABLE
    category = ErrorCategory.NETWORK if repeat or status >= 500 or status == 408 else ErrorCategory.DATA
    words = _STATUS_WORDS.get(status)
    if words is None:
        words = "answers with a server error" if status >= 500 else "gives no page"
    error = f"the page {words} (HTTP {status})"
    if until is None or not repeat:
        return Fault(category, error, repeat=repeat, status=status, later=later)
    error += f", come again at {clock(until)}"
    return Fault(category, error, repeat=True, status=status, later=True, until=until)


def clock(at: float) -> str:
    """A time (seconds since the epoch) as errors tell it, to the minute: many that say the same are counted as one."""
    return datetime.fromtimestamp(at + 59.999, UTC).strftime("%Y-%m-%d %H:%M UTC")


def fault_of(error: BaseException) -> Fault:
    """A request that ended in an exception."""
    if isinstance(error, PageError):
        return error.fault
    for kind, category, words in _OWN:
        if isinstance(error, kind):
            return Fault(category, words.format(error))
    if isinstance(error, IgnoreRequest):
        return _ignored(str(error))
    if isinstance(error, DownloadConnectionRefusedError):
        return _unconnected(error.__cause__)
    if isinstance(error, DownloadFailedError):
        return _broken(error.__cause__)
    return _network(error)


def _ignored(message: str) -> Fault:
    """Scrapy's own refusals, told apart by their texts: it has one class for all."""
    if "redirections" in message:
        return Fault(ErrorCategory.DATA, "too many redirects")
    if "DOWNLOAD_MAXSIZE" in message:
        return Fault(ErrorCategory.DATA, "the page is larger than 2 MB after decompression")
    return Fault(ErrorCategory.DATA, redacted(message)[:200] or "the request was dropped")


def _network(error: BaseException) -> Fault:
    network = ErrorCategory.NETWORK
    if isinstance(error, DownloadTimeoutError):
        hung = not isinstance(error.__cause__, aiohttp.ConnectionTimeoutError)
        words = f"no {'answer' if hung else 'connection'} in time"
        return Fault(network, words, unreachable=True, timed_out=True, hung=hung)
    if isinstance(error, CannotResolveHostError):
        again = _os_error(error).errno == socket.EAI_AGAIN
        words = "the host name cannot be resolved"
        return Fault(network, words, repeat=again, unreachable=True, unresolved=True)
    if isinstance(error, OSError):
        return Fault(network, "the connection broke off", repeat=True, unreachable=True)
    return Fault(ErrorCategory.SYSTEM, f"unexpected {type(error).__name__}: {redacted(str(error))[:200]}")


def _unconnected(cause: BaseException | None) -> Fault:
    network = ErrorCategory.NETWORK
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        words = f"the TLS certificate is not valid: {_certificate(cause)}"
        return Fault(network, words, unreachable=True, untrusted=True)
    if isinstance(cause, aiohttp.ClientConnectorSSLError | ssl.SSLError):
        return Fault(network, "no TLS connection is possible", unreachable=True)
    if isinstance(cause, aiohttp.ClientProxyConnectionError):
        return Fault(ErrorCategory.SYSTEM, "the operator's proxy cannot be reached", repeat=True)
    return Fault(network, "the connection is refused", repeat=True, unreachable=True)


def _broken(cause: BaseException | None) -> Fault:
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return Fault(ErrorCategory.NETWORK, f"the proxy refuses the host (HTTP {cause.status})", unreachable=True)
    if isinstance(cause, aiohttp.ClientResponseError):
        return Fault(ErrorCategory.DATA, "the answer is not valid HTTP", unreachable=True)
    return Fault(ErrorCategory.NETWORK, "the connection broke off", repeat=True, unreachable=True)


def _os_error(error: BaseException) -> OSError:
    cause = error.__cause__
    inner = getattr(cause, "os_error", cause)
    return inner if isinstance(inner, OSError) else OSError()


def _certificate(cause: aiohttp.ClientConnectorCertificateError) -> str:
    inner = cause.certificate_error
    return str(getattr(inner, "verify_message", "") or inner)[:120]
