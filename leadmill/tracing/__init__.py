"""Traces: spans of what a process does, sent by OpenTelemetry where `LEADMILL_TRACES` is on and a trace has begun.

This module imports nothing of OpenTelemetry. Where no span is open, which is always the case while traces are off, each
call here looks at one variable and does nothing. `leadmill.tracing.spans` opens those that others lie within.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Protocol, TypeGuard

Value = str | int | float | bool

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED = 1


class Span(Protocol):
    """A span that is open."""

    @property
    def traceparent(self) -> str | None:
        """What names it to others (W3C Trace Context); None: it is not sampled."""

    def set(self, **attributes: Value | None) -> None:
        """Add attributes, named `leadmill.<name>`; a name with a dot in it stands by itself. None is left out."""

    def retitle(self, name: str) -> None:
        """Give it another name."""

    def event(self, name: str, **attributes: Value | None) -> None:
        """Say that something happened now."""

    def fail(self, kind: str) -> None:
        """Mark it as failed; `kind` is one of few words (an error's category, a class)."""

    def child(self, name: str, **attributes: Value | None) -> AbstractContextManager[Span]:
        """Open a span within it."""

    def sample(self, name: str, **attributes: Value | None) -> AbstractContextManager[Span]:
        """The same for what there may be hundreds of: of one name only those are sent that failed or took longest."""


class NoSpan:
    """Stands for a span where none is open."""

    @property
    def traceparent(self) -> str | None:
        return None

    def set(self, **attributes: Value | None) -> None: ...

    def retitle(self, name: str) -> None: ...

    def event(self, name: str, **attributes: Value | None) -> None: ...

    def fail(self, kind: str) -> None: ...

    def child(self, name: str, **attributes: Value | None) -> AbstractContextManager[Span]:
        return _NOTHING

    def sample(self, name: str, **attributes: Value | None) -> AbstractContextManager[Span]:
        return _NOTHING


NO_SPAN: Span = NoSpan()
_NOTHING: AbstractContextManager[Span] = nullcontext(NO_SPAN)

#: The innermost span of this thread or task.
open_span: ContextVar[Span] = ContextVar("open_span", default=NO_SPAN)
#: Filled once there is something to send.
_at_end: list[Callable[[], None]] = []


def current() -> Span:
    """The innermost span that is open here, or one that does nothing."""
    return open_span.get()


def span(name: str, **attributes: Value | None) -> AbstractContextManager[Span]:
    """Open a span within the present one; without one, nothing."""
    return open_span.get().child(name, **attributes)


def sample(name: str, **attributes: Value | None) -> AbstractContextManager[Span]:
    """The same for what there may be hundreds of (`Span.sample`)."""
    return open_span.get().sample(name, **attributes)


def is_traceparent(text: object) -> TypeGuard[str]:
    """Whether it has the form of W3C Trace Context, version 00."""
    return isinstance(text, str) and _TRACEPARENT.fullmatch(text) is not None


def is_sampled(traceparent: str) -> bool:
    """Whether a traceparent, which has to be one, asks for its spans to be kept."""
    return bool(int(traceparent[-2:], 16) & _SAMPLED)


def trace_id_of(traceparent: str) -> str:
    """The id of its trace, 32 hexadecimal digits."""
    return traceparent[3:35]


def on_close(end: Callable[[], None]) -> None:
    """Have something done when this process ends."""
    _at_end.append(end)


def close() -> None:
    """Send what waits, for a second at most: the process ends."""
    while _at_end:
        _at_end.pop()()
