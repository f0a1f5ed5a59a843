"""Receivers of notices: a web server that answers as it is told, and a mail server. Both on 127.0.0.1."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from tests.valkey import free_port


@dataclass
class Got:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A web server that answers by path: `/good`, `/500`, `/410`, `/busy`, `/redirect`, `/inward`, `/huge`, `/slow`,
    `/twice` (500, then good).
    """

    port: int = 0
    got: list[Got] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def receiver() -> Iterator[Receiver]:
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            here.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            match self.path.partition("?")[0]:
                case "/500":
                    self._answer(500)
                case "/410":
                    self._answer(410)
                case "/busy":
                    self._answer(429, {"Retry-After": "7"})
                case "/redirect":
                    self._answer(302, {"Location": here.url("/good")})
                case "/echo/token-of-mine":
                    self._answer(302, {"Location": here.url(self.path)})
                case "/inward":
                    self._answer(307, {"Location": "http://169.254.169.254/latest/meta-data"})
                case "/huge":
                    self._answer(200, {"Content-Length": str(1 << 40)})
                    self._endless()
                case "/packed":
                    self._answer(200, {"Content-Encoding": "gzip"})
                    self._write(16 * gzip.compress(bytes(16 << 20), 1))
                case "/slow":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    self._endless(0.05)
                case "/twice" if len(here.got) == 1:
                    self._answer(500)
                case _:
                    self._answer(204)

        do_GET = do_POST

        def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def _write(self, body: bytes) -> None:
            with suppress(OSError):
                self.wfile.write(body)

        def _endless(self, pause_s: float = 0.0) -> None:
            try:
                while True:
                    self.wfile.write(b"X-More: x\r\n" if pause_s else b"x" * 100_000)
                    time.sleep(pause_s)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mail_server() -> Iterator[tuple[int, list[Mail]]]:
    """Its port, and what came."""
    mails: list[Mail] = []

    class Handler(Message):
        def handle_message(self, message: Mail) -> None:
            mails.append(message)

    controller = Controller(Handler(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port, mails
    finally:
        controller.stop()
