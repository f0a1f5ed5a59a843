"""A web server for crawl tests: one host name for each nasty behaviour, `<behaviour>.localhost`.

Speaks HTTP by hand over asyncio streams, so that it can also speak it wrongly. Runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
import tempfile
import threading
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import brotli


@dataclass
class Asked:
    """One request as the server saw it."""

    host: str
    path: str
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)


Behaviour = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]
BEHAVIOURS: dict[str, Behaviour] = {}

PATHS = ("contact", "about", "impressum", "jobs", "z1", "z2")
LINKS = "".join(f"<a href='/{name}'>{name}</a> " for name in PATHS)
HOME = f"<html><head><title>Acme</title></head><body><h1>Acme Ltd</h1>{LINKS}</body></html>".encode()


def behaviour(function: Behaviour) -> Behaviour:
    BEHAVIOURS[function.__name__.replace("_", "-")] = function
    return function


def send(
    writer: asyncio.StreamWriter,
    body: bytes = HOME,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    length: int | None = -1,
    kind: str | None = "text/html; charset=utf-8",
) -> None:
    head = {
        "Content-Type": kind,
        "Content-Length": None if length is None else str(len(body) if length == -1 else length),
    }
    head |= headers or {}
    lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in head.items() if v is not None), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + body)


def redirect(writer: asyncio.StreamWriter, to: str, status: int = 302) -> None:
    send(writer, b"", status, {"Location": to})


@behaviour
async def plain(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer)


@behaviour
async def staff(asked: Asked, writer: asyncio.StreamWriter) -> None:
    people = "<h3>Anna Schmidt</h3><p>Managing Director<p>anna@acme-tools.example<h3>Ben Cohen</h3><p>Sales Manager"
    send(writer, f"<title>Acme</title><h1>Acme</h1>{people}".encode())


@behaviour
async def moved(asked: Asked, writer: asyncio.StreamWriter) -> None:
    redirect(writer, "/en/", 301) if asked.path == "/" else send(writer)


@behaviour
async def elsewhere(asked: Asked, writer: asyncio.StreamWriter) -> None:
    redirect(writer, "http://plain.localhost:" + asked.host.partition(":")[2] + "/", 301)


@behaviour
async def loop(asked: Asked, writer: asyncio.StreamWriter) -> None:
    redirect(writer, {"/": "/a", "/a": "/b", "/b": "/"}[asked.path])


@behaviour
async def staircase(asked: Asked, writer: asyncio.StreamWriter) -> None:
    redirect(writer, asked.path + "x")


@behaviour
async def to_endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
    redirect(writer, f"http://{'é' * 25_000}{len(asked.path)}.example/" if asked.path == "/" else "/")


@behaviour
async def to_seen(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer) if asked.path == "/" else redirect(writer, "/")


@behaviour
async def to_same(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer) if asked.path in ("/", "/same") else redirect(writer, "/same")


@behaviour
async def to_metadata(asked: Asked, writer: asyncio.StreamWriter) -> None:
    redirect(writer, "http://169.254.169.254/latest/meta-data/")


@behaviour
async def to_file(asked: Asked, writer: asyncio.StreamWriter) -> None:
    redirect(writer, "file:///etc/passwd")


@behaviour
async def refresh(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"<meta http-equiv=refresh content='0; url=/real'>") if asked.path == "/" else send(writer)


def refresh_to(target: str) -> Behaviour:
    """A home page of its own that sends its visitor on at once."""

    async def home(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path == target:
            await asyncio.sleep(30) if target == "/hang" else send(writer, status=404)
            return
        refreshing = f"<meta http-equiv=refresh content='0; url={target}'>".encode()
        send(writer, refreshing + HOME if asked.path == "/" else HOME)

    return home


BEHAVIOURS["refresh-to-bad-port"] = refresh_to("http://8.8.8.8:6379/")
BEHAVIOURS["refresh-to-no-port"] = refresh_to("http://a.example:99999/")
BEHAVIOURS["refresh-to-missing"] = refresh_to("/missing")
BEHAVIOURS["refresh-to-hang"] = refresh_to("/hang")
BEHAVIOURS["refresh-to-metadata"] = refresh_to("http://169.254.169.254/latest/")


@behaviour
async def gzipped(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, gzip.compress(HOME), headers={"Content-Encoding": "gzip"})


@behaviour
async def deflated(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, zlib.compress(HOME), headers={"Content-Encoding": "deflate"})


@behaviour
async def brotlied(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, brotli.compress(HOME), headers={"Content-Encoding": "br"})


@behaviour
async def half_gzip(asked: Asked, writer: asyncio.StreamWriter) -> None:
    body = gzip.compress(HOME * 50, 0)
    send(writer, body[: len(body) // 2], headers={"Content-Encoding": "gzip"})


@behaviour
async def bomb(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, gzip.compress(bytes(20_000_000)), headers={"Content-Encoding": "gzip"})


def wrapped(layers: int) -> Behaviour:
    """A page packed again and again, each layer nearly as large as the page itself."""

    async def packed(asked: Asked, writer: asyncio.StreamWriter) -> None:
        body = HOME
        for _ in range(layers):
            body = gzip.compress(body, 0)
        send(writer, body, headers={"Content-Encoding": ", ".join(["gzip"] * layers)})

    return packed


BEHAVIOURS["gzipped-twice"] = wrapped(2)
BEHAVIOURS["gzipped-often"] = wrapped(40)


@behaviour
async def chunked(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"", headers={"Transfer-Encoding": "chunked"}, length=None)
    for start in range(0, len(HOME), 50):
        part = HOME[start : start + 50]
        writer.write(b"%x\r\n%s\r\n" % (len(part), part))
        await writer.drain()
    writer.write(b"0\r\n\r\n")


@behaviour
async def no_length(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, length=None, headers={"Connection": "close"})
    writer.close()


@behaviour
async def truncated(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, length=len(HOME) + 1_000)
    await writer.drain()
    writer.close()


@behaviour
async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"<html>", length=100_000)
    for _ in range(400):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


@behaviour
async def hang(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


@behaviour
async def second_hangs(asked: Asked, writer: asyncio.StreamWriter) -> None:
    if asked.path != "/":
        await asyncio.sleep(30)
    send(writer)


@behaviour
async def oversize(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"x" * 2_100_000)


@behaviour
async def oversize_unsaid(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"", length=None, headers={"Connection": "close"})
    for _ in range(300):
        writer.write(b"y" * 10_000)
        await writer.drain()
    writer.close()


@behaviour
async def reset(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@behaviour
async def resets_once(asked: Asked, writer: asyncio.StreamWriter) -> None:
    if asked.count == 1:  # type: ignore[attr-defined]
        writer.transport.abort()
    else:
        send(writer)


@behaviour
async def garbage(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff\x13nonsense\r\n\r\n" * 20)
    await writer.drain()
    writer.close()


@behaviour
async def big_headers(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, headers={"X-Powered-By": "p" * 30_000, "Set-Cookie": "shop=" + "s" * 9_000 + "; Path=/"})


@behaviour
async def odd_headers(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, headers={"Server": "\xe9\xff", "X-Shopify-Stage": "production", "X-Secret": "no"})


@behaviour
async def pdf(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"%PDF-1.7", kind="application/pdf")


@behaviour
async def no_type(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, kind=None)


@behaviour
async def binary(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, bytes(range(256)), kind=None)


@behaviour
async def latin(asked: Asked, writer: asyncio.StreamWriter) -> None:
    body = "<a href='/seite-4'>Über uns</a> <a href='/z'>z</a>".encode("latin-1")
    send(writer, body, kind="text/html; charset=ISO-8859-1")


@behaviour
async def no_charset(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, kind="text/html; charset=" + ("idna" if asked.path == "/about" else "rot13"))


@behaviour
async def empty(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"  \n")


@behaviour
async def missing(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"<h1>gone</h1>", 404)


@behaviour
async def half_missing(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, HOME, 200 if asked.path in ("/", "/about") else 404)


@behaviour
async def forbids(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, HOME, 200 if asked.path == "/" else 403)


@behaviour
async def broken(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"oops", 500)


@behaviour
async def busy_once(asked: Asked, writer: asyncio.StreamWriter) -> None:
    if asked.count == 1:  # type: ignore[attr-defined]
        send(writer, b"later", 429, {"Retry-After": "1"})
    else:
        send(writer)


@behaviour
async def busy_long(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"later", 503, {"Retry-After": "3600"})


@behaviour
async def deny(asked: Asked, writer: asyncio.StreamWriter) -> None:
    robots(asked, writer, b"User-agent: *\nDisallow: /\n")


@behaviour
async def deny_us(asked: Asked, writer: asyncio.StreamWriter) -> None:
    robots(asked, writer, b"User-agent: *\nAllow: /\n\nUser-Agent: Leadmill/2.0\nDisallow: /\n")


@behaviour
async def deny_part(asked: Asked, writer: asyncio.StreamWriter) -> None:
    robots(asked, writer, b"User-agent: *\nDisallow: /contact\nDisallow: /z*\n")


@behaviour
async def robots_503(asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, b"", 503, {"Retry-After": "0"}) if asked.path == "/robots.txt" else send(writer)


@behaviour
async def robots_huge(asked: Asked, writer: asyncio.StreamWriter) -> None:
    names = b"".join(b"User-agent: bot%d\n" % n for n in range(9_000))
    robots(asked, writer, names + b"".join(b"Disallow: /%d\n" % n for n in range(9_000)))


@behaviour
async def robots_names(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Names without end, each with rules of its own; every page but the first leads on to the next name."""
    at, _, rest = asked.host.rpartition("robots-names.")
    number = int(at.strip("n.") or 0)
    names = [f"http://n{100 * number + n}.robots-names.{rest}/{path}" for n, path in enumerate(PATHS, start=1)]
    if asked.path == "/robots.txt":
        send(writer, b"User-agent: *\n" + b"".join(b"Disallow: /x%d$\n" % n for n in range(900)), kind="text/plain")
    elif asked.path == "/":
        send(writer, "".join(f"<p>Acme Ltd <a href='{url}'>{url[-7:]}</a>" for url in names).encode())
    else:
        redirect(writer, names[0])


@behaviour
async def delay(asked: Asked, writer: asyncio.StreamWriter) -> None:
    robots(asked, writer, b"User-agent: *\nCrawl-delay: 0.4\n")


@behaviour
async def delay_long(asked: Asked, writer: asyncio.StreamWriter) -> None:
    robots(asked, writer, b"User-agent: *\nCrawl-delay: 500\n")


@behaviour
async def farm(asked: Asked, writer: asyncio.StreamWriter) -> None:
    links = "".join(f"<a href='{asked.path.rstrip('/')}/{n}'>{n}</a>" for n in range(1_000))
    send(writer, f"<html>{links}</html>".encode())


def robots(asked: Asked, writer: asyncio.StreamWriter, body: bytes) -> None:
    send(writer, body, kind="text/plain") if asked.path == "/robots.txt" else send(writer)


class HostileServer:
    """The server. `port` speaks HTTP, `tls_port` TLS with a certificate that nobody signed."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        #: Requests in the form that a forward proxy gets; it answers them for every name.
        self.proxied: list[str] = []
        self.port = self.tls_port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def url(self, name: str, path: str = "/", *, scheme: str = "http") -> str:
        return f"{scheme}://{self.host(name, scheme=scheme)}{path}"

    def host(self, name: str, *, scheme: str = "http") -> str:
        return f"{name}.localhost:{self.tls_port if scheme == 'https' else self.port}"

    def paths(self, name: str) -> list[str]:
        return [asked.path for asked in self.asked if asked.host.startswith(f"{name}.")]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(5)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        http = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        https = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=_self_signed())
        self.port = http.sockets[0].getsockname()[1]
        self.tls_port = https.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        http.close()
        https.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                begin = await reader.readexactly(1)
                if begin == b"\x16":  # a TLS handshake on the plain port
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    break
                head = (begin + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                method, target = first.split(" ")[:2]
                if method == "CONNECT" or target.startswith("http://"):
                    self.proxied.append(f"{method} {target}")
                    if method == "CONNECT":
                        send(writer, b"", 403)
                        break
                    target = "/" + target.split("/", 3)[3]
                asked = Asked(headers.get("host", ""), target, headers)
                self.asked.append(asked)
                asked.count = sum(a.host == asked.host and a.path == asked.path for a in self.asked)  # type: ignore[attr-defined]
                await self._answer(asked, writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.host.startswith("www."):  # the most sites here have no such name, which nothing can be said of here
            act = BEHAVIOURS.get("www-" + asked.host.split(".")[1], garbage)
            await act(asked, writer)
            return
        label, dot, rest = asked.host.partition(".")
        if rest.count(".") and label not in BEHAVIOURS:  # a name below a name behaves alike
            label = rest.partition(".")[0]
        named = dot and not label.isdigit()
        act = BEHAVIOURS.get(label) or BEHAVIOURS[label.rstrip("0123456789") if named else "plain"]
        if asked.path == "/robots.txt" and not act.__name__.startswith(("deny", "robots", "delay")):
            send(writer, b"", 404)
        else:
            await act(asked, writer)


def _self_signed() -> ssl.SSLContext:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(private + certificate.public_bytes(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
    return context
