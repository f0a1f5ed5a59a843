"""A small API that answers as scripted, on a real socket, for the tests of the client and of the commands."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    #: Pieces sent one by one instead of `body`; the connection closes after the last.
    pieces: Iterator[bytes] | None = None


Script = Callable[[Request], Answer | None]


class FakeApi:
    """Answers by the first script that knows an answer; keeps what was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.scripts: list[Script] = [_health]
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, parts.path, query, headers, body)
                api.requests.append(request)
                answer = next((found for script in api.scripts if (found := script(request))), None)
                self.send(answer or problem(404, "not_found", f"nothing at {parts.path}"))

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.pieces is not None:
                    self.send_header("connection", "close")
                    self.end_headers()
                    for piece in answer.pieces:
                        self.wfile.write(piece)
                        self.wfile.flush()
                    self.close_connection = True
                    return
                raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Give these answers in turn, the last one for ever."""
        left = list(answers)

        def script(request: Request) -> Answer | None:
            if (request.method, request.path) != (method, path):
                return None
            return left.pop(0) if len(left) > 1 else left[0]

        self.scripts.insert(0, script)

    def asked(self, method: str, path: str) -> list[Request]:
        return [r for r in self.requests if (r.method, r.path) == (method, path)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _health(request: Request) -> Answer | None:
    return Answer({"status": "ok"}) if request.path in ("/healthz", "/readyz") else None


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    body = {"type": f"about:{code}", "status": status, "code": code, "detail": detail, **more}
    return Answer(body, status, {"content-type": "application/problem+json", **(headers or {})})


def job_json(job_id: str = "job_1", status: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "kind": "pipeline",
        "status": status,
        "priority": "normal",
        "tags": [],
        "created_at": "2026-11-24T10:00:00Z",
        "progress": {"current_step": 1, "total_steps": 5, "percentage": 40.0, "message": "scraping", "details": {}},
        "stages": [
            {
                "name": "scrape",
                "status": "running",
                "partitions": {"total": 4, "done": 2, "failed": 0},
                "rows_in": 10,
                "rows_out": 5,
                "errors": 1,
            }
        ],
        "attempt": 1,
        "result": {},
        **more,
    }


@pytest.fixture
def api() -> Iterator[FakeApi]:
    server = FakeApi()
    yield server
    server.close()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


@pytest.fixture
def a_problem() -> Callable[..., Answer]:
    return problem


@pytest.fixture
def a_job() -> Callable[..., dict[str, Any]]:
    return job_json


def api_env(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {"LEADMILL_API_HOST": str(parts.hostname), "LEADMILL_API_PORT": str(parts.port)}


@pytest.fixture
def at() -> Callable[[str], dict[str, str]]:
    """The environment by which a command finds an API."""
    return api_env
