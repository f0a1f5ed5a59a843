"""Ports on this machine: is one free, and which one may be taken instead."""

from __future__ import annotations

import errno
import socket


def is_free(host: str, port: int) -> bool:
    """True when a server may listen there now.

    Raises:
        OSError: the address is not one of this machine's, or the port needs more rights.
    """
    with _socket(host) as sock:
        try:
            sock.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listened on a moment ago."""
    with _socket(host) as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


def preferred_port(host: str, port: int) -> int:
    """`port` if it is free, else another one."""
    return port if port and is_free(host, port) else free_port(host)


def in_url(host: str) -> str:
    """A listening address as a client on this machine writes it in a URL."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - what a user asked to listen on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _socket(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock
