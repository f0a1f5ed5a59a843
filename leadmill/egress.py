"""Which addresses Leadmill may dial: the one rule behind crawling and any other outgoing request.

Two questions, both pure: may this very socket address be dialled (`refuse_address`, asked at dial time, so
that no name, redirect or rebinding gets past it), and may this URL be handed to a forward proxy, which dials
where we cannot look (`refuse_target`). An answer is None, or the reason in words.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Ports of web sites. Any other is open only on addresses that the operator allows.
WEB_PORTS = frozenset({80, 443, 8080, 8443})

#: Last labels that never name a public site (RFC 6761, 6762, 7686, 8375, 9476, those that ICANN holds back because
#: private networks use them, and what routers, clusters and directories commonly call theirs; none is delegated).
#: `.example` is absent: it is what demonstrations behind a proxy use.
SPECIAL_SUFFIXES = frozenset(
    "alt arpa corp home internal intranet invalid lan local localdomain localhost mail onion private test "
    "belkin cluster consul dlink docker domain fritz gateway intra k8s kubernetes lcl localnet node priv router "
    "service svc swarm workgroup".split()
)
#: Where clouds tell a machine its own secrets. Some of these lie inside public blocks, or inside a network that an
#: operator may well allow (100.64.0.0/10, fd00::/8): only a block of just that address opens one.
METADATA: frozenset[Address] = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "168.63.129.16",  # Azure
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "169.254.169.254",  # most others
        "169.254.170.2",  # containers on AWS
        "169.254.170.23",
        "169.254.0.23",  # Tencent
        "169.254.42.42",  # Scaleway
        "100.96.0.96",  # Volcengine
        "100.80.80.80",  # UCloud
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
    )
)
#: Names of the same under public suffixes: a proxy in such a cloud would resolve them.
_METADATA_NAMES = (
    ".metadata.goog",
    ".api.metadata.cloud.ibm.com",
    ".metadata.tencentyun.com",
    ".metadata.packet.net",
    ".metadata.platformequinix.com",
    ".metadata.exoscale.com",
)

_LOOPBACK = ipaddress.ip_address("127.0.0.1")
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
#: Blocks that `is_global` of some Python versions lets through although they lead to this or a special network.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(block) for block in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Interface identifiers that carry an IPv4 address (ISATAP, RFC 5214), without its universal bit.
_ISATAP = 0x0000_5EFE
#: What `inet_aton` may be asked about: it reads `127.1`, `0x7f000001` and `017700000001`.
_NUMBERS = re.compile(r"[0-9a-fx.]{1,60}\Z")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*\Z")


def parse_allow(cidrs: Iterable[str]) -> tuple[Network, ...]:
    """The operator's networks (`LEADMILL_EGRESS_ALLOW`) as objects.

    Raises:
        ValueError: an entry is no CIDR block.
    """
    return tuple(ipaddress.ip_network(cidr, strict=False) for cidr in cidrs)


def refuse_address(
    address: str | Address, port: int, allow: Sequence[Network] = (), ports: Collection[int] = WEB_PORTS
) -> str | None:
    """Why this socket address must not be dialled, or None when it may.

    Public unicast addresses pass on these `ports`, addresses inside `allow` on any; those of `METADATA` only
    when `allow` names the very address. IPv4 carried in IPv6 (mapped, NAT64) is judged as the IPv4 address it reaches.
    """
    try:
        shown = ipaddress.ip_address(address) if isinstance(address, str) else address
    except ValueError:
        return f"{str(address)[:60]!r} is not an IP address"
    reached = _unwrap(shown)
    secret = _is_secret(reached, allow)
    if not secret and (_inside(shown, allow) or _inside(reached, allow)):
        return None
    if secret or not _is_public(reached):
        return f"{shown} is not a public address"
    if port not in ports:
        return f"port {port} is not a web port" if ports is WEB_PORTS else f"port {port} is none of this service"
    return None


def refuse_target(url: str, allow: Sequence[Network] = ()) -> str | None:
    """Why this URL must not be handed to a forward proxy, or None when it may.

    Refused are other schemes than http(s), IP addresses in any spelling, names without a dot, special-use
    suffixes and ports outside `WEB_PORTS`; an address (or `localhost`) inside `allow` passes on any port.
    What a public name leads to is for the proxy to judge: only the proxy sees it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme[:20]!r} is not http or https"
    if parts.username is not None or parts.password is not None:
        return "the URL carries a user name or password"
    port = (443 if parts.scheme == "https" else 80) if port is None else port
    host = unicodedata.normalize("NFKC", host).lower().rstrip(".")
    address = as_address(host)
    if address is not None:
        reached = _unwrap(address)
        allowed = _inside(address, allow) or _inside(reached, allow)
        allowed = allowed and not _is_secret(reached, allow)
        return None if allowed else f"{host[:60]} is an IP address, and only names are crawled through a proxy"
    if is_loopback_name(host):
        return None if _inside(_LOOPBACK, allow) else f"{host[:60]} is this machine"
    return _refuse_name(host) or (None if port in WEB_PORTS else f"port {port} is not a web port")


def is_loopback_name(host: str) -> bool:
    """Whether a host name means this machine by definition (RFC 6761)."""
    return host == "localhost" or host.endswith(".localhost")


def as_address(host: str) -> Address | None:
    """The IP address that a host spells, also in octal, hexadecimal, decimal or short form; None for a name."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    if not _NUMBERS.match(bare):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(bare))
    except OSError:
        return None


def _refuse_name(host: str) -> str | None:
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return f"{host[:60]!r} is not a host name"
    if len(name) > 253 or not _HOST_NAME.match(name):
        return f"{host[:60]!r} is not a host name"
    if "." not in name:
        return f"{name[:60]} has no dot: it names a machine of a private network"
    last = name.rpartition(".")[2]
    if last in SPECIAL_SUFFIXES or f".{name}".endswith(_METADATA_NAMES):
        return f"names under .{last} are not public" if last in SPECIAL_SUFFIXES else f"{name[:60]} is not public"
    if last[0].isdigit():
        return f"{name[:60]} is neither a host name nor an address"
    return None


def _unwrap(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if any(address.version == block.version and address in block for block in _NOT_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        isatap = (int(address) >> 32 & 0xFDFF_FFFF) == _ISATAP
        return address in _GLOBAL_V6 and not isatap
    return True


def _inside(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_secret(address: Address, allow: Sequence[Network]) -> bool:
    """Whether it is one of `METADATA` that `allow` does not name by itself."""
    return address in METADATA and not any(n.num_addresses == 1 and n.network_address == address for n in allow)
