"""`python -m pipelines.notices.channels.apprise_process`: sends one message by apprise, and ends.

In: one JSON object on standard input, `{"url", "module", "ports", "allow", "title", "body", "severity"}`; without
`body` the URL is only looked at. Out: `{"service"}` or `{"error", "retry"}`.

apprise dials by itself, wherever a URL or an answer leads it. So it works in a process of its own, which holds no
secret but this URL; once the library is loaded this process may dial what `leadmill.egress` allows, read what Python
is made of, and nothing else.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from leadmill.egress import parse_allow, refuse_address

#: Most memory that this process takes beside what it has once the library is loaded, bytes: an answer may be of any
#: size, also a small one that is packed.
_MEMORY = 96 << 20
#: What a process could do beside dialling: events of Python's audit (PEP 578) that end in a refusal.
_REFUSED = (
    "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "os.remove", "os.rename",
    "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.kill", "os.putenv",
    "pty.", "shutil.", "ctypes.dlopen", "socket.bind", "socket.sendto", "socket.sendmsg", "ftplib.", "imaplib.",
    "poplib.", "telnetlib.", "sqlite3.", "webbrowser.",
)  # fmt: skip


def main() -> None:
    asked = json.load(sys.stdin)
    told: list[str] = []
    try:
        answer = _answer(asked, told)
    except BaseException as error:  # whatever a plug-in of the library raises is an answer
        answer = {"error": f"{type(error).__name__}: {error}"[:300], "retry": "body" in asked}
    json.dump(answer, sys.stdout)


def _answer(asked: dict[str, Any], told: list[str]) -> dict[str, Any]:
    _listen(told)
    from apprise import AppriseAsset
    from apprise.common import NotifyFormat, NotifyType, PersistentStoreMode

    module = import_module(f"apprise.plugins.{asked['module']}")
    plugin: Any = next(
        one
        for name, one in vars(module).items()
        if name.startswith("Notify") and getattr(one, "service_name", None) and hasattr(one, "parse_url")
    )
    refusals: list[str] = []
    confine(asked["ports"], asked["allow"], refusals)
    asset = AppriseAsset(
        app_id="Leadmill", app_desc="Leadmill", app_url="", image_url_mask="", image_url_logo="",
        storage_mode=PersistentStoreMode.MEMORY, http_redirects=False, async_mode=False,
    )  # fmt: skip
    native = asked["url"].partition("://")[0].lower() in ("http", "https")
    results = plugin.parse_native_url(asked["url"]) if native else plugin.parse_url(asked["url"])
    if not results:
        return {"error": _why(told) or "not a URL of this service", "retry": False}
    try:
        channel = plugin(**{**results, "asset": asset})
    except (TypeError, ValueError) as error:
        return {"error": str(error) or _why(told), "retry": False}
    if "body" not in asked:
        return {"service": str(plugin.service_name)}
    levels = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "critical": NotifyType.FAILURE}
    level = NotifyType.SUCCESS if asked.get("resolves") else levels[asked["severity"]]
    taken = channel.notify(body=asked["body"], title=asked["title"], notify_type=level, body_format=NotifyFormat.TEXT)
    if refusals:
        return {"error": f"refused: {refusals[0]}", "retry": False, "refused": True}
    return {"service": str(plugin.service_name)} if taken else {"error": _why(told) or "not taken", "retry": True}


def confine(ports: list[int], allow: list[str], refusals: list[str]) -> None:
    """Take from this process, for good, what it does not need to send a message."""
    with suppress(OSError):  # where memory ends for all, this goes first, not whoever waits for it
        Path("/proc/self/oom_score_adj").write_text("1000")
    most = _address_space() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    networks, open_ports, may_read = parse_allow(allow), frozenset(ports), _readable()

    def dialled(address: Any) -> str | None:
        if not isinstance(address, tuple):
            return "a socket of this machine"
        try:
            at = ipaddress.ip_address(address[0])
        except ValueError:
            return f"{str(address[0])[:60]!r} is not an IP address"
        return refuse_address(at, address[1], networks, open_ports)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        refusal = None
        if event == "socket.connect":
            refusal = dialled(arguments[1])
            if refusal is not None:
                refusals.append(refusal)
        elif event == "open":
            refusal = None if may_read(*arguments) else "a file"
        elif event.startswith(_REFUSED):
            refusal = event
        if refusal is not None:
            raise PermissionError(f"refused: {refusal}")

    sys.addaudithook(watch)


def _address_space() -> int:
    """What this process has of it, bytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _readable() -> Callable[[Any, Any, Any], bool]:
    """Whether a file may be opened: what Python is made of, the certificates, and nothing to write."""
    roots = {Path(place).resolve() for place in (sys.prefix, sys.base_prefix, Path(os.__file__).parent)}
    paths = ssl.get_default_verify_paths()
    certificates = [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")]
    found = [paths.cafile, paths.capath, "/etc/mime.types", "/usr/share/zoneinfo", *certificates]
    roots |= {Path(place).resolve() for place in found if place}
    roots.discard(Path("/"))

    def may_read(path: Any, mode: Any, flags: Any) -> bool:
        if isinstance(path, int):
            return True
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        if isinstance(flags, int) and flags & writes:
            return False
        place = Path(os.path.realpath(os.fsdecode(path)))
        return any(place.is_relative_to(root) for root in roots)

    return may_read


class _Told(logging.Handler):
    def __init__(self, told: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or "xception" in record.getMessage():
            self._told.append(" ".join(record.getMessage().split())[:300])


def _listen(told: list[str]) -> None:
    """apprise says why in its log alone."""
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_Told(told))
    logger.propagate = False


def _why(told: list[str]) -> str:
    return "; ".join(dict.fromkeys(told[-3:]))[:400]


if __name__ == "__main__":
    socket.setdefaulttimeout(10.0)
    main()
