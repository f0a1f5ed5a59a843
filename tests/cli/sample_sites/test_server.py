"""The sample server: proxy form, Host form, counting, and every special behaviour, over real sockets."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from cli.sample_sites.hostile import LARGE_PAGE, METADATA_URL, NESTED_TAGS
from cli.sample_sites.server import SampleServer, bulk_sites, company_urls, expected

pytestmark = pytest.mark.stack


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture
def server() -> Iterator[SampleServer]:
    with SampleServer() as server:
        yield server


def ask(server: SampleServer, target: str, method: str = "GET", **headers: str) -> Reply:
    """One request on a connection of its own; a full URL as target is the proxy's form."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        return ask_on(connection, target, method, **headers)
    finally:
        connection.close()


def ask_on(connection: http.client.HTTPConnection, target: str, method: str = "GET", **headers: str) -> Reply:
    connection.request(method, target, headers=headers)
    response: HTTPResponse = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


def test_proxy_form_and_host_form_serve_the_same(server: SampleServer) -> None:
    by_proxy = ask(server, "http://hafenlicht.example/kontakt")
    by_host = ask(server, "/kontakt", Host="hafenlicht.example")
    assert by_proxy.status == by_host.status == 200
    assert by_proxy.body == by_host.body
    assert b"Hafenlicht" in by_proxy.body
    assert by_proxy.headers["Server"] == "cloudflare"
    assert server.hits == {("hafenlicht.example", "/kontakt"): 2}


def test_the_target_outranks_the_host_header_and_case_does_not_matter(server: SampleServer) -> None:
    reply = ask(server, "http://HAFENLICHT.example:80/?utm=1", Host="polderdata.example")
    assert reply.status == 200
    assert server.hits == {("hafenlicht.example", "/"): 1}


def test_a_connection_is_kept_and_closed_as_asked(server: SampleServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for _ in range(3):
        assert ask_on(connection, "http://velo-cargo-express.example/").headers["Connection"] == "keep-alive"
        assert connection.sock is not None
    ask_on(connection, "http://velo-cargo-express.example/", Connection="close")
    assert connection.sock is None
    assert server.hits["velo-cargo-express.example", "/"] == 4


def test_requests_sent_in_one_go_are_answered_in_order(server: SampleServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(
            b"GET http://hafenlicht.example/robots.txt HTTP/1.1\r\n\r\n"
            b"HEAD http://hafenlicht.example/ HTTP/1.1\r\n\r\n"
            b"GET http://nobody.example/ HTTP/1.0\r\n\r\n"
        )
        received = b""
        while chunk := client.recv(65_536):
            received += chunk
    heads = [part.split(b"\r\n")[0] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert heads == [b"200 OK", b"200 OK", b"502 Bad Gateway"]
    assert b"<title>" not in received, "HEAD has no body"


def test_connect_is_refused_quickly(server: SampleServer) -> None:
    started = time.perf_counter()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(b"CONNECT hafenlicht.example:443 HTTP/1.1\r\nHost: hafenlicht.example:443\r\n\r\n")
            assert client.makefile("rb").read().startswith(b"HTTP/1.1 502 ")
    assert time.perf_counter() - started < 2
    assert not server.hits


@pytest.mark.parametrize("url", company_urls())
def test_every_submitted_company_answers_as_its_file_says(server: SampleServer, url: str) -> None:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    target = f"http://{(parts.hostname or '').encode('idna').decode()}{parts.path or '/'}"
    statuses = []
    for _ in range(4):
        reply = ask(server, target)
        statuses.append(reply.status)
        target = reply.headers.get("Location", target)
        if reply.status not in (301, 302, 429):
            break
    host = urlsplit(target).hostname
    match host:
        case "tideless-systems.example":
            assert statuses == [502]
        case "gone-fishing.example":
            assert statuses == [404]
        case "polderdata.example":
            assert statuses == [429, 200]
        case "hafenlicht.example":
            assert statuses in ([200], [301, 200])
        case _:
            assert statuses[-1] == 200
            assert set(statuses) <= {200, 301}


def test_down_and_unknown_hosts_are_gateway_errors(server: SampleServer) -> None:
    down = ask(server, "http://tideless-systems.example/")
    assert (down.status, down.headers["Proxy-Status"]) == (502, "sample-sites; error=connection_refused")
    unknown = ask(server, "http://169.254.169.254/latest/meta-data/")
    assert (unknown.status, unknown.headers["Proxy-Status"]) == (502, "sample-sites; error=dns_error")
    assert server.hits["169.254.169.254", "/latest/meta-data/"] == 1, "a test can see who tried"


def test_robots(server: SampleServer) -> None:
    assert b"Disallow: /\n" in ask(server, "http://www.quiet-archive.example/robots.txt").body
    assert b"Disallow" not in ask(server, "http://www.nordwind-solar.example/robots.txt").body
    assert (
        b"Sitemap: http://www.nordwind-solar.example/sitemap.xml"
        in ask(server, "http://www.nordwind-solar.example/robots.txt").body
    )
    assert b"/kontakt/</loc>" in ask(server, "http://www.nordwind-solar.example/sitemap.xml").body


def test_the_first_page_request_is_put_off(server: SampleServer) -> None:
    assert ask(server, "http://polderdata.example/robots.txt").status == 200
    first = ask(server, "http://polderdata.example/")
    assert (first.status, first.headers["Retry-After"]) == (429, "1")
    assert [ask(server, f"http://polderdata.example{path}").status for path in ("/", "/over")] == [200, 200]
    server.reset()
    assert ask(server, "http://polderdata.example/over").status == 429


def test_two_hosts_and_two_domains(server: SampleServer) -> None:
    pages = [ask(server, f"http://{host}.brightforge.example/openings") for host in ("www", "jobs")]
    assert pages[0].body == pages[1].body
    moved = ask(server, "http://hafenlicht-studio.example/kontakt?from=ad")
    assert (moved.status, moved.headers["Location"]) == (301, "http://hafenlicht.example/kontakt?from=ad")
    assert expected()["hafenlicht-studio.example"]["name"] == "Hafenlicht"


def test_slow_site_and_slow_server(server: SampleServer) -> None:
    started = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: ask(server, f"http://oranmore-analytics.example{path}"), ["/", "/about"] * 2))
    assert 0.5 <= time.perf_counter() - started < 1.5, "answers wait side by side"
    server.delay_s = 0.2
    started = time.perf_counter()
    ask(server, "http://hafenlicht.example/")
    assert time.perf_counter() - started >= 0.2


def test_gzip_whether_asked_or_not(server: SampleServer) -> None:
    reply = ask(server, "http://www.donaukraft.example/de/kontakt/", **{"Accept-Encoding": "identity"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert "+43 732 555 01 40" in gzip.decompress(reply.body).decode()


def test_hostile_site(server: SampleServer) -> None:
    site = "http://totally-legit-deals.example"
    home = ask(server, f"{site}/").body
    assert b"<script>alert" in home and b"=HYPERLINK(" in home and b"</title><script>" in home
    assert ask(server, f"{site}/deep").body.count(b"<div>") == NESTED_TAGS == 60_000
    assert len(ask(server, f"{site}/big").body) == LARGE_PAGE == 3_000_000
    assert ask(server, f"{site}/metadata").headers["Location"] == METADATA_URL
    loop = ask(server, f"{site}/loop?again")
    assert (loop.status, loop.headers["Location"]) == (302, "/loop?again")
    step = "/maze/1"
    for _ in range(30):
        page = ask(server, site + step)
        assert (page.status, page.body.count(b"<a ")) == (200, 10)
        step = page.body.decode().rpartition('href="')[2].partition('"')[0]
        assert step.startswith("/maze/")
    assert step != "/maze/1"


def test_hits_and_reset_on_the_own_address(server: SampleServer) -> None:
    for path in ("/", "/", "/kontakt"):
        ask(server, f"http://hafenlicht.example{path}")
    shown = {"hafenlicht.example": {"/": 2, "/kontakt": 1}}
    assert json.loads(ask(server, "/__hits__").body) == shown
    assert json.loads(ask(server, f"{server.url}/__hits__").body) == shown, "also through itself as proxy"
    assert ask(server, "/__reset__").status == 404, "reading does not reset"
    assert ask(server, "/__reset__", "POST").status == 204
    assert not server.hits
    assert b"http://hafenlicht.example/" in ask(server, "/").body
    assert not server.hits


def test_hits_are_counted_under_load(server: SampleServer) -> None:
    hosts = bulk_sites(40)

    def crawl(host: str) -> list[int]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        paths = ("/robots.txt", "/", "/about", "/contact", "/missing")
        return [ask_on(connection, f"http://{host}{path}").status for path in paths]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(crawl, hosts)) == [[200, 200, 200, 200, 404]] * 40
    assert sum(server.hits.values()) == 200
    assert set(server.hits.values()) == {1}


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET http://[bad/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example:99999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(server: SampleServer, request_bytes: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(request_bytes)
        assert client.recv(1_000).startswith(b"HTTP/1.1 400 ")
    assert ask(server, "http://hafenlicht.example/").status == 200, "and the server goes on"


def test_sites_take_only_get_and_head(server: SampleServer) -> None:
    assert ask(server, "http://hafenlicht.example/", "POST").status == 405


def test_a_taken_port_is_told() -> None:
    with SampleServer() as first, pytest.raises(OSError), SampleServer(first.port):
        pass
    with pytest.raises(OverflowError), SampleServer(70_000):
        pass


def test_it_ends_although_clients_hang() -> None:
    with SampleServer() as server:
        client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        client.sendall(b"GET http://hafenlicht.example/ HTTP/1.1\r\n")
        started = time.perf_counter()
    assert time.perf_counter() - started < 2
    client.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_it_runs_alone() -> None:
    command = [sys.executable, "-m", "cli.sample_sites.server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
            assert ask_on(connection, "http://hafenlicht.example/").status == 200
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
