"""An S3 server on a port of its own (moto), with faults before it and a count of what it was asked.

A fault befalls one request: an answer instead of it, a connection that breaks within or after it, or an effect that
comes too late. `without if-match` leaves a header out, as a store does that does not know it.
"""

from __future__ import annotations

import io
import itertools
import logging
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from data.object_store import Place

logging.getLogger("werkzeug").setLevel(logging.ERROR)

#: What a server says of itself instead of doing what it was asked, by a name for it: status and code.
ANSWERS = {
    "internal": (500, "InternalError"),
    "slow_down": (503, "SlowDown"),
    "conflict": (409, "ConditionalRequestConflict"),
    "expired": (400, "ExpiredToken"),
    "skewed": (403, "RequestTimeTooSkewed"),
    "denied": (403, "AccessDenied"),
    "full": (507, "XMinioStorageFull"),
    "read_only": (405, "MethodNotAllowed"),
    "bad": (400, "InvalidRequest"),
}
#: What breaks: the connection before a request is read whole, or after it took effect; or its answer comes late.
BREAKS = ("reset", "lost", "late")
#: All servers of a process have one memory.
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    #: What it asks for beside the path: `list-type=2&…`, `delete`.
    query: str
    headers: dict[str, str] = field(hash=False)


class S3Server:
    """The server; a bucket is there for whoever asks for one."""

    def __init__(self, late_s: float = 1.5) -> None:
        self.requests: list[Request] = []
        #: Chooses what befalls a request; None: nothing.
        self.weather: Callable[[Request], str | None] = lambda _request: None
        #: Seconds that an answer comes late, and that each request takes beside its work.
        self.late_s, self.latency_s = late_s, 0.0
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server: BaseWSGIServer = make_server("127.0.0.1", 0, self._app, threaded=True, request_handler=_Handler)
        self._server.store = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._lock = threading.Lock()
        #: Requests that nobody waits for any more.
        self._late = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def place(self, prefix: str = "some/prefix", **more: Any) -> Place:
        """A new bucket."""
        name = f"lake-{next(_numbers)}"
        s3_backends["123456789012"]["aws"].create_bucket(name, "us-east-1")
        options = {
            "endpoint": self.url,
            "access_key_id": "id",
            "secret_access_key": "secret-of-a-test",
            "region": "us-east-1",
        }
        return Place(name, prefix, {**options, "virtual_hosted_style_request": False}, **more)

    @contextmanager
    def befalling(self, *faults: str) -> Iterator[list[str]]:
        """These befall the next requests, one each; what is left of them, None but for a mistake."""
        left = list(faults)
        self.weather = lambda _request: left.pop(0) if left else None
        try:
            yield left
        finally:
            self.weather = lambda _request: None

    def chance(self, seed: int, share: float, faults: Sequence[str], late_s: float) -> Mapping[str, int]:
        """From now on such a share of requests meets one of these; how often each was met, as it goes on."""
        dice, told = random.Random(seed), dict.fromkeys(faults, 0)

        def weather(_request: Request) -> str | None:
            with self._lock:
                if dice.random() >= share:
                    return None
                fault = dice.choice(faults)
                told[fault] += 1
                return fault

        self.weather, self.late_s = weather, late_s
        return told

    def clear(self) -> None:
        """No more faults, and everything that was late has taken place."""
        self.weather = lambda _request: None
        time.sleep(0.1)  # one that has met its fault has begun to be late
        while self._late:
            time.sleep(0.01)

    def methods(self) -> Counter[str]:
        """How often each method was used since the last time, a listing told from other reading."""
        found = Counter("LIST" if "list-type" in one.query else one.method for one in self.requests)
        self.requests.clear()
        return found

    @contextmanager
    def being_late(self) -> Iterator[None]:
        with self._lock:
            self._late += 1
        try:
            time.sleep(self.late_s)
            yield
        finally:
            with self._lock:
                self._late -= 1

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def run_wsgi(self) -> None:
        store: S3Server = self.server.store  # type: ignore[attr-defined]
        path, _, query = self.path.partition("?")
        request = Request(self.command, path, query, {name.lower(): text for name, text in self.headers.items()})
        store.requests.append(request)
        fault = store.weather(request)
        if fault and fault.startswith("without "):  # as a store that does not know a condition
            del self.headers[fault.removeprefix("without ")]
        time.sleep(store.latency_s)
        if fault in ANSWERS:
            self._refuse(*ANSWERS[fault])
        elif fault == "reset":
            self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
            self._break()
        elif fault == "lost":
            self._unheard()
            self._break()
        elif fault == "late":  # nobody waits for it any more when it takes effect
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with store.being_late():
                self._unheard(body)
            self._break()
        else:
            super().run_wsgi()

    def _refuse(self, status: int, code: str) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = f"<Error><Code>{code}</Code><Message>a fault of a test</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def _unheard(self, body: bytes | None = None) -> None:
        """Do what was asked, and tell nobody."""
        environ = self.make_environ()
        if body is not None:
            environ["wsgi.input"] = io.BytesIO(body)
        for _ in self.server.app(environ, lambda *_told, **_more: lambda _data: None):  # type: ignore[attr-defined]
            pass

    def _break(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
