"""Cursors of lists: the sorting key of the last entry seen as one opaque word, so that the next page
is right whatever came or went in between."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from leadmill.errors import InputError

#: No entry is of a later time than this, the last second of the last year that there is.
LAST_MS = 253_402_300_799_000
#: JSON may say half of a character, which no text of the lake is.
_SURROGATE = re.compile("[\ud800-\udfff]")
REFUSED = "not a cursor; give the `next_cursor` of the page before"


def encode(at: int, name: str) -> str:
    """The cursor behind an entry: its time (ms since the epoch) and its name."""
    return base64.urlsafe_b64encode(f"{at}:{name}".encode()).decode().rstrip("=")


def decode(text: str) -> tuple[int, str]:
    """Time and name; InputError when `text` is no cursor."""
    at, _, name = _plain(text).partition(":")
    if not (at.isascii() and at.isdigit() and len(at) < 16 and int(at) <= LAST_MS and name):
        raise InputError(REFUSED, field="cursor")
    return int(at), name


def encode_key(*key: float | str) -> str:
    """The cursor behind an entry with a key of numbers and texts; numbers come back exactly."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_key(text: str, *kinds: type) -> tuple[Any, ...]:
    """The key, each part of its kind (`float` takes whole numbers, too); InputError when `text` is no cursor."""
    try:
        key = json.loads(_plain(text))
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != len(kinds):
        raise InputError(REFUSED, field="cursor")
    for part, kind in zip(key, kinds, strict=True):
        known = {float: (int, float), int: (int,)}.get(kind, (kind,))
        if isinstance(part, bool) or not isinstance(part, known) or _too_large(part):
            raise InputError(REFUSED, field="cursor")
    return tuple(key)


def _too_large(part: object) -> bool:
    if isinstance(part, str):
        return _SURROGATE.search(part) is not None
    return isinstance(part, int) and abs(part) >= 1 << 63


def _plain(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        return ""
