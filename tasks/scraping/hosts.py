"""The hosts of a crawl: whether one may be asked now. Asked before each request, right before it is sent.

A host is held under a lease while companies of the crawl are on it; pace and quiet are kept here, and what was learnt
goes with the next exchange (data/hosts) to all other crawls. A crawl that shares nothing holds every host at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from data.hosts import LEASE_S, HostAnswer, HostLeases, HostNews, Robots
from leadmill.errors import ErrorCategory, LeadmillError
from leadmill.log import get_logger
from tasks.scraping.failures import REPEATABLE, Fault, PageError, clock, fault_of
from tasks.scraping.leaving import Pauses

if TYPE_CHECKING:
    from tasks.scraping.company_crawl import CompanyCrawl
    from tasks.scraping.download import Transport

log = get_logger(__name__)

#: A lease is prolonged after so long, seconds.
RENEW_S = 1.5
_PORTS = {"http": "80", "https": "443"}
#: Longest name of a host by which it is known, characters; names in the DNS have at most 253.
MAX_NAME = 280


@lru_cache(maxsize=4_096)
def host_name(scheme: str, netloc: str) -> str:
    """By which name a host is known: with and without `www.` it is one, and by http and https.

    Its port is part of the name where it is not the scheme's own: what does not answer at `https://…:80` says nothing
    of the site.
    """
    host, colon, port = netloc.rpartition("@")[2].lower().rpartition(":")
    if not colon or "]" in port:
        host, port = f"{host}{colon}{port}", ""
    name = host.rstrip(".").removeprefix("www.") + (f":{port}" if port not in ("", _PORTS.get(scheme)) else "")
    return name[:MAX_NAME].encode("ascii", "backslashreplace").decode()


def _origins(name: str) -> list[str]:
    hosts = (name, f"www.{name}")
    return [f"{scheme}://{host}" for scheme in ("https", "http") for host in hosts]


class Host:
    """What a crawl knows of one host. Times are monotonic, seconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        #: Until when it is held; nothing is sent beyond.
        self.held_until = 0.0
        #: Not to be asked before: by its pace, and because it asked for quiet.
        self.next_at = 0.0
        self.quiet_until = 0.0
        #: With which status it asked for quiet.
        self.quiet_status: int | None = None
        #: Seconds between the end of a request and the next one.
        self.delay = 0.0
        #: Why it is not asked at all.
        self.fault: Fault | None = None
        self.is_blocked = False
        #: The rules of its origins, as other crawls were told them.
        self.robots: Mapping[str, Robots] = {}
        #: Requests sent and not answered; and that wait for the host to be ours.
        self.under_way = 0
        self.waiting = 0
        #: Companies that need it until they are done.
        self.users: set[CompanyCrawl] = set()
        self.changed = asyncio.Event()
        self.is_wanted = False
        #: How often it answered, and how many requests failed in a row since.
        self.tally = (0, 0)
        self.failure = ""
        self._told = (0, 0)
        self._rules: dict[str, str] = {}

    @property
    def is_held(self) -> bool:
        return time.monotonic() < self.held_until

    @property
    def is_in_use(self) -> bool:
        # The users as a list: the crawl may add one while another thread looks. Of whom a site merely led here none
        # is meant: it could keep a host from all other jobs as long as it lasts itself.
        users = (company for company in list(self.users) if not company.done)
        return self.under_way > 0 or self.waiting > 0 or any(company.ours(self.name) for company in users)

    def waits_for(self, now: float) -> str | None:
        """Why it is not to be asked just now, a name of `leadmill.traffic.WAITS`; None when it is."""
        if now >= self.held_until:
            return "elsewhere"
        return "quiet" if self.quiet_until > now else "pace" if self.next_at > now else None

    def keep_delay(self, delay: float) -> None:
        """From now on leave so many seconds between two requests; the next one may go at once.

        robots.txt itself is no page: the first page need not wait for it.
        """
        self.delay = max(delay, self.delay)

    def keep_quiet(self, seconds: float, status: int | None = None) -> None:
        """It is to be left alone for so long, as it asked by an answer of this status."""
        self.quiet_until = max(self.quiet_until, time.monotonic() + seconds)
        self.quiet_status = status or self.quiet_status

    def tell_robots(self, origin: str, rules: str) -> None:
        """What it said itself, for the others."""
        self._rules[origin] = rules

    def answered(self, status: int) -> None:
        """An answer came; of those that say that the host cannot, many in a row are a failure."""
        if status in REPEATABLE or status >= 500:
            self.failed(f"HTTP {status}")
        else:
            self.tally = (self.tally[0] + 1, 0)

    def failed(self, how: str) -> None:
        """A request failed for a reason that may be over later."""
        self.failure = how
        self.tally = (self.tally[0], self.tally[1] + 1)

    def news(self, *, leave: bool, tells_failures: bool) -> tuple[HostNews, Callable[[], None]]:
        """What to tell now, and what to call once it is told."""
        tally, rules, now = self.tally, dict(self._rules), time.monotonic()
        answered = tally[0] > self._told[0]
        failures = tally[1] if answered else tally[1] - self._told[1]
        told = tally if tells_failures else (tally[0], 0 if answered else self._told[1])

        def is_told() -> None:
            self._told = told
            for origin in rules:
                self._rules.pop(origin, None)

        news = HostNews(
            self.name,
            leave=leave,
            origins=() if leave or self.is_held else _origins(self.name),
            delay_s=self.delay,
            next_in_s=self.next_at - now,
            quiet_for_s=self.quiet_until - now,
            answered=answered,
            failures=failures if tells_failures else 0,
            failure=self.failure,
            robots=rules,
        )
        return news, is_told

    def take(self, answer: HostAnswer, asked_at: float) -> None:
        """What became of it at an exchange that began at `asked_at`."""
        self.fault, self.is_blocked = _fault(self.name, answer), answer.blocked is not None
        if answer.held and not self.is_held:
            now = time.monotonic()
            self.next_at = max(self.next_at, now + answer.next_in_s)
            self.quiet_until = max(self.quiet_until, now + answer.quiet_for_s)
            self.robots = answer.robots or self.robots
        self.held_until = asked_at + LEASE_S if answer.held else 0.0


def _fault(name: str, answer: HostAnswer) -> Fault | None:
    if answer.blocked is not None:
        domain, why = answer.blocked
        return Fault(
            ErrorCategory.DATA, f"{domain} is on the block list of this installation{f': {why}' if why else ''}"
        )
    if answer.open_for_s > 0:
        until = time.time() + answer.open_for_s
        words = f"{name} is left alone until {clock(until)}: {answer.failures} requests in a row failed"
        return Fault(ErrorCategory.NETWORK, f"{words}, the last: {answer.failure}", later=True, until=until)
    if answer.damaged_key:
        words = f"key {answer.damaged_key} of the job store holds something else; rename it (redis-cli RENAME)"
        return Fault(ErrorCategory.SYSTEM, words)
    return None


class Hosts:
    """Every host of one crawl. `look` may be called from any thread, all else by the crawl."""

    def __init__(self, leases: HostLeases | None = None) -> None:
        self._leases = leases
        self._hosts: dict[str, Host] = {}
        self.pauses = Pauses()
        self._exchanging = threading.Lock()
        #: Held while it is decided that a request is sent, or a host given back.
        self._leaving = threading.Lock()
        self._looked_at = 0.0
        self._is_over = self._is_cut_off = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: Transport | None = None
        self._deadline = 0.0

    # ---- the crawl

    def want(self, urls: Iterable[str]) -> None:
        """Take the hosts of these addresses, all in one step, before the crawl begins."""
        for url in urls:
            self.of(url).is_wanted = True
        self.look()

    def begin(self, transport: Transport, deadline: float) -> None:
        """The crawl begins, in the running loop; it ends at `deadline`."""
        self._transport, self._deadline = transport, deadline
        self._loop = asyncio.get_running_loop()

    def of(self, url: str) -> Host:
        """The host of an address."""
        parts = urlsplit(url)
        name = host_name(parts.scheme, parts.netloc)
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(name)
            if self._leases is None:
                host.held_until = float("inf")
        return host

    async def hold(self, url: str, company: CompanyCrawl | None = None) -> Host:
        """Wait until the host of an address is ours; while `company` is under way it stays so.

        Raises:
            PageError: it is not to be asked.
            CrawlEndedError: the crawl ended meanwhile.
        """
        host = self.of(url)
        if company is not None:
            host.users.add(company)
        if not host.is_held:
            await self._held(host)
        return host

    async def turn(self, url: str, company: CompanyCrawl | None = None) -> None:
        """Wait until a request of a company may be sent, now; whoever sends it says `gone` afterwards.

        Raises:
            PageError: it is not to be asked, or not before the crawl ends; or the company is left for later.
            CrawlEndedError: the crawl ended meanwhile.
        """
        assert self._transport is not None
        host = self.of(url)
        while True:
            if not host.is_held:
                await self._held(host)
            with self._leaving:
                now = time.monotonic()
                at = max(host.next_at, host.quiet_until)
                if at <= now < host.held_until:
                    host.under_way += 1
                    host.next_at = now + host.delay
                    return
            if at >= self._deadline or not await self.pauses.wait(self._transport, company, at):
                raise PageError(_later(host, at - time.monotonic()))

    def answered(self, url: str, status: int) -> None:
        """An answer began to come."""
        self.of(url).answered(status)

    def failed(self, url: str, error: Exception) -> None:
        """A request brought no answer."""
        fault = fault_of(error)
        if fault.category == ErrorCategory.NETWORK:
            self.of(url).failed(fault.error)

    def gone(self, url: str) -> None:
        """A request has ended: what was sent may have reached the host at any time until now."""
        host = self.of(url)
        host.under_way -= 1
        if host.delay:
            host.next_at = time.monotonic() + host.delay

    def waits_for(self, company: CompanyCrawl) -> str | None:
        """The host that a company has waited for in vain, because other jobs were asking it."""
        waiting = (host for host in self._hosts.values() if company in host.users and not host.is_held)
        return next((host.name for host in waiting if host.fault is None), None)

    def waits(self) -> Counter[str]:
        """How many hosts companies wait for just now, by why (`leadmill.traffic.WAITS`)."""
        now = time.monotonic()
        return Counter(why for host in self._hosts.values() if host.is_in_use and (why := host.waits_for(now)))

    async def _held(self, host: Host) -> None:
        assert self._transport is not None
        host.waiting += 1
        try:
            while not host.is_held:
                if host.fault is not None:
                    self._transport.refused["blocks"] += host.is_blocked
                    raise PageError(host.fault)
                host.changed.clear()
                if not host.is_wanted:
                    host.is_wanted = True
                    await asyncio.get_running_loop().run_in_executor(None, self.look)
                else:
                    await self._transport.until(host.changed)
        finally:
            host.waiting -= 1

    # ---- what all crawls share

    def look(self) -> None:
        """Exchange what is to be exchanged now: hosts that are wanted, held for a while, or not needed any more."""
        with self._exchanging:
            if not self._is_over:
                self._exchange(list(self._due()))

    def close(self) -> None:
        """Give all hosts back, and say what was learnt. Without Redis their leases end by themselves."""
        with self._exchanging:
            self._is_over = True
            with self._leaving:
                ours = [host for host in self._hosts.values() if host.is_wanted]
                for host in ours:
                    host.held_until = 0.0
            self._exchange([(host, True) for host in ours])

    def _due(self) -> Iterator[tuple[Host, bool]]:
        """The hosts of an exchange, and whether each is given back."""
        now = time.monotonic()
        renews = now - self._looked_at >= RENEW_S
        if renews:
            self._looked_at = now
        for host in [host for host in list(self._hosts.values()) if host.is_wanted]:
            if self._loop is not None and not host.is_in_use:
                if self._is_left(host):
                    yield host, True
            elif renews or not host.is_held:
                yield host, False

    def _is_left(self, host: Host) -> bool:
        """Let a host go that is not needed any more; whether it was held. Nothing is sent to it from here on."""
        with self._leaving:
            if host.is_in_use:
                return False
            was_held, host.held_until = host.is_held, 0.0
            host.is_wanted = False
            return was_held

    def _exchange(self, due: list[tuple[Host, bool]]) -> None:
        if self._leases is None or not due:
            return
        said = [host.news(leave=leave, tells_failures=self._reaches_anybody) for host, leave in due]
        asked_at = time.monotonic()
        try:
            answers = self._leases.exchange([news for news, _ in said])
        except LeadmillError as error:  # held hosts stay held as long as they were; the next look asks again
            if not self._is_cut_off:
                log.warning("hosts can be neither taken nor renewed for now", error=str(error)[:200])
            self._is_cut_off = True
            return
        self._is_cut_off = False
        for (host, leave), (_, is_told), answer in zip(due, said, answers, strict=True):
            is_told()
            if not leave:
                host.take(answer, asked_at)
            self._wake(host)

    @property
    def _reaches_anybody(self) -> bool:
        """Whether failed connections say something of their hosts: where none answers, it is our side."""
        return any(host.tally[0] for host in list(self._hosts.values()))

    def _wake(self, host: Host) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
                self._loop.call_soon_threadsafe(host.changed.set)


def _later(host: Host, seconds: float) -> Fault:
    until = time.time() + seconds
    if host.quiet_until >= host.next_at:
        words = f"{host.name} asks to be left alone until {clock(until)} (Retry-After)"
        return Fault(ErrorCategory.NETWORK, words, status=host.quiet_status, later=True, until=until)
    words = f"{host.name} wants {host.delay:g} s between two requests, and its next turn comes at {clock(until)}"
    return Fault(ErrorCategory.NETWORK, words, later=True, until=until)
