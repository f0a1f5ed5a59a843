"""Open pages that ask for themselves again: of all who would see the same, one is answered anew, once a second at most.

A request that comes waits for the next making of its page, which begins later than it came, so nobody is shown what was
before the event that had it ask. Nothing is kept between two makings but when the next may begin.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auditing.auditor import TOLD_READS
from api.gate import BUSY, MAX_BUSY, SIGNED_OUT, address_as_sent
from api.under_way import UnderWay
from leadmill.access import Caller, Role

#: Between the beginnings of two makings of a page, seconds, at least and at most; in between, this many times as long
#: as the last one took: all who look at a page together cost no more than that share of the process.
LEAST_S, MOST_S, SHARE = 1.0, 5.0, 40
#: Longest address that is shared, bytes; most pages whose time is remembered; most requests that wait.
MAX_ADDRESS, MAX_PAGES, MAX_WAITING = 2_000, 1_000, 2_000
#: Largest page that is handed to others than who asked, bytes.
MAX_BODY = 1_000_000
#: What a page is made from, of the scope of the request by which it is made; all else is its sender's own.
_COMMON = frozenset({"type", "asgi", "http_version", "server", "scheme", "method", "path", "raw_path", "root_path",
                     "query_string", "app", "state", "leadmill.request_id"})  # fmt: skip
#: What the router adds to it: the call that it was.
_CALL = ("route", "path_params")
_NOT_SHARED = frozenset({b"content-length", b"transfer-encoding"})


class _Seen(NamedTuple):
    """All that an answer may depend on: whoever has the same sees the same."""

    role: Role
    project: str
    #: Whether a key is asked for: examples of requests name it.
    has_key: bool
    #: By which name, under which path and how this API is reached: examples of requests have that, too.
    host: bytes
    root_path: str
    scheme: str
    address: str

    def caller(self) -> Caller:
        """One of those who see this; no page can tell whom it is made for."""
        return Caller(self.role.value, self.role, self.project, "shared" if self.has_key else None, "")


class _Answer(NamedTuple):
    """A page as it was made; its call, for meter and log."""

    start: Message
    body: bytes
    call: dict[str, Any]


@dataclass
class _Page:
    """What those see who see the same."""

    #: When its next making may begin.
    free_at: float = 0.0
    #: The answer of the making under way, or of the last; of that which has not begun. None in it: it was no page.
    made: asyncio.Future[_Answer | None] | None = None
    next: asyncio.Future[_Answer | None] | None = None


class SharedPolls:
    """The middleware. It stands behind the gate: whoever waits here was let in."""

    def __init__(self, app: ASGIApp, under_way: UnderWay) -> None:
        self._app, self._under_way = app, under_way
        self._pages: OrderedDict[_Seen, _Page] = OrderedDict()
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = _seen(scope) if self._waiting < MAX_WAITING else None
        if seen is None:
            await self._app(scope, receive, send)
            return
        page = self._page(seen)
        if page.next is None:
            answer = await self._make(page, seen, scope, receive, send)
            if answer is not None:
                await self._give(answer, scope, receive, send)
            return
        with self._aside():
            answer = await asyncio.shield(page.next)
        if answer is None:
            app = self._refused_since(scope) or self._app
            await app(scope, receive, send)
            return
        scope.update(answer.call)
        await self._give(answer, scope, receive, send)

    async def _give(self, answer: _Answer, scope: Scope, receive: Receive, send: Send) -> None:
        if (refused := self._refused_since(scope)) is not None:
            await refused(scope, receive, send)
            return
        await send(dict(answer.start))  # the gate adds what is of each request alone
        await send({"type": "http.response.body", "body": answer.body})

    def _refused_since(self, scope: Scope) -> ASGIApp | None:
        """What the gate would answer now, seconds after it has let a request in: to whoever has been signed out since,
        and where too many are answered already, as by clients that do not read.
        """
        if not scope["leadmill.still"]():
            return SIGNED_OUT.answer(scope["leadmill.request_id"])
        if self._under_way.count > MAX_BUSY:
            return BUSY.answer(scope["leadmill.request_id"])
        return None

    def _page(self, seen: _Seen) -> _Page:
        page = self._pages.setdefault(seen, _Page())
        self._pages.move_to_end(seen)
        if len(self._pages) > MAX_PAGES:
            self._pages.popitem(last=False)
        return page

    async def _make(self, page: _Page, seen: _Seen, scope: Scope, receive: Receive, send: Send) -> _Answer | None:
        """Make the page for all who come before that begins; None: it was none, and has gone to who asks here."""
        ours = page.next = asyncio.get_running_loop().create_future()
        answer: _Answer | None = None
        try:
            with self._aside():
                if page.made is not None:
                    await asyncio.wait([page.made])
                if (left_s := page.free_at - time.monotonic()) > 0:
                    await asyncio.sleep(left_s)
            page.made, page.next = ours, None
            began = time.monotonic()
            answer = await self._asked(ours, seen, scope, receive, send)
            page.free_at = began + min(MOST_S, max(LEAST_S, SHARE * (time.monotonic() - began)))
        finally:
            if page.next is ours:  # who asks here has gone before it began
                page.next = None
            if not ours.done():
                ours.set_result(answer)
        return answer

    async def _asked(
        self, ours: asyncio.Future[_Answer | None], seen: _Seen, scope: Scope, receive: Receive, send: Send
    ) -> _Answer | None:
        """Ask as one of whom no more is known than all have in common; what comes and is no page is sent at once."""
        common = {name: value for name, value in scope.items() if name in _COMMON}
        common["headers"] = [(b"host", seen.host), (b"hx-request", b"true")]
        common["leadmill.caller"] = seen.caller()
        held: list[Message] = []
        shared = True

        async def hold(message: Message) -> None:
            nonlocal shared
            held.append(message)
            shared = shared and _may_be_shared(held)
            if not shared:
                if not ours.done():  # nobody waits for as long as this client takes to read
                    ours.set_result(None)
                while held:
                    await send(held.pop(0))

        await self._app(common, receive, hold)
        scope.update((name, common[name]) for name in _CALL if name in common)
        if not shared:
            return None
        start, *parts = held
        body = b"".join(part.get("body", b"") for part in parts)
        return _Answer(start, body, {name: common[name] for name in _CALL})

    @contextmanager
    def _aside(self) -> Iterator[None]:
        self._waiting += 1
        try:
            with self._under_way.aside():
                yield
        finally:
            self._waiting -= 1


def _seen(scope: Scope) -> _Seen | None:
    """What a request will see, if it is a poll of a page, let in, and small."""
    path: str = scope.get("path", "")
    if scope["type"] != "http" or scope["method"] != "GET" or not (path == "/" or path.startswith("/ui/")):
        return None
    headers = dict(scope["headers"])
    caller: Caller | None = scope["leadmill.caller"]
    if headers.get(b"hx-request") != b"true" or caller is None or not _NOT_SHARED.isdisjoint(headers):
        return None
    if path in TOLD_READS:  # each of these is in the audit with who asked
        return None
    address = address_as_sent(scope)
    if len(address) > MAX_ADDRESS:
        return None
    host = headers.get(b"host", b"")
    root_path, scheme = scope.get("root_path", ""), scope.get("scheme", "http")
    return _Seen(caller.role, caller.project, caller.key_id is not None, host, root_path, scheme, address)


def _may_be_shared(held: list[Message]) -> bool:
    """Whether an answer is a page, and small, as far as it has come."""
    start, *parts = held
    names = {name.lower(): value for name, value in start["headers"]}
    is_page = start["status"] == 200 and names.get(b"content-type", b"").startswith(b"text/html")
    return is_page and b"set-cookie" not in names and sum(len(part.get("body", b"")) for part in parts) <= MAX_BODY
