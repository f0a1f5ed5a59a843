"""Cookies of one company during one crawl: some sites let nobody in who does not send back what they set.

They are held in memory and forgotten with the crawl; no file and no row has more of them than their names. What sites
send is not to be trusted: count and sizes are bounded, and a cookie goes only to the host that set it, or to that
host's own registrable domain where it asks for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from email.utils import mktime_tz, parsedate_tz
from typing import NamedTuple
from urllib.parse import urlsplit

from leadmill.ids import registrable_domain

#: Cookies held; the oldest goes first.
MAX_COOKIES = 20
#: Of one cookie with its attributes, bytes, and of all that is sent in one request.
MAX_COOKIE = 4_096
MAX_SENT = 8_192
#: `Set-Cookie` headers looked at in one answer.
MAX_SET = 20

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}\Z")
#: What a header may hold; a cookie with anything else is not sent back.
_VALUE = re.compile(rb"[ -~]*\Z")


class _Cookie(NamedTuple):
    name: bytes
    value: bytes
    #: Where it is sent to: this host, and with `below` all names below it.
    host: str
    below: bool
    path: str
    secure: bool

    def is_for(self, scheme: str, host: str, path: str) -> bool:
        if self.secure and scheme != "https":
            return False
        if not (_within(host, self.host) if self.below else host == self.host):
            return False
        return path == self.path or path.startswith(self.path.rstrip("/") + "/")


class CookieJar:
    """What a company's hosts have set so far."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[bytes, str, str], _Cookie] = {}
        #: Grows with each change: a page asked for again with other cookies may answer otherwise.
        self.version = 0

    def __len__(self) -> int:
        return len(self._cookies)

    def take(self, url: str, headers: Iterable[bytes]) -> None:
        """Take the `Set-Cookie` headers of an answer."""
        for number, header in enumerate(headers):
            if number >= MAX_SET:
                return
            cookie, gone = _read(header, url) if len(header) <= MAX_COOKIE else (None, False)
            if cookie is None:
                continue
            key = (cookie.name, cookie.host, cookie.path)
            if gone:
                self.version += self._cookies.pop(key, None) is not None
            elif self._cookies.get(key) != cookie:
                self._cookies.pop(key, None)
                if len(self._cookies) >= MAX_COOKIES:
                    self._cookies.pop(next(iter(self._cookies)))
                self._cookies[key] = cookie
                self.version += 1

    def header(self, url: str) -> bytes | None:
        """What goes into a request's `Cookie` header, the longest paths first."""
        scheme, host, path = _place(url)
        fit = [cookie for cookie in self._cookies.values() if cookie.is_for(scheme, host, path)]
        sent: list[bytes] = []
        left = MAX_SENT
        for cookie in sorted(fit, key=lambda cookie: -len(cookie.path)):
            pair = cookie.name + b"=" + cookie.value
            left -= len(pair) + 2
            if left < 0:
                break
            sent.append(pair)
        return b"; ".join(sent) or None


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.path or "/"


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def _read(header: bytes, url: str) -> tuple[_Cookie | None, bool]:
    """The cookie that a header sets, and whether it is thereby deleted; None where it must not be set."""
    pair, *attributes = header.split(b";")
    name, equals, value = (part.strip() for part in pair.partition(b"="))
    if not equals or not _NAME.match(name) or not _VALUE.match(value):
        return None, False
    _, host, path = _place(url)
    below, folder = False, path.rpartition("/")[0] or "/"
    said: dict[str, str] = {}
    for attribute in attributes:
        key, _, word = attribute.partition(b"=")
        said[key.strip().lower().decode("latin-1")] = word.strip().decode("latin-1")
    if domain := said.get("domain", "").lower().lstrip(".").rstrip("."):
        own = registrable_domain(host)
        if not (_within(host, domain) and _within(domain, own)):
            return None, False
        below, host = True, domain
    if said.get("path", "").startswith("/"):
        folder = said["path"]
    if not _keeps_its_promise(name.lower(), said, path=folder):
        return None, False
    return _Cookie(name, value, host, below, folder, "secure" in said), _is_over(said)


def _keeps_its_promise(name: bytes, said: dict[str, str], *, path: str) -> bool:
    """Whether a cookie whose name makes a promise about it (RFC 6265bis, 4.1.3) keeps that."""
    if name.startswith(b"__host-"):
        return "secure" in said and not said.get("domain") and path == "/" and "path" in said
    return "secure" in said or not name.startswith(b"__secure-")


def _is_over(said: dict[str, str]) -> bool:
    age = said.get("max-age", "")
    if age.removeprefix("-").isdecimal() and age.isascii():
        return age.startswith("-") or not age.strip("0")
    until = said.get("expires", "")[:60]
    try:
        at = parsedate_tz(until) if until else None
        return at is not None and mktime_tz(at) <= time.time()
    except (ValueError, OverflowError, TypeError, IndexError):
        return False
