"""What a client may hold open, seen from its socket: on a real server, with limits small enough for a test."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from api.connections import Limits
from tests.api.conftest import V1, post
from tests.api.test_events import Server

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n"
POST = f"POST {V1}/pipelines HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
BODY = b'{"company_urls": ["a.example"]}'


class Peer:
    """A client that sends what it likes."""

    def __init__(self, port: int, first: bytes = b"") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=8)
        self.send(first)

    def send(self, data: bytes) -> bool:
        """Whether the other side still takes it."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        found = b""
        try:
            while data := self.socket.recv(65_536):
                found += data
        except ConnectionResetError:
            pass
        return found

    def status(self) -> int:
        """Status of the next answer; 0 when the server closed without one."""
        found = b""
        try:
            while b"\r\n\r\n" not in found and (data := self.socket.recv(65_536)):
                found += data
        except ConnectionResetError:
            pass
        return int(found.split(b" ", 2)[1]) if found else 0

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Limits:
    return getattr(request, "param", Limits())


@pytest.fixture
def server(app: FastAPI, limits: Limits) -> Iterator[Server]:
    found = Server(app, limits)
    yield found
    found.stop()


def is_live(server: Server) -> None:
    assert Peer(server.port, GET + b"Connection: close\r\n\r\n").status() == 200


def test_what_is_no_http_fills_no_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        assert Peer(server.port, b"\x16\x03\x01\r\n\r\n").status() == 400
        assert Peer(server.port, GET + UPGRADE + b"\r\n").status() == 200
    told = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    assert "Invalid HTTP request received." in told and len(told) == len(set(told))


# ---- headers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (GET, b"x"), (GET, b"a: b\r\n"), (GET, b"a: b\r\n c\r\n"), (GET + b"x: ", b"y"), (GET + b"x:", b" "),
        (b"GET /", b"x"), (b"", b"G"), (b"", b"\r\n"),
    ],
    ids=["name", "lines", "folded", "value", "spaces", "target", "method", "empty lines"],
)  # fmt: skip
def test_headers_without_end_are_cut(server: Server, start: bytes, endless: bytes) -> None:
    peer = Peer(server.port, start)
    sent = 0
    while sent < 3_000_000 and peer.send(endless * 500):
        sent += 500 * len(endless)
    assert sent < 3_000_000, "the server took it all"
    assert peer.status() in (0, 400, 431)
    is_live(server)


def test_headers_over_the_limit_are_told(server: Server) -> None:
    for extra in (b"x: " + b"y" * 40_000 + b"\r\n", b"a: b\r\n" * 150):
        answer = Peer(server.port, GET + extra + b"\r\n").rest()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 "), head
        assert b"application/problem+json" in head
        assert json.loads(body)["code"] == "headers_too_large"
    assert Peer(server.port, GET + b"x: " + b"y" * 20_000 + b"\r\n" + b"a: b\r\n" * 80 + b"\r\n").status() == 200


def test_a_body_that_comes_with_its_headers_is_no_header(server: Server) -> None:
    body = b'{"company_urls": [' + b",".join(b'"a%d.example"' % n for n in range(9_000)) + b"]}"
    peer = Peer(server.port, POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert peer.status() == 202
    assert peer.send(POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    assert peer.status() == 202


@pytest.mark.parametrize("endless", [b"a: b\r\n", b"x"], ids=["lines", "one line"])
def test_trailers_without_end_are_cut(server: Server, endless: bytes) -> None:
    peer = Peer(server.port, POST + b"Transfer-Encoding: chunked\r\n\r\n1f\r\n" + BODY + b"\r\n0\r\nx: ")
    sent = 0
    while sent < 6_000_000 and peer.send(endless * 500):
        sent += 500 * len(endless)
    assert sent < 6_000_000, "the server took it all"
    is_live(server)


def test_chunk_extensions_without_end_are_cut(server: Server) -> None:
    peer = Peer(server.port, POST + b"Transfer-Encoding: chunked\r\n\r\n1f;")
    sent = 0
    while sent < 6_000_000 and peer.send(b"x" * 5_000):
        sent += 5_000
    assert sent < 6_000_000, "the server took it all"
    is_live(server)


def test_requests_sent_ahead_are_few(server: Server) -> None:
    peer = Peer(server.port, (GET + b"\r\n") * 5 + GET + b"Connection: close\r\n\r\n")
    assert peer.rest().count(b"HTTP/1.1 200 ") == 6
    peer = Peer(server.port, (GET + b"\r\n") * 500)
    assert peer.rest().count(b"HTTP/1.1 200 ") < 20
    is_live(server)


def test_chunked_bodies_and_kept_connections_work(server: Server) -> None:
    peer = Peer(server.port)
    for _ in range(3):
        peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(BODY), 7):
            part = BODY[at : at + 7]
            peer.send(b"%x\r\n" % len(part) + part + b"\r\n")
        peer.send(b"0\r\nx-trailer: y\r\n\r\n")
        assert peer.status() == 202


# ---- host ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\xff\r\n\r\n", 421),
        (b"GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        (b"GET http://localhost@evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        (b"GET http://evil.example:8000/healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 421),
        (b"GET http://[::1]:8000/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET //evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\n\r\n", 200),
        (GET + UPGRADE + b"\r\n", 200),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    ],
)  # fmt: skip
def test_hosts_and_targets_as_they_are_sent(server: Server, request_: bytes, status: int) -> None:
    assert Peer(server.port, request_).status() == status
    is_live(server)


# ---- times -----------------------------------------------------------------------------------------------

SHORT = Limits(head_s=0.3, body_s=0.3, body_rate=1_000_000, rest_s=0.3, look_s=0.05)


@pytest.mark.parametrize("limits", [SHORT], indirect=True)
@pytest.mark.parametrize(
    ("half", "drip", "status"),
    [
        (b"", b"", 0),
        (GET, b"", 408),
        (GET + b"x: ", b"y", 408),
        (POST + b"Content-Length: 500\r\n\r\n{", b"", 408),
        (POST + b"Content-Length: 500\r\n\r\n{", b" ", 408),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 408),
    ],
    ids=["nothing", "half a head", "dripping head", "half a body", "dripping body", "dripping chunks"],
)
def test_what_does_not_come_whole_is_ended(server: Server, half: bytes, drip: bytes, status: int) -> None:
    """However it drips: what counts is the time of the whole."""
    peer = Peer(server.port, half)
    peer.socket.settimeout(0.02)
    for _ in range(400):
        if drip:
            peer.send(drip)
        try:
            found = peer.socket.recv(1_000)
            break
        except TimeoutError:
            continue
        except ConnectionResetError:
            found = b""
            break
    assert (int(found.split(b" ", 2)[1]) if found else 0) == status
    is_live(server)


def test_a_client_that_goes_away_is_no_crash(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for media in (b"application/json", b"text/csv", b"multipart/form-data; boundary=x"):
        peer = Peer(server.port, POST.replace(b"application/json", media) + b"Content-Length: 500\r\n\r\n--x\r\n")
        peer.close()
    is_live(server)
    assert not [record for record in caplog.records if record.levelname == "ERROR"], caplog.text


@pytest.mark.parametrize("limits", [SHORT], indirect=True)
def test_the_rest_of_a_refused_body_is_not_read_for_ever(server: Server) -> None:
    peer = Peer(server.port, POST.replace(b"localhost", b"evil.example") + b"Content-Length: 9000000\r\n\r\n{")
    assert peer.status() == 421
    for _ in range(400):
        if not peer.send(b" "):
            break
        time.sleep(0.02)
    else:
        raise AssertionError("the connection is still read from")


@pytest.mark.parametrize("limits", [Limits(read_s=0.3, look_s=0.05)], indirect=True)
def test_a_client_that_does_not_read_is_cut(server: Server) -> None:
    peer = Peer(server.port)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    before = len(server.server_state.connections)
    request_ = f"GET {V1}/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    for _ in range(400):  # until the buffers of both sides are full
        if not peer.send(request_) or len(server.server_state.connections) < max(1, before):
            return
        time.sleep(0.02)
    raise AssertionError("the connection is still open")


# ---- numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(connections=20, per_client=10, unfinished=4)], indirect=True)
@pytest.mark.parametrize("held", [b"", GET, POST + b"Content-Length: 500\r\n\r\n{"], ids=["idle", "head", "body"])
def test_who_waits_longest_gives_way(server: Server, held: bytes) -> None:
    peers = [Peer(server.port, held) for _ in range(30)]
    for _ in range(10):
        is_live(server)
        answer = Peer(server.port, POST + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY) + BODY)
        assert answer.status() == 202
    assert len(server.server_state.connections) <= 10
    assert peers[0].status() in (0, 503), "the oldest went first"
    for peer in peers:
        peer.close()


@pytest.mark.parametrize("limits", [Limits(held=1_000_000)], indirect=True)
def test_what_is_uploaded_at_once_is_bounded(server: Server) -> None:
    head = POST + b"Content-Length: 900000\r\n\r\n"
    first = Peer(server.port, head + b" " * 600_000)
    second = Peer(server.port, head + b" " * 500_000)
    assert first.status() == 503, "the larger one gave way"
    assert second.send(b" " * 400_000)
    assert second.status() == 422
    is_live(server)


@pytest.mark.parametrize("limits", [Limits(per_client=4)], indirect=True)
def test_answers_under_way_are_not_cut_for_others(server: Server, app: FastAPI, client: object) -> None:
    job_id = post(client)["job_id"]  # type: ignore[arg-type]
    events = f"GET {V1}/jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    streams = [Peer(server.port, events) for _ in range(3)]
    assert all(stream.status() == 200 for stream in streams)
    for _ in range(10):
        is_live(server)
        Peer(server.port)
    assert all(stream.send(b"\r\n") for stream in streams)
    streams.append(Peer(server.port, events))
    assert streams[-1].status() == 200
    assert Peer(server.port, GET + b"\r\n").status() == 0, "no room, and nobody who could give way"
