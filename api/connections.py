"""What a client may hold open: limits on connections, on unfinished requests and on their headers.

uvicorn bounds none of them: a header without end is kept until memory ends, a body that never ends and a connection
that never asks are kept for ever, and once its one limit (`limit_concurrency`) is reached, health is refused like
everything else. Here what is *unfinished* gives way instead: when there is no room for a new connection, the one that
has been waiting longest for its own client's next byte is closed. So whoever holds thousands open loses them, while a
caller that sends its request at once is always served. What is being answered is never closed for another's sake.
"""

from __future__ import annotations

import asyncio
import http
import logging
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import problems
from leadmill.limited_log import Seldom


@dataclass(frozen=True)
class Limits:
    """Of one server process. Times in seconds, sizes in bytes."""

    #: Connections in all, and of one client address.
    connections: int = 1_000
    per_client: int = 600
    #: Requests whose body has not come whole, and what is kept in memory or files of all bodies under way.
    unfinished: int = 128
    held: int = 256_000_000
    #: Request line and headers together, how many headers, and requests sent ahead of an answer.
    head: int = 32_768
    headers: int = 100
    ahead: int = 8
    #: For the headers to come, from the opening of the connection or the end of the answer before.
    head_s: float = 10.0
    #: For the body: so long, and longer as long as it comes at this rate.
    body_s: float = 20.0
    body_rate: float = 4_000.0
    #: For the rest of a body that was answered already, so that the client reads the answer.
    rest_s: float = 5.0
    #: For the client to read its answer on.
    read_s: float = 60.0
    #: Between two looks at the times.
    look_s: float = 1.0


class Phase(IntEnum):
    """What a connection waits for."""

    #: Its client: nothing, or a part of the headers, has come.
    HEAD = 0
    #: Its client: the body is not whole.
    BODY = 1
    #: Us.
    ANSWER = 2
    #: Its client: the answer went out before the body was whole.
    REST = 3


class Connections:
    """All connections of one server. Used from its loop only."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._clients: dict[str, int] = {}
        #: Those that wait for their clients, longest first; for headers (or the rest of a body), and for a body.
        self._waiting: tuple[dict[BoundedProtocol, None], ...] = ({}, {}, {}, {})
        self._all: set[BoundedProtocol] = set()
        #: Those whose client does not read its answer on.
        self.stalled: set[BoundedProtocol] = set()
        self._held = 0
        self.log = _log_of_clients()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, new: BoundedProtocol) -> None:
        """Take a connection in; others give way when there are too many."""
        self._all.add(new)
        self._waiting[Phase.HEAD][new] = None
        count = self._clients[new.address] = self._clients.get(new.address, 0) + 1
        if count > self.limits.per_client:
            self._make_room(new, new.address)
        elif len(self._all) > self.limits.connections:
            self._make_room(new, max(self._clients, key=self._clients.__getitem__))
        if self._timer is None:
            self._timer = new.loop.call_later(self.limits.look_s, self._look, new.loop)

    def remove(self, gone: BoundedProtocol) -> None:
        """A connection was closed, or is about to be; said twice, it counts once."""
        if gone not in self._all:
            return
        self._all.remove(gone)
        self.stalled.discard(gone)
        for waiting in self._waiting:
            waiting.pop(gone, None)
        left = self._clients.get(gone.address, 0) - 1
        if left > 0:
            self._clients[gone.address] = left
        else:
            self._clients.pop(gone.address, None)

    def moved(self, who: BoundedProtocol, before: Phase, now: Phase) -> None:
        """A connection waits for something else."""
        if who not in self._all:
            return
        self._waiting[before].pop(who, None)
        waiting = self._waiting[now]
        waiting[who] = None
        if now is Phase.BODY and len(waiting) > self.limits.unfinished:
            next(iter(waiting)).refuse(503, "too many requests have not come whole; send this one again")

    def hold(self, who: BoundedProtocol, size: int) -> None:
        """So many bytes of a body more (or less) are kept; the largest unfinished one gives way when it is too much."""
        self._held += size
        if self._held > self.limits.held:
            bodies = self._waiting[Phase.BODY]
            largest = max(bodies, key=lambda one: one.held, default=who)
            largest.refuse(503, "too much is being uploaded just now; send this again")

    def _make_room(self, new: BoundedProtocol, address: str) -> None:
        for phase in (Phase.HEAD, Phase.REST, Phase.BODY):
            for one in self._waiting[phase]:
                if one.address == address and one is not new:
                    one.refuse(503, "there are too many connections; send this again")
                    return
        new.refuse(503, "there are too many connections, all of them busy")

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for one in [*self.stalled, *self._waiting[Phase.BODY]]:
            one.look(now)
        for phase in (Phase.HEAD, Phase.REST):
            for one in list(self._waiting[phase]):
                if not one.look(now):  # those behind it have not waited longer
                    break
        self._timer = loop.call_later(self.limits.look_s, self._look, loop) if self._all else None


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within limits. Each connection is one of these."""

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._table, self._limits = connections, connections.limits
        self.logger = connections.log
        self._phase, self._since = Phase.HEAD, self.loop.time()
        #: Bytes of this head so far; of the body; and since the last byte of a body, where none belongs.
        self._head = self._body = self._between = 0
        #: Bytes of bodies that are kept for this connection.
        self.held = 0
        self._stalled: float | None = None
        self.address = ""

    # ---- what uvicorn and the parser call ---------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._table.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self)
        self._let_go()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        limit = self._limits.head
        if self._phase is Phase.HEAD:
            self._head += len(data)
            super().data_received(data)
            if self._phase is Phase.HEAD and (self._head > limit or len(self.headers or ()) > self._limits.headers):
                self._refuse_head()
            return
        body = self._body
        super().data_received(data)
        # Trailers, chunk extensions and requests sent ahead are kept by the parser, and are no part of any body.
        self._between = 0 if self._body != body else self._between + len(data)
        if self._between > limit:
            self._refuse_head()

    def on_headers_complete(self) -> None:
        if self._head > self._limits.head or len(self.headers) > self._limits.headers:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._limits.head or len(self.headers) > self._limits.headers:
                self._refuse_head()
                return
        if self.url[:1] != b"/":
            self._take_absolute_form()
        ahead = self.cycle is not None and not self.cycle.response_complete
        if ahead and len(self.pipeline) >= self._limits.ahead:
            self.refuse(503, "too many requests were sent ahead of their answers")
            return
        super().on_headers_complete()
        self._between = 0
        if not ahead:
            self._move(Phase.BODY)

    def on_body(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        self._body += len(body)
        if not self.cycle.response_complete:
            self.held += len(body)
            self._table.hold(self, len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.transport.is_closing():
            return
        super().on_message_complete()
        if self._phase is Phase.BODY and not self.pipeline:
            self._move(Phase.ANSWER)
        elif self._phase is Phase.REST:
            self._begin_again()

    def on_response_complete(self) -> None:
        following = self.pipeline[-1][0] if self.pipeline else None
        self._let_go()
        super().on_response_complete()
        if following is not None:
            self._move(Phase.BODY if following.more_body else Phase.ANSWER)
        elif self._phase is Phase.BODY:
            self._move(Phase.REST)
        else:
            self._begin_again()

    def pause_writing(self) -> None:
        self._stalled = self.loop.time()
        self._table.stalled.add(self)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled = None
        self._table.stalled.discard(self)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """The parser could not go on."""
        self.refuse(400, "this is not HTTP")

    # ---- limits -----------------------------------------------------------------------------------

    def look(self, now: float) -> bool:
        """End this connection when its client took too long; whether it did."""
        waited = now - self._since
        if self._stalled is not None and now - self._stalled > self._limits.read_s:
            self.transport.abort()
        elif self._phase is Phase.HEAD and waited > self._limits.head_s:
            self.refuse(408, "the headers did not come in time")
        elif self._phase is Phase.BODY and self.flow.read_paused:
            self._since = now  # this process is what does not read
            return False
        elif self._phase is Phase.BODY and waited > self._limits.body_s + self._body / self._limits.body_rate:
            self.refuse(408, "the body did not come in time")
        elif self._phase is Phase.REST and waited > self._limits.rest_s:
            self.transport.close()
        else:
            return False
        return True

    def refuse(self, status: int, detail: str) -> None:
        """Answer a request that did not come whole, and close; one that sent nothing is closed without an answer."""
        if self.transport.is_closing():
            return
        cycle, asked = self.cycle, self._phase is Phase.BODY or self._head > 0
        if asked and (cycle is None or cycle.response_complete or not cycle.response_started):
            self.transport.write(_answer(status, detail))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self._table.remove(self)
        self.transport.close()

    def _refuse_head(self) -> None:
        self.refuse(431, f"more than {self._limits.head} bytes or {self._limits.headers} lines of headers")

    def _take_absolute_form(self) -> None:
        """`GET http://host/path`: the host is that of the target, whatever `Host` says (RFC 9112, 3.2.2)."""
        target = httptools.parse_url(self.url)
        if not target.host:
            return
        host = b"[%b]" % target.host if b":" in target.host else target.host
        others = [(name, value) for name, value in self.headers if name != b"host"]
        self.headers[:] = [(b"host", host if target.port is None else b"%b:%d" % (host, target.port)), *others]

    def _begin_again(self) -> None:
        self._head = 0
        self._move(Phase.HEAD)

    def _move(self, to: Phase) -> None:
        before, self._phase = self._phase, to
        self._since = self.loop.time()
        if to is Phase.BODY:
            self._head = self._body = 0
        self._table.moved(self, before, to)

    def _let_go(self) -> None:
        if self.held:
            self._table.hold(self, -self.held)
            self.held = 0


@cache
def _answer(status: int, detail: str) -> bytes:
    """A whole response, for requests that no application sees."""
    wait = {"Retry-After": "1"} if status == 503 else {}
    problem = problems.problem(status, detail, request_id="", headers={**wait, "Connection": "close"})
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in problem.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(problem.body)])


def _log_of_clients() -> logging.Logger:
    """uvicorn's log for what connections are about: anybody can send what is no HTTP, as often as he likes."""
    found = logging.Logger("uvicorn.error", logging.WARNING)
    found.parent = logging.getLogger(found.name)
    found.addFilter(Seldom())
    return found


def bounded(limits: Limits | None = None) -> type[asyncio.Protocol]:
    """uvicorn's option `http`: connections of one server within limits."""
    made = partial(BoundedProtocol, Connections(limits or Limits()))
    return cast("type[asyncio.Protocol]", made)  # uvicorn only calls it
