"""Secrets are planted wherever one may be given, a run of the real stack meets faults, and then all that it has left is
looked through: what it printed and answered, its files, Redis, the arguments of its processes.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import psutil
import pyarrow.parquet
import pytest
import redis

from cli.sample_sites.server import SampleServer
from leadmill import Client
from tests.stand_ins.identity_provider import CLIENT_ID, IdentityProvider
from tests.valkey import Valkey

#: In each secret; no encoding but base64 changes it.
MARK = "PL4NT"
REDIS, PROXY, SIGNING = f"{MARK}@redis/:1", f"{MARK}@proxy?#", f"{MARK}-signing-" + "k" * 32
MAIL = f"{MARK}@mail:?/"
CLIENT = f"{MARK}-oidc/of:client"
TYPED, KEY, HEADER, OTHER = f"{MARK}-typed", f"lm_abcd1234_{MARK}{'x' * 38}", f"{MARK}-header", f"{MARK}-other"
#: Where notices go: a mail server that nobody is at, by a password; a hook whose address is a secret.
TOLD_BY = f"LEADMILL_NOTIFY_URLS=mailto://u:{MARK}-mail@127.0.0.1:1?from=a@b.example&to=c@d.example"
HOOK = f"https://hooks.acme.example/{MARK}-hook?key={MARK}-query"
ROOT = Path(__file__).parents[1]
#: How a password is sent to a proxy.
SENT = base64.b64encode(f"u:{PROXY}".encode())

PROVIDER = f"{MARK}-provider-key"
#: A search provider of somebody's, which tells all it knows when it fails.
ANGRY = """
import logging
from leadmill.log import get_logger
from leadmill.settings import get_settings
from pipelines.request.search_providers import Provider

def search(query, most, argument, lake):
    held = get_settings()
    told = [f"asked https://u:PL4NT-x@h/?q={query}&api_key=PL4NT-y by {held.http_proxy} with key {argument}",
            {"Authorization": "Bearer PL4NT-z"}, held.redis_url, held.signing_keys, held.smtp_url, b"http://u:PL4NT-b@h"]
    logging.getLogger("angry").error("could not: %s", told)
    get_logger("angry").error("could not", told=told, headers=told[1], password="PL4NT-p")
    raise RuntimeError(told)

PROVIDER = Provider("angry", search, "nothing")
"""

#: Where a secret may stand, and why: relative to the data folder.
MAY_STAND = {
    "run/redis.url": "commands beside the stack find Redis by it; for its owner alone",
    "notices.json": "whoever sends reads where to; for its owner alone",
    "input/companies.csv": "a list lies as it was uploaded",
    # Of a key only a hash is kept: it stands nowhere.
}
FORMATS = ["html", "csv", "xlsx", "json", "parquet"]


class Told:
    """What was told, and by what."""

    def __init__(self) -> None:
        self.all: list[tuple[str, bytes]] = []
        self.marks = [MARK.encode(), SENT]

    def add(self, where: str, text: bytes | str) -> bytes:
        raw = text if isinstance(text, bytes) else text.encode(errors="replace")
        self.all.append((where, raw))
        return raw

    def leaks(self) -> list[str]:
        found = [(where, raw, raw.find(mark)) for where, raw in self.all for mark in self.marks if mark in raw]
        return [f"{where}: …{raw[max(0, at - 60) : at + 30]!r}" for where, raw, at in found]


class Stack:
    """`leadmill up`, whose secrets lie in files and in `.env`."""

    def __init__(self, folder: Path, server: Valkey, proxy_port: int, idp: IdentityProvider, told: Told) -> None:
        self.folder, self.told, self.idp = folder, told, idp
        secret, open_to_all = folder / "redis_url", folder / "proxy"
        secret.touch(mode=0o600)
        secret.write_text(f"redis://:{quote(REDIS, safe='')}@127.0.0.1:{server.port}/0\n")
        open_to_all.write_text(f"http://u:{quote(PROXY, safe='')}@127.0.0.1:{proxy_port}")
        open_to_all.chmod(0o644)
        client_secret = folder / "oidc"
        client_secret.touch(mode=0o600)
        client_secret.write_text(CLIENT)
        (folder / ".env").write_text(
            f"LEADMILL_SIGNING_KEY={SIGNING}\nLEADMILL_HTTP_PROXY_FILE={open_to_all}\n{TOLD_BY}\n"
            f"LEADMILL_SMTP_URL=smtp://u:{quote(MAIL, safe='')}@127.0.0.1:1?from=leads@example.com\n"
            f"LEADMILL_OIDC_ISSUER={idp.url}\nLEADMILL_OIDC_CLIENT_ID={CLIENT_ID}\n"
            f"LEADMILL_OIDC_CLIENT_SECRET_FILE={client_secret}\nLEADMILL_OIDC_ROLES=sales=admin\n"
        )
        (folder / ".env").chmod(0o600)
        plugin = folder / "plugins"
        (plugin / "angry-1.dist-info").mkdir(parents=True)
        (plugin / "angry.py").write_text(ANGRY)
        (plugin / "angry-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: angry\nVersion: 1\n")
        point = "[leadmill.search_providers]\nangry = angry:PROVIDER\n"
        (plugin / "angry-1.dist-info/entry_points.txt").write_text(point)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEADMILL_", "REDIS_"))}
        self.env = {
            **kept,
            "REDIS_URL_FILE": str(secret),
            "LEADMILL_SEARCH_PROVIDER": f"angry:{PROVIDER}",
            "LEADMILL_LOG_LEVEL": "DEBUG",
            "PYTHONPATH": f"{plugin}:{ROOT}",
        }
        made = self.begin("cli.main", "keys", "create", "team", "--role", "admin", stderr=subprocess.DEVNULL)
        self.key = made.communicate()[0].decode().strip()
        told.marks.append(self.key.rpartition("_")[2].encode()[-20:])
        self.log = folder / "up.log"
        with self.log.open("wb") as log:
            arguments = ["up", "--port", "0", "--workers", "2"]
            self.up = self.begin("cli.main", *arguments, stdout=log)
        url = folder / "var/run/api.url"
        while not url.exists():
            assert self.up.poll() is None, self.log.read_text()
            time.sleep(0.05)
        self.url = url.read_text().strip()
        (folder / "key").touch(mode=0o600)
        (folder / "key").write_text(self.key)
        self.env["LEADMILL_API_KEY_FILE"] = str(folder / "key")

    def begin(self, module: str, *arguments: str, env: dict[str, str] | None = None, **how: Any) -> Any:
        how = {"stdout": subprocess.PIPE, **how}
        command = [sys.executable, "-P", "-m", module, *arguments]
        env = {**self.env, **(env or {})}
        return subprocess.Popen(command, cwd=self.folder, env=env, **{"stderr": subprocess.STDOUT, **how})

    def ask(self, path: str, body: str | None = None, kind: str = "application/json", key: str = "") -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        headers = {"Cookie": f"session={HEADER}", "Authorization": f"Basic {HEADER}", "X-API-Key": key or self.key}
        headers["Content-Type"] = kind
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        self.told.add(f"{path[:60]} -> {answer.status}", repr(answer.getheaders()).encode() + text)
        return text

    def sign_in(self, key: str) -> str | None:
        """As a browser does; the cookie that it gets."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        connection.request("POST", "/sign-in", urlencode({"key": key, "next": "/docs"}), headers)
        answer = connection.getresponse()
        self.told.add(f"/sign-in -> {answer.status}", answer.read())
        cookie = answer.getheader("Set-Cookie", "").partition(";")[0]
        if cookie:
            self.told.marks.append(cookie.partition("=")[2].encode()[-20:])
        return cookie or None

    def browse(self, path: str, cookie: str) -> int:
        return self._opened(path, cookie)[0]

    def _opened(self, path: str, cookie: str) -> tuple[int, str]:
        """The status and where it leads to; the cookies that it sets are secrets from now on."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        connection.request("GET", path, headers={"Cookie": cookie, "Sec-Fetch-Site": "same-origin"})
        answer = connection.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name not in ("set-cookie", "location")]
        self.told.add(f"{path[:20]} -> {answer.status}", repr(kept).encode() + answer.read())
        self.cookies = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie") or ()]
        self.told.marks += [value[-20:].encode() for one in self.cookies if (value := one.partition("=")[2])]
        return answer.status, answer.getheader("Location", "")

    def sign_in_by_provider(self) -> int:
        """As a person does; the provider's code is a secret, too."""
        status, there = self._opened("/sign-in/oidc", "")
        assert status == 303
        back = self.idp.let_in(there)
        self.told.marks.append(parse_qs(urlsplit(back).query)["code"][0].encode())
        return self._opened(urlsplit(back)._replace(scheme="", netloc="").geturl(), self.cookies[0])[0]

    def end(self) -> None:
        self.up.send_signal(signal.SIGINT)
        self.up.wait(30)


def running(stack: Stack) -> None:
    """Arguments of all processes of the machine, and what those of the stack hold that need no secret."""
    for process in psutil.process_iter(["pid", "cmdline"]):
        stack.told.add(f"ps {process.info['pid']}", "\0".join(process.info["cmdline"] or []))
    for child in psutil.Process(stack.up.pid).children(recursive=True):
        if "guardian" in " ".join(child.cmdline()):
            stack.told.add("environment of the guardian", repr(child.environ()))


def fail_at_everything(stack: Stack, server: Valkey) -> None:
    """What reaches a log: dead processes, a lost Redis, a changed password, addresses with passwords, crashes."""
    cookie = stack.sign_in(stack.key)
    assert cookie is not None and stack.browse("/", cookie) == 200
    assert stack.sign_in(KEY) is None
    assert stack.sign_in_by_provider() == 303 and stack.browse("/", stack.cookies[0]) == 200
    stack.idp.instead["/token"] = (401, {"error": f"no client has the secret {CLIENT}"})
    assert stack.sign_in_by_provider() == 401
    for child in psutil.Process(stack.up.pid).children(recursive=True):
        if "pool" in " ".join(child.cmdline()) or child.name().startswith("python"):
            parent = child.parent()
            if parent is not None and "worker" in " ".join(parent.cmdline()):
                child.kill()
                break
    with redis.Redis(host="127.0.0.1", port=server.port, password=REDIS) as admin:
        admin.config_set("requirepass", OTHER)
        admin.client_kill_filter(_type="normal", skipme=True)
        until = time.monotonic() + 30
        while b"denies access" not in stack.ask("/api/v1/jobs/statistics"):
            assert time.monotonic() < until, "the changed password was not met"
            time.sleep(0.1)
        stack.ask("/healthz")
        until = time.monotonic() + 30
        while stack.browse("/", cookie) != 503:
            assert time.monotonic() < until, "the session was still believed"
            time.sleep(0.1)
        stack.sign_in(stack.key)
        time.sleep(0.5)  # workers and beat meet it, too
        admin.config_set("requirepass", REDIS)
    stack.ask("/api/v1/jobs/list", key=KEY)
    typed = quote(f"https://u:{TYPED}@acme.example/", safe="")
    for path in (
        "jobs/status/{}",
        "companies/{}",
        "companies?domain={}",
        "jobs/list?api_key={}",
        "nothing/{}?token={}",
    ):
        stack.ask("/api/v1/" + path.format(typed, typed))
    for url in (f"https://u:{TYPED}@acme.example", f"u:{TYPED}@acme.example", f"https://u:{TYPED}/x y@acme.example"):
        refused = json.loads(stack.ask("/api/v1/pipelines", json.dumps({"company_urls": [url]})))
        assert refused["status"] == 422
    stack.ask("/api/v1/pipelines", json.dumps({"company_urls": ["a.example"], "report": f"https://u:{TYPED}@h"}))


def wrong_commands(stack: Stack) -> dict[str, Any]:
    """Commands with wrong settings, which need nothing of the stack."""
    wrong = {"LEADMILL_HTTP_PROXY": f"socks://u:{OTHER}@h", "LEADMILL_SEARCH_PROVIDER": f"none:{OTHER}"}
    away = {"REDIS_URL_FILE": "", "REDIS_URL": f"redis://:{OTHER}@127.0.0.1:{urlsplit(stack.url).port}/0"}
    return {
        "wrong worker": stack.begin("celery", "-A", "tasks.app", "worker", env=wrong),
        "no Redis": stack.begin("cli.main", "up", "--data", "else", "--port", "0", env=away),
    }


def commands(stack: Stack, nodes: list[str], begun: dict[str, Any]) -> None:
    """What commands say, with right and with wrong settings."""
    inspect = ("cli.child", "celery", "inspect", "-t", "20", "-d", ",".join(nodes))
    started = {
        **begun,
        "doctor": stack.begin("cli.main", "doctor"),
        "status": stack.begin("cli.main", "status", "--json"),
        "conf": stack.begin(*inspect, "conf"),
    }
    said = {
        name: stack.told.add(name, process.communicate(timeout=60)[0]).decode() for name, process in started.items()
    }
    assert "redis://:***@127.0.0.1" in said["doctor"], said["doctor"]
    assert "every user of this machine can read LEADMILL_HTTP_PROXY_FILE" in said["doctor"]
    assert "redis://:***@127.0.0.1" in said["status"]
    assert "OK" in said["conf"]
    assert "LEADMILL_HTTP_PROXY: the proxy is given as" in said["wrong worker"]
    assert "Redis at redis://:***@127.0.0.1" in said["no Redis"]


def decoded(file: Path) -> Iterator[bytes]:
    """What a file holds, as it is and unpacked."""
    raw = file.read_bytes()
    yield raw
    if raw.startswith(b"PAR1"):
        yield repr(pyarrow.parquet.read_table(file).to_pylist()).encode(errors="replace")
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def left_in(folder: Path, told: Told) -> None:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not str(file).endswith(tuple(MAY_STAND)):
            for raw in decoded(file):
                told.add(str(file.relative_to(folder)), raw)


def kept_in(server: Valkey, told: Told) -> None:
    with redis.Redis(host="127.0.0.1", port=server.port, password=REDIS) as client:
        keys = list(client.scan_iter(count=1_000))
        assert len(keys) > 10
        for key in keys:
            told.add(f"Redis {key!r}", key + (client.dump(key) or b""))
            kind = client.type(key)
            read = {b"string": client.get, b"hash": client.hgetall, b"list": lambda k: client.lrange(k, 0, -1),
                    b"zset": lambda k: client.zrange(k, 0, -1), b"set": client.smembers,
                    b"stream": client.xrange}  # fmt: skip
            told.add(f"Redis {key!r}", repr(read[kind](key)) if kind in read else "")


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    told = Told()
    with (
        Valkey(tmp_path / "valkey", password=REDIS) as server,
        SampleServer() as sites,
        IdentityProvider(CLIENT) as idp,
    ):
        home = tmp_path / "home"
        home.mkdir()
        stack = Stack(home, server, sites.port, idp, told)
        try:
            listed = "\n".join(["url;note", "nordwind-solar.example;first", f"https://u:{TYPED}@acme.example/;second"])
            (home / "list.csv").write_text(listed)
            with Client(stack.url, api_key=stack.key) as client:
                job = client.submit(csv=home / "list.csv", report={"formats": FORMATS, "mail_to": ["anna@example.com"]})
                told.marks.append(str(client.put_channel("hook", HOOK)["secret"]).encode()[-20:])
                assert not client.test_channel("hook")["taken"] and not client.test_channel("settings-1")["taken"]
                broken = client.submit(search_queries=["anything"])  # is tried again a few times, which takes seconds
                begun = wrong_commands(stack)
                stack.ask("/api/v1/pipelines/preview", listed, "text/csv")
                running(stack)
                ended = job.wait(timeout=60)
                assert ended.status == "completed"
                fail_at_everything(stack, server)
                health = client.submit_kind("health_check")
                assert health.wait(timeout=60).status == "completed"
                error = str(broken.wait(timeout=60).error)
                assert "RuntimeError" in error and "***" in error
                errors = json.loads(stack.ask(f"/api/v1/jobs/{ended.id}/errors"))
                assert "https://***@acme.example/" in [error["domain"] for error in errors["items"]]
                for path in ("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/jobs/statistics",
                             "/api/v1/jobs/list", f"/api/v1/jobs/status/{ended.id}", f"/api/v1/jobs/status/{health.id}",
                             f"/api/v1/jobs/status/{broken.id}", f"/api/v1/jobs/{broken.id}/errors",
                             f"/api/v1/jobs/{ended.id}/events", "/api/v1/companies", "/api/v1/companies.csv",
                             "/api/v1/notices/channels", "/api/v1/notices/deliveries", "/api/v1/notices/rules",
                             *(f"/api/v1/jobs/{ended.id}/report?format={name}" for name in FORMATS)):  # fmt: skip
                    stack.ask(path)
                nodes = [worker["name"] for worker in client.statistics()["workers"] or ()]
            commands(stack, nodes, begun)
            kept_in(server, told)
            assert {file.stat().st_mode & 0o077 for file in (home / "var").rglob("*") if file.is_file()} == {0}
        finally:
            stack.end()
        told.add("up", stack.log.read_bytes())
        left_in(home / "var", told)
    logs = dict(told.all)
    assert logs["run/worker-general.log"].count(b"RuntimeError") >= 1 and b"could not" in logs["run/worker-general.log"]
    assert told.leaks() == []
