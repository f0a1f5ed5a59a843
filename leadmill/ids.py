"""Identities: job ids, and what makes two URLs the same company."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import idna

from leadmill.errors import InputError, NotFoundError
from leadmill.redaction import shown_address

JOB_ID = re.compile(r"job_[0-9a-z]{20}\Z")
AUDIT_ID = re.compile(r"aud_[0-9a-hjkmnp-tv-z]{20}\Z")
COMPANY_ID = re.compile(r"comp_[0-9a-f]{16}\Z")
#: Longest URL taken from outside, characters.
MAX_URL = 2_000
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
#: Last labels that no registry has, set apart by RFC 2606, RFC 6762 and ICANN.
_SET_APART = frozenset({"example", "test", "local", "localhost", "internal"})
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")


def new_job_id() -> str:
    """A new id that sorts by time."""
    return job_id_at(time.time_ns() // 1_000_000, secrets.randbits(50))


def job_id_at(ms: int, tail: int) -> str:
    """The id of a time (milliseconds since the epoch) and 50 more bits: `job_` + 20 digits, base 32."""
    return "job_" + _digits(ms << 50 | tail)


def audit_id_at(ms: int, sequence: int, place: int) -> str:
    """The id of an audit entry: `aud_` + 20 digits, base 32. It sorts as the three numbers do.

    `ms` since the epoch and `sequence` (38 bits) name what was written together, `place` (12 bits) the entry in it.
    """
    return "aud_" + _digits(ms << 50 | sequence << 12 | place)


def audit_place(entry_id: str) -> tuple[int, int, int]:
    """The three numbers of `audit_id_at`."""
    number = 0
    for digit in entry_id.removeprefix("aud_"):
        number = number * 32 + _ALPHABET.index(digit)
    return number >> 50, number >> 12 & (1 << 38) - 1, number & 0xFFF


def _digits(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(95, -1, -5))


def job_time(job_id: str) -> float:
    """When a job's id was made (seconds since the epoch)."""
    number = 0
    for digit in job_id.removeprefix("job_")[:10]:
        number = number * 32 + max(0, _ALPHABET.find(digit))
    return number / 1000


def company_id(domain: str) -> str:
    """`comp_` + the first 16 hex digits of sha256(registrable domain)."""
    return "comp_" + hashlib.sha256(domain.encode()).hexdigest()[:16]


@cache
def _suffixes() -> Any:
    import tldextract

    return tldextract.TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True, extra_suffixes=sorted(_shared()[0])
    )


@cache
def _shared() -> tuple[frozenset[str], frozenset[str]]:
    """Hosts below which each name is a company of its own, and names that are the host's owner's there."""
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files(__package__).joinpath("shared_hosts.toml").read_text("utf-8"))
    return frozenset(data["hosts"]), frozenset(data["own"])


def has_known_suffix(host: str) -> bool:
    """Whether a host ends as hosts do: in a public suffix, or in a name set apart for examples and networks."""
    host = host.rstrip(".").lower()
    return host.rpartition(".")[2] in _SET_APART or bool(_suffixes()(host).suffix)


@lru_cache(maxsize=65_536)
def registrable_domain(host: str) -> str:
    """The domain that names the company of a host, private public suffixes included.

    `www.acme.co.uk` → `acme.co.uk`; `foo.myshopify.com` stays (its suffix is `myshopify.com`), and so does
    `foo.business.site` (`shared_hosts.toml`), but not `www.weebly.com`. A host without a known suffix keeps its last
    two labels; an IP address keeps itself.
    """
    if _as_address(host) is not None or "." not in host:
        return host
    found = _suffixes()(host)
    if found.suffix:
        hosts, own = _shared()
        if found.suffix in hosts and found.domain in own:
            return str(found.suffix)
        return str(found.top_domain_under_public_suffix or host)
    return ".".join(host.split(".")[-2:])


def _as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True)
class CompanyUrl:
    """One company as named by a caller: `url` is where its crawl begins."""

    company_id: str
    domain: str
    url: str
    #: The caller named no scheme: https is tried first, then http.
    bare: bool = False


def parse_company_url(text: str) -> CompanyUrl:
    """Read a URL or a bare host from outside.

    Raises:
        InputError: empty, too long, another scheme than http(s), credentials, or no valid host.
    """
    text = text.strip()
    if not text:
        raise InputError("empty URL")
    if len(text) > MAX_URL:
        raise InputError(f"URL longer than {MAX_URL} characters")
    if re.search(r"[\s\x00-\x1f\x7f\\<>\"]", text):
        raise InputError(f"not a URL: {_told(text)} holds spaces or characters that no URL has")
    bare = "://" not in text
    if bare and re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:(?!\d)", text):
        raise InputError(f"not an http or https URL: {_told(text)}")
    try:
        parts = urlsplit(f"https://{text}" if bare else text)
        port = parts.port
    except ValueError as error:
        why = "" if "@" in text else f" ({error})"  # which may quote a password
        raise InputError(f"not a URL: {_told(text)}{why}") from error
    if parts.scheme.lower() not in ("http", "https"):
        raise InputError(f"not an http or https URL: {_told(text)}")
    if "@" in parts.netloc:
        raise InputError("a URL with a user name or password in it is not accepted")
    host = normal_host(parts.hostname or "")
    domain = registrable_domain(host)
    shown = f"[{host}]" if ":" in host else host
    if port is not None:
        shown = f"{shown}:{port}"
        if "." not in host or _as_address(host) is not None:
            domain = shown
    url = urlunsplit((parts.scheme.lower(), shown, parts.path or "/", parts.query, ""))
    return CompanyUrl(company_id(domain), domain, url, bare)


def _told(text: str) -> str:
    """What was given, as a message may repeat it."""
    return repr(shown_address(text)[:80])


def company_domain(url: str) -> str | None:
    """The company domain a page's URL belongs to, or None when it has no valid host."""
    try:
        return parse_company_url(url).domain
    except InputError:
        return None


def normal_host(host: str) -> str:
    """Lower-case ASCII (IDNA) form of a host name or an address.

    Raises:
        InputError: not a host name.
    """
    host = host.rstrip(".").lower()
    address = _as_address(host)
    if address is not None:
        return str(address)
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode().lower()
        except idna.IDNAError as error:
            raise InputError(f"not a host name: {host[:80]!r}") from error
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        raise InputError(f"not a host name: {host[:80]!r}")
    if labels[-1].isdigit():
        raise InputError(f"not a host name or address: {host[:80]!r}")
    if len(labels) == 1 and host != "localhost":
        raise InputError(f"{host[:80]!r} is no web address: a host has a dot, like example.com")
    return host


def job_id_of(text: str) -> str:
    """A text that is the id of a job, so that no caller can name another folder by it.

    Raises:
        NotFoundError: it is none.
    """
    if not JOB_ID.match(text):
        raise NotFoundError(f"no job {text[:60]!r}")
    return text
