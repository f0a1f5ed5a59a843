"""Cursors of lists: a time and a name as one opaque word."""

from __future__ import annotations

import base64

from leadmill.errors import InputError

REFUSED = "not a cursor; give the `next_cursor` of the page before"


def encode(at: int, name: str) -> str:
    """The cursor behind an entry: its time (ms since the epoch) and its name."""
    return base64.urlsafe_b64encode(f"{at}:{name}".encode()).decode().rstrip("=")


def decode(text: str) -> tuple[int, str]:
    """Time and name; InputError when `text` is no cursor."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        plain = ""
    at, _, name = plain.partition(":")
    if not (at.isascii() and at.isdigit() and len(at) < 16 and name):
        raise InputError(REFUSED, field="cursor")
    return int(at), name
