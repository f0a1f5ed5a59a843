"""Processes that a row starts: none of them outlives it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from cli.local_stack.process import die_with_parent

ROOT = Path(__file__).parents[1]


def start_child(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """A process that ends when this one does (on Linux even when this one is killed)."""
    return subprocess.Popen(command, cwd=ROOT, preexec_fn=die_with_parent(os.getpid()), **options)  # noqa: PLW1509


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, child: subprocess.Popen[Any], seconds: float = 30) -> None:
    """Until something listens.

    Raises:
        OSError: nothing does, or the child has ended.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if child.poll() is not None or time.monotonic() > until:
                raise
        time.sleep(0.05)


@contextmanager
def served(module: str, *arguments: str) -> Iterator[str]:
    """A module's server in a process of its own, told its port last; the address that takes it as a proxy."""
    port = free_port()
    command = [sys.executable, "-m", module, *arguments, str(port)]
    child = start_child(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


def sample_sites() -> AbstractContextManager[str]:
    """The sample sites in a process of their own; the address that takes them as a proxy."""
    return served("cli.sample_sites.server", "--port")
