"""The span of a request that changes something, or whose caller traces it: the first of a job's trace.

It stands behind the gate, for who calls decides whether the caller's own trace is joined. FastAPI's telemetry stands
before it: it joins anybody's, makes a span of every poll, and tells the queries of addresses.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadmill import tracing
from leadmill.access import Caller

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Streams: as long as somebody looks.
_ENDLESS = ("/events", "/logs")


class TracedRequests:
    """The middleware, for an API whose traces are on."""

    def __init__(self, app: ASGIApp, route_of: Callable[[Scope], str | None]) -> None:
        self._app, self._route_of = app, route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller | None = scope.get("leadmill.caller")
        if caller is None or scope["type"] != "http":  # whoever was not let in begins none, and joins none
            await self._app(scope, receive, send)
            return
        parent = _parent(scope)
        if scope["method"] in _READS and (parent is None or scope["path"].endswith(_ENDLESS)):
            await self._app(scope, receive, send)
            return
        from leadmill.tracing import spans

        with spans.begun(
            scope["method"],
            parent=parent,
            serves=True,
            request_id=scope.get("leadmill.request_id"),
            project=caller.project,
            **{"http.request.method": scope["method"]},
        ) as span:

            async def send_noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._note(span, scope, message["status"])
                await send(message)

            await self._app(scope, receive, send_noting)

    def _note(self, span: tracing.Span, scope: Scope, status: int) -> None:
        """The route, in the place of the address: a job's id in each would make every name another one."""
        route = self._route_of(scope)
        if route is not None:
            span.retitle(f"{scope['method']} {route}")
        span.set(**{"http.route": route, "http.response.status_code": status})
        if status >= 500:
            span.fail(str(status))


def _parent(scope: Scope) -> str | None:
    """The traceparent that a caller sent, if it sent one."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    text = given[0].decode("latin-1").strip() if len(given) == 1 else ""
    return text if tracing.is_traceparent(text) else None
