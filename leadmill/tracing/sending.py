"""How spans leave a process: OTLP over HTTP, from a thread of their own, never in the way of work.

Made at the first span of a process, so after the fork. What waits is bounded (`OTEL_BSP_MAX_QUEUE_SIZE`); more is
dropped. A receiver that is away, slow or refuses costs one line in the log when it begins and one when it is over.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from urllib.parse import unquote

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from leadmill import __version__, tracing
from leadmill.log import get_logger
from leadmill.redaction import redacted

log = get_logger(__name__)

#: Milliseconds that a span waits at most; a process that is killed loses no more of them.
_SEND_EVERY_MS = 1_000
#: Characters that a token among the receiver's headers has at least.
_SHORTEST_TOKEN = 12
#: Seconds that the end of a process waits for what is still to be sent.
_LAST_S = 1.0


class SpanIds(RandomIdGenerator):
    """Random ids, unless the next one is given."""

    _given: ContextVar[int | None] = ContextVar("given", default=None)

    @classmethod
    @contextmanager
    def next_is(cls, span_id: int) -> Iterator[None]:
        """Give the id of a span that is started within."""
        before = cls._given.set(span_id)
        try:
            yield
        finally:
            cls._given.reset(before)

    def generate_span_id(self) -> int:
        return self._given.get() or super().generate_span_id()


class _Told(SpanExporter):
    """Sends, and tells once when that does not work, and once when it does again. The library tells each time."""

    def __init__(self) -> None:
        self._inner = OTLPSpanExporter()
        self._why = _FirstWords()
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("traces are not taken by their receiver; work goes on without", why=self._why.said)
            self._lost += len(spans)
        elif self._lost:
            log.warning("traces are taken again", spans_lost=self._lost)
            self._lost, self._why.said = 0, ""
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]


class _FirstWords(logging.Handler):
    """Keeps what the library said first, in the place of writing all of it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said = ""
        library = logging.getLogger("opentelemetry")
        library.handlers[:] = [self]
        library.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.said = self.said or redacted(record.getMessage())[:300]


def _learn_secrets() -> None:
    """Tokens among the headers that the receiver is sent; a tenant's name is none."""
    for variable in (OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TRACES_HEADERS):
        for header in os.environ.get(variable, "").split(","):
            value = unquote(header.partition("=")[2].strip())
            for word in value.split():
                if len(word) >= _SHORTEST_TOKEN:
                    redacted.learn(word)


def tracer() -> trace.Tracer:
    """This process's own."""
    return _tracer(os.getpid())


@lru_cache(maxsize=1)
def _tracer(pid: int) -> trace.Tracer:
    _learn_secrets()
    named = OTELResourceDetector().detect().attributes
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": "leadmill", "service.version": __version__, "process.pid": pid, **named}
        ),
        id_generator=SpanIds(),
        shutdown_on_exit=False,
    )
    delay = None if OTEL_BSP_SCHEDULE_DELAY in os.environ else _SEND_EVERY_MS
    provider.add_span_processor(BatchSpanProcessor(_Told(), schedule_delay_millis=delay))

    def end() -> None:
        if pid != os.getpid():
            return
        last = threading.Thread(target=provider.shutdown, name="last traces", daemon=True)
        last.start()
        last.join(_LAST_S)

    tracing.on_close(end)
    atexit.register(tracing.close)
    return provider.get_tracer("leadmill", __version__)
