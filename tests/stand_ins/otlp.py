"""A receiver of traces (OTLP over HTTP), as a collector, Jaeger or Tempo is one."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """A span, with its ids in hexadecimal."""

    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    #: Kind of error; empty: none.
    error: str
    attributes: dict[str, Any]
    events: tuple[str, ...]
    resource: dict[str, Any]


class Receiver:
    """Takes spans while its `with` block is open. `answer`: the status that it gives; `delay_s`: how long it thinks."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.answer, self.delay_s, self.requests = 200, 0.0, 0
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.headers = dict(self.headers)
                receiver.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                self.send_response(receiver.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, body: bytes) -> None:
        self.requests += 1
        time.sleep(self.delay_s)
        if self.answer != 200:
            return
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _values(of_process.resource.attributes)
            for span in (span for scope in of_process.scope_spans for span in scope.spans):
                self.spans.append(
                    Received(
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        tuple(link.span_id.hex() for link in span.links),
                        span.status.message if span.status.code == 2 else "",
                        _values(span.attributes),
                        tuple(event.name for event in span.events),
                        resource,
                    )
                )

    def of(self, job_id: str) -> list[Received]:
        """The trace of a job, so far."""
        traces = {span.trace for span in self.spans if span.attributes.get("leadmill.job") == job_id}
        return [span for span in self.spans if span.trace in traces]

    def until(self, job_id: str, holds: Callable[[list[Received]], bool], seconds: float = 10) -> list[Received]:
        """Wait until something holds of the trace of a job."""
        end = time.monotonic() + seconds
        while not holds(found := self.of(job_id)):
            assert time.monotonic() < end, sorted((span.name, span.id, span.parent) for span in found)
            time.sleep(0.02)
        return found

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}
