"""Where the crawl of a company begins: the addresses tried one after the other until one of them has a page.

The address that was given comes first. Where it cannot be had, the same site is asked for by its other name, with
`www.` or without, and a host that was given without a scheme also by http; then the further hosts that were given
for the same company. Whoever wrote `https://` gets https, never less.

Lists hold old links: where a host answers that it has not the page it was asked for, its home page is asked next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from leadmill.errors import WALLS, ErrorCategory
from leadmill.ids import registrable_domain
from leadmill.redaction import shown_address
from tasks.scraping.contract import Seed
from tasks.scraping.failures import Fault

#: Addresses that may let us wait for nothing, beside the first https attempt of a host without a scheme.
MAX_TIMEOUTS = 2
#: Statuses that speak of the site, not of the address: asked by its other name it would say the same.
_OF_THE_SITE = frozenset({401, 429, 451})


class _Address(NamedTuple):
    url: str
    #: Written by the caller; it is tried whatever the others said.
    given: bool
    #: https is but tried: http is next.
    bare: bool
    #: Of a home page: why it is asked in place of another page of its host.
    instead: str | None = None


class Entry:
    """The addresses of one company, and what those said that had no page."""

    def __init__(self, seed: Seed, *, only_given: bool = False) -> None:
        """`only_given`: the page that was given is what is wanted, so that a home page would be none in its place."""
        self._only_given = only_given
        self._left = list(_addresses(seed))
        self._now = self._left.pop(0)
        self._may_time_out = MAX_TIMEOUTS + seed.bare
        #: Sites that took a request and said nothing for the whole of its time.
        self._hung: set[str] = set()
        self._first = _host(seed.url)
        self._met: set[str] = set()
        #: Pages that were given up for the home page of their host.
        self._given_up: set[str] = set()
        self._faults: list[tuple[str, Fault]] = []

    @property
    def url(self) -> str:
        """The address to ask now."""
        return self._now.url

    def meta(self) -> dict[str, bool | str]:
        """What a request of the present address carries.

        Whether http is next, whether it may not take long, and why it is asked in place of another.
        """
        hung = _site(self._now.url) in self._hung
        carried = {"bare": self._now.bare, "impatient": hung, "instead": self._now.instead}
        return {name: value for name, value in carried.items() if value}

    def turn(self, fault: Fault, asked: str, way: list[str]) -> bool:
        """Take note that an address had no page, and turn to the next; False when none is left.

        Args:
            way: where its redirects led, which need not be asked for again.
        """
        self._met.update((self._now.url, asked, *way))
        self._faults.append((self._now.url, fault))
        self._may_time_out -= fault.timed_out
        if fault.hung:
            self._hung.add(_site(self._now.url))
        if self._turn_home(fault):
            return True
        while self._left:
            address = self._left.pop(0)
            if address.url not in self._met and self._is_worth(address, fault):
                self._now = address
                return True
        return self._once_more()

    def _turn_home(self, fault: Fault) -> bool:
        """Turn to the home page of a host that answered that it has not the page it was asked for."""
        left, home = self._now.url, _home(self._now.url)
        if self._only_given or home is None or home in self._met or not _is_of_the_page(fault):
            return False
        self._given_up.add(left)
        self._now = _Address(home, self._now.given, bare=False, instead=f"{fault.error}: {shown_address(left)}")
        return True

    def _once_more(self) -> bool:
        """Ask the first address again when it but let us wait, and we may wait again: no other one was the repeat."""
        url, fault = self._faults[0]
        if not fault.timed_out or self._may_time_out <= 0:
            return False
        self._now, self._may_time_out = _Address(url, given=True, bare=False), 0
        return True

    def _is_worth(self, address: _Address, fault: Fault) -> bool:
        if self._may_time_out <= 0 and not address.given:
            return False
        if _host(address.url) == _host(self._now.url):
            return fault.unreachable and not fault.unresolved
        return address.given or _is_of_the_address(fault)

    def verdict(self) -> tuple[str, Fault]:
        """The address and the fault to tell when no address had a page: an answer says more than none.

        Where a site says when it may be asked again it is not over: the soonest of these.
        """
        later: dict[str, tuple[float, str, Fault]] = {}
        for url, fault in self._faults:
            if fault.until is not None:
                later.setdefault(_site(url), (fault.until, url, fault))
        if later:
            return min(later.values(), key=itemgetter(0))[1:]
        answers = [(url, fault) for url, fault in self._faults if fault.status is not None]
        ours = [(url, fault) for url, fault in self._faults if _host(url) == self._first]
        return (answers or ours[::-1] or self._faults)[0]

    def notes(self, found: str) -> Iterator[tuple[str, Fault]]:
        """Why the site was not found where it was looked for.

        A fault for each other host, for a bad certificate, and for a page that its host has not.
        """
        last: dict[str, tuple[str, Fault]] = {}
        for url, fault in self._faults:
            if _host(url) != _host(self._now.url) or fault.untrusted or url in self._given_up:
                last[_host(url)] = url, fault
        for url, fault in last.values():
            yield url, replace(fault, error=f"{fault.error}; the site was found at {found}")

    def further(self) -> list[tuple[str, bool]]:
        """The other addresses that were given, once one is found, and whether each is bare."""
        given = [address for address in self._left if address.given and address.url not in self._met]
        self._left.clear()
        return [(address.url, address.bare) for address in given]


def _addresses(seed: Seed) -> Iterator[_Address]:
    yield from _schemes(seed.url, bare=seed.bare, given=True)
    if other := _other_name(seed.url):
        yield from _schemes(other, bare=seed.bare, given=False)
    if seed.url.startswith("http://") and not _port(seed.url):
        yield _Address("https" + seed.url[4:], given=False, bare=False)
    for url, bare in seed.further:
        yield from _schemes(url, bare=bare, given=True)


def _schemes(url: str, *, bare: bool, given: bool) -> Iterator[_Address]:
    bare = bare and url.startswith("https:")
    yield _Address(url, given, bare)
    if bare:
        yield _Address("http" + url[5:], given=False, bare=False)


def _other_name(url: str) -> str | None:
    """The same address with `www.` or without; None for a host that has no such twin."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    twin = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    if "." not in host or registrable_domain(host) != min(host, twin, key=len) or host.replace(".", "").isdigit():
        return None
    netloc = parts.netloc.lower().replace(host, twin, 1)
    return urlunsplit(parts._replace(netloc=netloc))


def _home(url: str) -> str | None:
    """The home page of an address's host; None where it is that itself, or a user's folder (`/~name`) of the host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.path.startswith("/~") or (parts.path in ("", "/") and not parts.query):
        return None
    return urlunsplit((parts.scheme, parts.netloc, "/", "", ""))


def _is_of_the_page(fault: Fault) -> bool:
    """Whether a host answered, and what it said is of the page that it was asked for alone."""
    return fault.status is not None and _is_of_the_address(fault)


def _is_of_the_address(fault: Fault) -> bool:
    """Whether the same site may well be had by its other name."""
    if fault.category == ErrorCategory.SYSTEM or fault.later or fault.code in WALLS:
        return False
    return fault.unreachable or (fault.status is not None and fault.status not in _OF_THE_SITE)


def _host(url: str) -> str:
    return url.split("/", 3)[2].lower() if "://" in url else url


def _site(url: str) -> str:
    return _host(url).removeprefix("www.")


def _port(url: str) -> bool:
    return ":" in _host(url)
