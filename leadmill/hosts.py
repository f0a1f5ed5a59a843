"""Host names that the API answers to: what a `Host` header says, and whether it is one of ours.

A page of somebody else's may point a DNS name of its own at this machine ("rebinding") and then talks to the API as
if it were its own server; all that gives it away is the name in `Host`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

#: Always answered: no name of somebody else's is among them, and whoever stands on this machine uses them.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_USUAL_PORTS = {"http": "80", "https": "443"}
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-][a-z0-9_.-]{0,252})(?::[0-9]{0,5})?\Z")
_WILDCARD = re.compile(r"\*\.[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\Z")


def host_of(text: str) -> str | None:
    """The host that a `Host` header (or the authority of a URL) names: lower case, without port and last dot.

    IPv6 addresses come out in brackets and in their shortest form. None for anything that is no host: user names,
    spaces, an address that is none.
    """
    found = _HOST.match(text.lower())
    if found is None:
        return None
    host = found.group(1)
    if host[0] == "[":
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            return None
    host = host.removesuffix(".")
    return None if not host or ".." in host else host


def checked(entry: str) -> str:
    """An entry of `LEADMILL_ALLOWED_HOSTS` in its normal form; a port in it is dropped.

    Raises:
        ValueError: neither a host nor `*.` and a domain of two labels or more.
    """
    if entry.startswith("*"):
        if not _WILDCARD.match(entry.lower()):
            raise ValueError(f"{entry!r}: a wildcard is written *.example.com, and stands for all names below it")
        return entry.lower()
    try:
        bare = ipaddress.IPv6Address(entry)
    except ValueError:
        host = host_of(entry)
    else:
        host = f"[{bare}]"
    if host is None:
        raise ValueError(f"{entry!r} is not a host name")
    return host


def origin(text: str) -> str:
    """`https://leads.example.org` in its normal form, without a last slash; `http://` and a port may be, a path not.

    Raises:
        ValueError: it is anything else.
    """
    scheme, _, authority = text.strip().partition("://")
    scheme, authority = scheme.lower(), authority.removesuffix("/").lower()
    host = host_of(authority)
    port = authority.rpartition("]")[2].rpartition(":")[2] if ":" in authority.rpartition("]")[2] else ""
    if scheme not in _USUAL_PORTS or host is None or (port and not 0 < int(port) <= 65_535):
        raise ValueError("the API is given as https://leads.example.org, without a path")
    return f"{scheme}://{host}" + (f":{int(port)}" if port and port != _USUAL_PORTS[scheme] else "")


class AllowedHosts:
    """A set of hosts; `*.example.com` stands for every name below `example.com`, not for itself."""

    def __init__(self, entries: Iterable[str]) -> None:
        found = {checked(entry) for entry in entries}
        self._names = LOOPBACK_NAMES | {entry for entry in found if entry[0] != "*"}
        self._below = tuple(entry[1:] for entry in found if entry[0] == "*")

    def __contains__(self, header: object) -> bool:
        """Whether a `Host` header, as it was sent, names one of them."""
        host = host_of(header) if isinstance(header, str) else None
        return host is not None and (host in self._names or host.endswith(self._below))

    def __str__(self) -> str:
        return ", ".join(sorted(self._names | {f"*{domain}" for domain in self._below}))
