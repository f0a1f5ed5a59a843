"""Whom a request comes from where proxies stand before the API: only what a proxy of ours says is believed.

Of the headers that proxies write `X-Forwarded-For` alone is read, and of it the last entries, which ours have added.
A second header would be one that a proxy may pass on as the caller wrote it (`Forwarded`), and by which name and scheme
the API is known to others is said by `LEADMILL_PUBLIC_URL`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from starlette.types import Scope

#: Most entries that are looked at, from the last: so many proxies behind each other. What stands before is not read.
MAX_PROXIES = 10
#: Longest entry: an IPv6 address in brackets, with a port.
_LONGEST = 60
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?")


class TrustedProxies:
    """The networks (CIDR) of proxies whose `X-Forwarded-For` is believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: object) -> bool:
        found = _address(address) if isinstance(address, str) else None
        return found is not None and self._has(found)

    def caller_of(self, scope: Scope) -> str | None:
        """The address that a request comes from: the last in the chain that is none of our proxies.

        It is the other end of the connection where that is none of them, says nothing, or says what is no address.
        """
        peer: str | None = (scope.get("client") or (None,))[0]
        if peer is None or peer not in self:
            return peer
        lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        entries = b",".join(lines).rsplit(b",", MAX_PROXIES)[-MAX_PROXIES:] if lines else []
        first: str | None = None
        for entry in reversed(entries):
            found = _address(entry.decode("latin-1").strip(" \t")) if len(entry) <= _LONGEST else None
            if found is None:
                return peer
            first = str(found)
            if not self._has(found):
                return first
        return first or peer

    def _has(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it, perhaps with a port; IPv4 within IPv6 as what it is. None: it is none."""
    found = _WITH_PORT.fullmatch(text)
    bare = (found[1] or found[2]) if found else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return None if address.scope_id else address.ipv4_mapped or address
