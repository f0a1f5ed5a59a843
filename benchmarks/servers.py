"""The two HTTP servers that rows compare: our API as `leadmill up` runs it, and the bare one, on a stack's Redis."""

from __future__ import annotations

import http.client
import sys
import time

from benchmarks.children import free_port
from benchmarks.stack import Stack
from cli.child import python_command


def start_api(stack: Stack, **settings: str) -> int:
    """Our API, with further settings by their variables; its port, once it answers."""
    port = free_port()
    return _start(stack, python_command("api", "127.0.0.1", str(port)), "api", port, "/healthz", **settings)


def start_floor(stack: Stack) -> int:
    """The bare one; its port, once it answers."""
    port = free_port()
    return _start(stack, [sys.executable, "-m", "benchmarks.floor_api", str(port)], "floor-api", port, "/openapi.json")


def _start(stack: Stack, command: list[str], name: str, port: int, path: str, **settings: str) -> int:
    env = {
        "REDIS_URL": stack.url, "LEADMILL_DATA_URL": str(stack.folder / "data"), "LEADMILL_KEY_PREFIX": stack.prefix,
        "LEADMILL_API_PORT": str(port), "LEADMILL_LOG_LEVEL": "WARNING", **settings,
    }  # fmt: skip
    child = stack.start(command, name, **env)
    until = time.monotonic() + 60
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return port
        except OSError:
            pass
        finally:
            connection.close()
        if child.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{name} did not come up:\n{(stack.folder / f'{name}.log').read_text()[-3000:]}")
        time.sleep(0.05)


class Caller:
    """One kept-alive connection, for measuring single calls."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path: str) -> bytes:
        """The body of the answer.

        Raises:
            RuntimeError: it was not 200.
        """
        status, body = self.ask(path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {body[:200]!r}")
        return body

    def ask(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._connection.close()
