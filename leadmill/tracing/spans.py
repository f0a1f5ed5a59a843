"""Spans that others lie within: of a request, of an accepted job, of one run of a stage. Needs OpenTelemetry's SDK.

The context of a job's trace lies in its record, so that whoever works on it, now or after a kill, adds to the same one.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from leadmill import log
from leadmill.tracing import NoSpan, Span, Value, open_span, trace_id_of
from leadmill.tracing.sending import SpanIds, tracer

#: Of the samples of one name within a span, most that are sent.
SAMPLES = 20


class OpenSpan:
    """A span of OpenTelemetry (`leadmill.tracing.Span`)."""

    def __init__(self, inner: trace.Span) -> None:
        self._inner = inner
        self._samples: dict[str, _Samples] = {}

    @property
    def traceparent(self) -> str | None:
        context = self._inner.get_span_context()
        if not context.trace_flags.sampled:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"

    def set(self, **attributes: Value | None) -> None:
        self._inner.set_attributes(_named(attributes))

    def retitle(self, name: str) -> None:
        self._inner.update_name(name)

    def event(self, name: str, **attributes: Value | None) -> None:
        self._inner.add_event(name, _named(attributes))

    def fail(self, kind: str) -> None:
        self._inner.set_status(StatusCode.ERROR, kind)
        self._inner.set_attribute("error.type", kind)

    @contextmanager
    def child(self, name: str, **attributes: Value | None) -> Iterator[Span]:
        with _opened(tracer().start_span(name, self._within, attributes=_named(attributes))) as opened:
            yield opened

    @contextmanager
    def sample(self, name: str, **attributes: Value | None) -> Iterator[Span]:
        timed = _Timed(attributes)
        try:
            yield timed
        except BaseException as error:
            timed.fail(type(error).__name__)
            raise
        finally:
            timed.ended = time.time_ns()
            self._samples.setdefault(name, _Samples()).add(timed)

    @property
    def _within(self) -> Context:
        return trace.set_span_in_context(self._inner, Context())

    def end(self) -> None:
        """Send it, and of its samples those that tell most."""
        for name, samples in self._samples.items():
            self.set(**{f"{name}_count": samples.count, f"{name}_failed": samples.failed})
            for timed in samples.kept:
                inner = tracer().start_span(
                    name, self._within, SpanKind.CLIENT, _named(timed.attributes), start_time=timed.began
                )
                if timed.failure is not None:
                    OpenSpan(inner).fail(timed.failure)
                inner.end(timed.ended)
        self._inner.end()


class _Timed(NoSpan):
    """What was timed, and may become a span. Nothing lies within it."""

    def __init__(self, attributes: Mapping[str, Value | None]) -> None:
        self.attributes = dict(attributes)
        self.began = self.ended = time.time_ns()
        self.failure: str | None = None

    def set(self, **attributes: Value | None) -> None:
        self.attributes.update(attributes)

    def fail(self, kind: str) -> None:
        self.failure = kind


class _Samples:
    """What was timed under one name: how often, and those to send, failed ones and then long ones first."""

    def __init__(self) -> None:
        self.count = self.failed = 0
        self._heap: list[tuple[bool, int, int, _Timed]] = []

    def add(self, timed: _Timed) -> None:
        self.count += 1
        self.failed += timed.failure is not None
        entry = (timed.failure is not None, timed.ended - timed.began, self.count, timed)
        if len(self._heap) < SAMPLES:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    @property
    def kept(self) -> list[_Timed]:
        return sorted((timed for *_, timed in self._heap), key=lambda timed: timed.began)


@contextmanager
def begun(name: str, *, parent: str | None = None, serves: bool = False, **attributes: Value | None) -> Iterator[Span]:
    """Open a span that lies in no other of this process; `serves`: it is that of a request.

    `parent` is the traceparent of the caller, if that counts.
    Its trace id stands in every log line until it ends, of a request in all that are said of it.
    """
    context = Context() if parent is None else trace.set_span_in_context(NonRecordingSpan(_context_of(parent)))
    inner = tracer().start_span(name, context, SpanKind.SERVER if serves else SpanKind.INTERNAL, _named(attributes))
    with _opened(inner) as opened:
        told = opened.traceparent
        named = None if told is None else trace_id_of(told)
        if serves:
            log.bind(trace_id=named)
            yield opened
            return
        with log.bound(trace_id=named):
            yield opened


@contextmanager
def run_of_a_stage(
    name: str, *, parent: str, run: str, before: str | None, **attributes: Value | None
) -> Iterator[Span]:
    """Open the span of one run of a stage in a job's trace.

    Args:
        parent: the traceparent of the job's record.
        run: what names this run within the job. The span's id follows from it, so that the next run can name this one
            though it was killed and its span never sent.
        before: the same of the run that this one follows.
    """
    context = _context_of(parent)
    links = [Link(_span_context(context.trace_id, _span_id(parent, before)))] if before is not None else None
    with SpanIds.next_is(_span_id(parent, run)):
        inner = tracer().start_span(
            name,
            trace.set_span_in_context(NonRecordingSpan(context)),
            SpanKind.CONSUMER,
            _named(attributes),
            links,
        )
    log.bind(trace_id=trace_id_of(parent))
    with _opened(inner) as opened:
        yield opened


@contextmanager
def _opened(inner: trace.Span) -> Iterator[OpenSpan]:
    opened = OpenSpan(inner)
    before = open_span.set(opened)
    try:
        yield opened
    except BaseException as error:
        opened.fail(type(error).__name__)
        raise
    finally:
        open_span.reset(before)
        opened.end()


def _context_of(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return _span_context(int(trace_id, 16), int(span_id, 16), int(flags, 16))


def _span_context(trace_id: int, span_id: int, flags: int = TraceFlags.SAMPLED) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


def _span_id(traceparent: str, run: str) -> int:
    digest = hashlib.blake2b(f"{traceparent}|{run}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def _named(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    return {
        name if "." in name else f"leadmill.{name}": value for name, value in attributes.items() if value is not None
    }
