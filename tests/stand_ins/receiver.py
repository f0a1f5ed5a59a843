"""Somebody who receives notices: an HTTP server on loopback that notes each, and a channel that sends there."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from leadmill.notices import KINDS, Delivery, Notice
from pipelines.notices.channel import Channel, ChannelError


class Received(NamedTuple):
    channel: str
    notice_id: str
    job_id: str | None
    said: str
    about: dict[str, Any]
    at: float


class Receiver:
    """Notes what comes, in order. `answer` says with which status, and may take its time."""

    def __init__(self, answer: Callable[[Received], int] = lambda _: 200) -> None:
        self.received: list[Received] = []
        self.answer = answer
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                found = Received(**body, at=time.time())
                status = receiver.answer(found)
                if status < 300:
                    receiver.received.append(found)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:  # whoever sent it is dead
                    pass

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A sender was killed."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def said(self) -> list[str]:
        return [one.said for one in self.received]


class Post:
    """A channel that posts to a receiver."""

    def __init__(self, name: str, port: int, *, groups: bool = False, timeout_s: float = 5.0) -> None:
        self.name, self.groups, self._port, self._timeout_s = name, groups, port, timeout_s

    def send(self, notice: Notice, delivery: Delivery) -> None:
        body = Received(self.name, notice.id, notice.job_id, delivery.said(notice), dict(notice.about), 0)._asdict()
        del body["at"]
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout_s)
        try:
            connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise ChannelError(f"no answer: {error}") from error
        finally:
            connection.close()
        if status >= 300:
            raise ChannelError(f"answers {status}", retry=status >= 500, status=status)


class Book:
    """Channels by name; which of them a notice goes to, `choose` says."""

    def __init__(self, channels: Sequence[Channel], choose: Callable[[Notice], Sequence[str]] | None = None) -> None:
        self.channels = {channel.name: channel for channel in channels}
        self._choose = choose or (lambda notice: list(self.channels))

    def channels_of(self, notice: Notice) -> Sequence[Channel]:
        return [self.channels[name] for name in self._choose(notice)]

    def channel(self, name: str, notice: Notice) -> Channel | None:
        return self.channels.get(name)

    def wanted(self) -> set[str]:
        return set(KINDS)
